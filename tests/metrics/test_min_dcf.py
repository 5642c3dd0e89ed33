"""Minimum detection cost: by hand, against the ROC curve of scikit-learn, and on trials whose answer is plain."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from noss.metrics import min_dcf, min_dcf_05

BOTH = [(min_dcf, 0.01), (min_dcf_05, 0.05)]


def leaning(*scores: float) -> np.ndarray:
    return np.array([[-score, score] for score in scores])


@pytest.mark.parametrize(
    ("metric", "cost"),
    # Of two targets and two others: above 3 one target is missed and nothing let through, 0.5 * p; above 1 one of the
    # others is let through and nothing missed, 0.5 * (1 - p). The first is the cheaper, and p is what rejecting all costs.
    [(min_dcf, 0.5), (min_dcf_05, 0.5)],
)
def test_the_cheaper_of_missing_one_and_letting_one_through(metric: ModuleType, cost: float) -> None:
    assert metric.score(np.array([0, 1, 0, 1]), leaning(1, 2, 3, 4)) == pytest.approx(cost)


def test_the_share_of_targets_decides_what_is_cheaper() -> None:
    """One of 30 others lies above all ten targets: letting it through costs 0.95 / 30, and rejecting all 0.05."""
    true_N = np.array([0] * 29 + [1] * 10 + [0])
    scores_N2 = leaning(*range(40))
    assert min_dcf_05.score(true_N, scores_N2) == pytest.approx(0.95 / 30 / 0.05)
    assert min_dcf.score(true_N, scores_N2) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [min_dcf, min_dcf_05])
def test_no_threshold_costs_more_than_rejecting_all(metric: ModuleType) -> None:
    assert metric.score(np.array([1, 1, 0, 0]), leaning(1, 2, 3, 4)) == pytest.approx(1.0)
    assert metric.score(np.array([1, 0, 1, 0]), leaning(5, 5, 5, 5)) == pytest.approx(1.0)


@pytest.mark.parametrize("metric", [min_dcf, min_dcf_05])
def test_there_is_no_threshold_between_equal_scores(metric: ModuleType) -> None:
    assert metric.score(np.array([0, 1, 1, 0]), leaning(2, 2, 3, 1)) == pytest.approx(0.5)


@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize(("metric", "p_target"), BOTH)
@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_least_cost_on_the_roc_curve_of_scikit_learn(
    metric: ModuleType, p_target: float, seed: int, decimals: int
) -> None:
    generator = np.random.default_rng(seed)
    true_N = generator.integers(2, size=400)
    score_N = np.round(generator.standard_normal(400) + 2.5 * true_N, decimals)
    false_alarm, hit, _ = roc_curve(true_N, score_N, drop_intermediate=False)
    cost = np.min(p_target * (1 - hit) + (1 - p_target) * false_alarm) / p_target
    assert metric.score(true_N, leaning(*score_N)) == pytest.approx(cost, abs=1e-12)


@pytest.mark.parametrize("metric", [min_dcf, min_dcf_05])
def test_three_classes_are_refused_and_one_alone_leaves_nothing_to_measure(metric: ModuleType) -> None:
    with pytest.raises(ValueError, match="takes two"):
        metric.score(np.array([0, 1, 2]), np.eye(3))
    with pytest.raises(ValueError, match="nothing to measure"):
        metric.score(np.array([1, 1]), leaning(1, 2))
