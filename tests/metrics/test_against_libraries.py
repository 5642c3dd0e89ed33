"""Metrics against implementations made elsewhere: scikit-learn, audmetric, scipy."""

from __future__ import annotations

import audmetric
import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from scipy.stats import norm, spearmanr
from sklearn import metrics as sk

from noss import shelf

SEEDS = range(5)


def score(name: str, true_N, scores_NK) -> float:
    return shelf.load("metrics", name).score(true_N, scores_NK)


def classes(seed: int, *, num_classes: int, num_clips: int = 200, decimals: int = 2):
    rng = np.random.default_rng(seed)
    true_N = rng.integers(0, num_classes, num_clips)
    scores_NK = np.round(0.05 + rng.random((num_clips, num_classes)) + 0.3 * np.eye(num_classes)[true_N], decimals)
    return true_N, scores_NK / scores_NK.sum(axis=1, keepdims=True)


def numbers(seed: int, *, decimals: int = 1):
    rng = np.random.default_rng(seed)
    true_N = np.round(5 + rng.standard_normal(200), decimals)
    return true_N, np.round(0.7 * true_N + rng.standard_normal(200), decimals)


@pytest.mark.parametrize("num_classes", [2, 6])
@pytest.mark.parametrize("seed", SEEDS)
def test_accuracy_uar_and_macro_f1_agree(seed: int, num_classes: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=num_classes)
    guess_N = scores_NK.argmax(axis=1)
    assert score("accuracy", true_N, scores_NK) == pytest.approx(sk.accuracy_score(true_N, guess_N))
    assert score("uar", true_N, scores_NK) == pytest.approx(sk.balanced_accuracy_score(true_N, guess_N))
    assert score("uar", true_N, scores_NK) == pytest.approx(audmetric.unweighted_average_recall(true_N, guess_N))
    assert score("macro_f1", true_N, scores_NK) == pytest.approx(sk.f1_score(true_N, guess_N, average="macro"))


@pytest.mark.parametrize("seed", SEEDS)
def test_uar_and_macro_f1_agree_where_a_class_is_absent(seed: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=6)
    kept = true_N != 4
    true_N, scores_NK, present = true_N[kept], scores_NK[kept], [0, 1, 2, 3, 5]
    guess_N = scores_NK.argmax(axis=1)
    recall = sk.recall_score(true_N, guess_N, labels=present, average="macro")
    assert score("uar", true_N, scores_NK) == pytest.approx(recall)
    f1 = sk.f1_score(true_N, guess_N, labels=present, average="macro")
    assert score("macro_f1", true_N, scores_NK) == pytest.approx(f1)


@pytest.mark.parametrize("decimals", [1, 2, 9])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_equal_error_rate_is_where_the_roc_curve_crosses_its_diagonal(seed: int, decimals: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=2, decimals=decimals)
    false_alarm, hit, _ = sk.roc_curve(true_N, scores_NK[:, 1], drop_intermediate=False)
    crossing = brentq(lambda x: 1.0 - x - interp1d(false_alarm, hit)(x), 0.0, 1.0)
    assert score("eer", true_N, scores_NK) == pytest.approx(crossing, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_equal_error_rate_agrees_with_audmetric_up_to_one_step_of_the_curve(seed: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=2, num_clips=2000, decimals=9)
    theirs, _ = audmetric.equal_error_rate(true_N, scores_NK[:, 1])
    step = 1.0 / np.bincount(true_N).min()
    assert score("eer", true_N, scores_NK) == pytest.approx(theirs, abs=step)


@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_area_under_the_roc_curve_agrees(seed: int, decimals: int) -> None:
    true_N, scores_N2 = classes(seed, num_classes=2, decimals=decimals)
    area = sk.roc_auc_score(true_N, scores_N2[:, 1])
    assert score("auc", true_N, scores_N2) == pytest.approx(area)
    assert score("dprime", true_N, scores_N2) == pytest.approx(np.sqrt(2.0) * norm.ppf(area))
    true_N, scores_NK = classes(seed, num_classes=6, decimals=decimals)
    area = sk.roc_auc_score(true_N, scores_NK, multi_class="ovr", average="macro")
    assert score("auc", true_N, scores_NK) == pytest.approx(area)
    assert score("dprime", true_N, scores_NK) == pytest.approx(np.sqrt(2.0) * norm.ppf(area))


@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize("num_classes", [2, 6])
@pytest.mark.parametrize("seed", SEEDS)
def test_average_precision_agrees(seed: int, num_classes: int, decimals: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=num_classes, decimals=decimals)
    wanted = sk.average_precision_score(np.eye(num_classes)[true_N], scores_NK, average="macro")
    assert score("average_precision", true_N, scores_NK) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_area_without_a_class_is_the_mean_over_the_others(seed: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=5)
    kept = true_N != 2
    true_N, scores_NK = true_N[kept], scores_NK[kept]
    areas = [sk.roc_auc_score(true_N == k, scores_NK[:, k]) for k in (0, 1, 3, 4)]
    assert score("auc", true_N, scores_NK) == pytest.approx(np.mean(areas))


@pytest.mark.parametrize("num_classes", [2, 6])
@pytest.mark.parametrize("seed", SEEDS)
def test_log_loss_agrees(seed: int, num_classes: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=num_classes)
    theirs = sk.log_loss(true_N, scores_NK, labels=np.arange(num_classes))
    assert score("log_loss", true_N, scores_NK) == pytest.approx(theirs)


@pytest.mark.parametrize("decimals", [0, 9])
@pytest.mark.parametrize("seed", SEEDS)
def test_metrics_of_numbers_agree(seed: int, decimals: int) -> None:
    true_N, guess_N = numbers(seed, decimals=decimals)
    assert score("mae", true_N, guess_N[:, None]) == pytest.approx(sk.mean_absolute_error(true_N, guess_N))
    assert score("ccc", true_N, guess_N[:, None]) == pytest.approx(audmetric.concordance_cc(true_N, guess_N))
    assert score("spearman", true_N, guess_N[:, None]) == pytest.approx(spearmanr(true_N, guess_N).statistic)


@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_draws_agree_with_weighted_metrics_of_scikit_learn(seed: int) -> None:
    true_N, scores_NK = classes(seed, num_classes=4)
    guess_N = scores_NK.argmax(axis=1)
    weights_RN = np.random.default_rng(seed).random((3, len(true_N)))
    drawn = {
        name: shelf.load("metrics", name).draws(true_N, scores_NK, weights_RN) for name in ("uar", "macro_f1", "auc")
    }
    for r, weights_N in enumerate(weights_RN):
        recall = sk.recall_score(true_N, guess_N, average="macro", sample_weight=weights_N)
        f1 = sk.f1_score(true_N, guess_N, average="macro", sample_weight=weights_N)
        areas = [sk.roc_auc_score(true_N == k, scores_NK[:, k], sample_weight=weights_N) for k in range(4)]
        assert drawn["uar"][r] == pytest.approx(recall)
        assert drawn["macro_f1"][r] == pytest.approx(f1)
        assert drawn["auc"][r] == pytest.approx(np.mean(areas))
