"""Every metric on the shelf, and a stranger's own: `NOSS_PART=./mine.py pytest tests/contracts/test_every_metric.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from noss import shelf
from noss.metrics import Metric

OWN = os.environ.get("NOSS_PART")
PARTS = [OWN] if OWN else shelf.names("metrics")
NUM_CLIPS = 60


@pytest.fixture(params=PARTS)
def metric(request: pytest.FixtureRequest) -> ModuleType:
    return shelf.load("metrics", request.param)


def class_counts(metric: ModuleType) -> tuple[int, ...]:
    return (1,) if metric.METRIC.takes == "numbers" else (2,) if metric.METRIC.binary_only else (2, 5)


def example(metric: ModuleType, num_classes: int, *, seed: int = 0, ties: bool = True):
    """Labels and imperfect predictions of them, with values that tie."""
    rng = np.random.default_rng(seed)
    if metric.METRIC.takes == "numbers":
        true_N = np.round(rng.standard_normal(NUM_CLIPS), 1 if ties else 9)
        return true_N, np.round(true_N + rng.standard_normal(NUM_CLIPS), 1 if ties else 9)[:, None]
    true_N = np.concatenate([np.arange(num_classes), rng.integers(0, num_classes, NUM_CLIPS - num_classes)])
    scores_NK = 0.1 + np.round(
        rng.random((NUM_CLIPS, num_classes)) + np.eye(num_classes)[true_N] * 0.4, 1 if ties else 9
    )
    return true_N, scores_NK / scores_NK.sum(axis=1, keepdims=True)


def perfect(metric: ModuleType, true_N, num_classes: int):
    return true_N[:, None].astype(float) if metric.METRIC.takes == "numbers" else np.eye(num_classes)[true_N]


def test_it_states_its_facts(metric: ModuleType) -> None:
    facts = metric.METRIC
    assert isinstance(facts, Metric)
    assert facts.title and facts.source
    assert facts.takes in ("scores", "probabilities", "numbers")
    assert metric.__doc__


def test_perfect_predictions_get_the_best_value(metric: ModuleType) -> None:
    for num_classes in class_counts(metric):
        true_N, _ = example(metric, num_classes)
        assert metric.score(true_N, perfect(metric, true_N, num_classes)) == pytest.approx(metric.METRIC.best, abs=1e-9)


def test_imperfect_predictions_are_on_the_worse_side_of_best(metric: ModuleType) -> None:
    for num_classes in class_counts(metric):
        value = metric.score(*example(metric, num_classes))
        worse = value < metric.METRIC.best if metric.METRIC.higher_is_better else value > metric.METRIC.best
        assert worse


def test_the_order_of_clips_does_not_matter(metric: ModuleType) -> None:
    for num_classes in class_counts(metric):
        true_N, scores_NK = example(metric, num_classes)
        order_N = np.random.default_rng(1).permutation(NUM_CLIPS)
        shuffled = metric.score(true_N[order_N], scores_NK[order_N])
        assert shuffled == pytest.approx(metric.score(true_N, scores_NK), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", [True, False])
def test_a_draw_equals_the_score_on_clips_repeated_that_often(metric: ModuleType, ties: bool, dtype: type) -> None:
    for num_classes in class_counts(metric):
        true_N, scores_NK = example(metric, num_classes, ties=ties)
        counts_RN = np.random.default_rng(2).integers(0, 4, (300, NUM_CLIPS))
        drawn_R = metric.draws(true_N, scores_NK, counts_RN.astype(dtype))
        assert drawn_R.shape == (300,)
        assert drawn_R.dtype == np.float64
        for counts_N, drawn in zip(counts_RN, drawn_R, strict=True):
            repeated = np.repeat(np.arange(NUM_CLIPS), counts_N)
            assert drawn == pytest.approx(metric.score(true_N[repeated], scores_NK[repeated]), rel=1e-9, abs=1e-12)


def test_shares_sum_to_the_score_and_each_is_of_its_own_clip(metric: ModuleType) -> None:
    if not hasattr(metric, "shares"):
        pytest.skip("the metric is no sum over clips")
    for num_classes in class_counts(metric):
        true_N, scores_NK = example(metric, num_classes)
        shares_N = metric.shares(true_N, scores_NK)
        assert shares_N.sum() == pytest.approx(metric.score(true_N, scores_NK), rel=1e-12)
        other_NK = scores_NK.copy()
        other_NK[7] = other_NK[7, ::-1] if num_classes > 1 else other_NK[7] + 1.0
        np.testing.assert_array_equal(np.delete(metric.shares(true_N, other_NK), 7), np.delete(shares_N, 7))


def test_the_scale_of_weights_does_not_matter(metric: ModuleType) -> None:
    if metric.METRIC.takes == "numbers" or not metric.METRIC.binary_only:
        for num_classes in class_counts(metric):
            true_N, scores_NK = example(metric, num_classes)
            weights_RN = np.random.default_rng(3).random((5, NUM_CLIPS))
            plain_R = metric.draws(true_N, scores_NK, weights_RN)
            np.testing.assert_allclose(metric.draws(true_N, scores_NK, 4.0 * weights_RN), plain_R, rtol=1e-9)


def test_a_draw_without_clips_has_no_value(metric: ModuleType) -> None:
    for num_classes in class_counts(metric):
        true_N, scores_NK = example(metric, num_classes)
        weights_RN = np.stack([np.zeros(NUM_CLIPS), np.ones(NUM_CLIPS)])
        nothing, everything = metric.draws(true_N, scores_NK, weights_RN)
        assert np.isnan(nothing)
        assert everything == pytest.approx(metric.score(true_N, scores_NK))


def test_no_draws_are_no_values(metric: ModuleType) -> None:
    true_N, scores_NK = example(metric, class_counts(metric)[0])
    assert metric.draws(true_N, scores_NK, np.ones((0, NUM_CLIPS))).shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_numbers_are_refused(metric: ModuleType, bad: float) -> None:
    true_N, scores_NK = example(metric, class_counts(metric)[0])
    scores_NK[3, 0] = bad
    with pytest.raises(ValueError, match="NaN"):
        metric.score(true_N, scores_NK)


def test_no_clips_and_lengths_that_differ_are_refused(metric: ModuleType) -> None:
    true_N, scores_NK = example(metric, class_counts(metric)[0])
    with pytest.raises(ValueError, match="labels"):
        metric.score(true_N[:0], scores_NK[:0])
    with pytest.raises(ValueError, match="labels"):
        metric.score(true_N[:-1], scores_NK)


def test_a_class_without_clips_does_not_spoil_the_value(metric: ModuleType) -> None:
    if metric.METRIC.takes == "numbers" or metric.METRIC.binary_only:
        return
    true_N, scores_NK = example(metric, 5)
    kept = true_N != 3
    assert np.isfinite(metric.score(true_N[kept], scores_NK[kept]))


def test_chance_is_what_a_constant_guess_gets(metric: ModuleType) -> None:
    if not hasattr(metric, "chance"):
        return
    for num_classes in class_counts(metric):
        true_N, _ = example(metric, num_classes)
        chance = metric.chance(true_N, 0 if metric.METRIC.takes == "numbers" else num_classes)
        assert isinstance(chance, float)
        if metric.METRIC.takes == "numbers":
            guess_K = np.array([np.median(true_N)])
        else:
            guess_K = np.bincount(true_N, minlength=num_classes) / NUM_CLIPS
        drawn = metric.draws(true_N, np.tile(guess_K, (NUM_CLIPS, 1)), np.ones((1, NUM_CLIPS)))[0]
        assert np.isnan(drawn) or drawn == pytest.approx(chance, abs=1e-12)


def test_importing_metrics_imports_nothing_heavy() -> None:
    code = (
        "import sys; from noss import shelf; [shelf.load('metrics', n) for n in shelf.names('metrics')];"
        "print([m for m in ('torch', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
