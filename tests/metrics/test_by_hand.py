"""Metrics on cases small enough to work out on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from noss import shelf


def score(name: str, true: list[float], scores: list[list[float]]) -> float:
    return shelf.load("metrics", name).score(np.array(true), np.array(scores, dtype=float))


def guesses(*classes: int, num_classes: int = 3) -> list[list[float]]:
    return [[1.0 if k == guess else 0.0 for k in range(num_classes)] for guess in classes]


def leaning(*scores: float) -> list[list[float]]:
    return [[-s, s] for s in scores]


TRUE = [0, 0, 0, 0, 1, 1, 2, 2]
GUESS = guesses(0, 0, 0, 1, 1, 2, 2, 2)


def test_accuracy_is_six_of_eight() -> None:
    assert score("accuracy", TRUE, GUESS) == 0.75


def test_uar_is_the_mean_of_three_quarters_a_half_and_one() -> None:
    assert score("uar", TRUE, GUESS) == 0.75


def test_macro_f1_is_the_mean_of_six_sevenths_a_half_and_four_fifths() -> None:
    assert score("macro_f1", TRUE, GUESS) == pytest.approx((6 / 7 + 1 / 2 + 4 / 5) / 3)


def test_a_class_never_predicted_has_f1_zero() -> None:
    assert score("macro_f1", [0, 0, 1], guesses(0, 0, 0)) == pytest.approx((4 / 5 + 0) / 2)


@pytest.mark.parametrize(
    ("scores", "rate"),
    [((1, 2, 3, 4), 0.0), ((4, 3, 2, 1), 1.0), ((1, 3, 2, 4), 0.5), ((1, 1, 1, 1), 0.5), ((1, 2, 2, 4), 0.25)],
)
def test_equal_error_rate_of_two_negatives_and_two_positives(scores: tuple[float, ...], rate: float) -> None:
    assert score("eer", [0, 0, 1, 1], leaning(*scores)) == pytest.approx(rate)


def test_equal_error_rate_between_two_thresholds_is_interpolated() -> None:
    # Misses and false alarms go from (1/3, 1/2) to (1/3, 0): they meet where both are 1/3.
    assert score("eer", [0, 1, 0, 1, 1], leaning(1, 2, 3, 4, 5)) == pytest.approx(1 / 3)


def test_equal_error_rate_does_not_depend_on_the_order_of_ties() -> None:
    first = score("eer", [1, 0, 1, 0, 1, 0], leaning(1, 1, 1, 1, 2, 0))
    second = score("eer", [0, 1, 0, 1, 1, 0], leaning(1, 1, 1, 1, 2, 0))
    assert first == second == pytest.approx(1 / 3)


def test_equal_error_rate_of_three_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="takes two"):
        score("eer", TRUE, GUESS)


@pytest.mark.parametrize("name", ["eer", "auc", "dprime"])
def test_one_class_alone_leaves_nothing_to_measure(name: str) -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        score(name, [1, 1, 1], leaning(1, 2, 3))


def test_area_counts_pairs_and_half_a_tie() -> None:
    # Of the four pairs two are right, one ties, one is wrong.
    assert score("auc", [0, 0, 1, 1], leaning(1, 3, 3, 2)) == pytest.approx(2.5 / 4)


def test_area_tells_apart_probabilities_that_round_to_one() -> None:
    sure = [[1e-20, 1.0], [1e-30, 1.0]]
    assert score("auc", [0, 1], sure) == 1.0
    assert score("auc", [1, 0], sure) == 0.0


def test_area_merges_ties_of_certainty() -> None:
    assert score("auc", [0, 1, 0, 1], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]) == 0.5


def test_dprime_of_no_skill_is_zero_and_of_perfect_ranking_finite() -> None:
    assert score("dprime", [0, 1], leaning(1, 1)) == pytest.approx(0.0)
    assert score("dprime", [0, 1], leaning(1, 2)) == pytest.approx(6.7223571, abs=1e-6)
    assert score("dprime", [0, 1], leaning(2, 1)) == pytest.approx(-6.7223571, abs=1e-6)


def test_average_precision_is_the_precision_at_each_hit() -> None:
    # Class 1 is first and third of four: 1/1 and 2/3; so is class 0, from the other end.
    assert score("average_precision", [0, 1, 0, 1], leaning(1, 2, 3, 4)) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert score("average_precision", [0, 1, 0, 1], leaning(1, 1, 1, 1)) == pytest.approx(0.5)


def test_log_loss_is_the_mean_of_ln_2_and_ln_4() -> None:
    assert score("log_loss", [0, 1], [[0.5, 0.5], [0.75, 0.25]]) == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_log_loss_of_certain_error_is_36_nats() -> None:
    assert score("log_loss", [0], [[0.0, 1.0]]) == pytest.approx(36.04, abs=0.01)


def test_calibration_error_weighs_bins_by_their_clips() -> None:
    # Three clips at 0.9, two right: |2 - 2.7|. One clip at 0.6, right: |1 - 0.6|. Together over four clips.
    probabilities = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]
    assert score("ece", [0, 0, 1, 0], probabilities) == pytest.approx((0.7 + 0.4) / 4)


def test_errors_within_a_bin_cancel_and_across_bins_do_not() -> None:
    assert score("ece", [0, 1], [[0.5, 0.5], [0.5, 0.5]]) == pytest.approx(0.0)
    assert score("ece", [0, 1], [[1.0, 0.0], [0.5, 0.5]]) == pytest.approx(0.25)


def test_concordance_falls_with_a_shift_that_rank_correlation_ignores() -> None:
    # Variance 2/3 both, covariance 2/3, shift 1: 2 * 2/3 / (4/3 + 1).
    assert score("ccc", [1.0, 2.0, 3.0], [[2], [3], [4]]) == pytest.approx(4 / 7)
    assert score("spearman", [1.0, 2.0, 3.0], [[2], [3], [4]]) == pytest.approx(1.0)


def test_concordance_keeps_its_digits_far_from_zero() -> None:
    far = 1e8
    assert score("ccc", [far + 1, far + 2, far + 3], [[far + 2], [far + 3], [far + 4]]) == pytest.approx(4 / 7)


def test_constants_leave_correlations_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        score("spearman", [1.0, 2.0, 3.0], [[2], [2], [2]])
    with pytest.raises(ValueError, match="nothing to measure"):
        score("ccc", [0.1, 0.1, 0.1], [[0.1], [0.1], [0.1]])
    assert score("ccc", [1.0, 2.0, 3.0], [[2], [2], [2]]) == 0.0


def test_a_draw_of_equal_clips_leaves_concordance_nothing_to_measure() -> None:
    true_N, guess_N1 = np.array([0.1, 0.3, 7.7]), np.array([[0.1], [0.3], [1.7]])
    drawn_R = shelf.load("metrics", "ccc").draws(true_N, guess_N1, np.array([[5.0, 0.0, 0.0], [0.0, 3.0, 0.0]]))
    assert np.isnan(drawn_R).all()


def test_mean_absolute_error_is_in_the_targets_unit() -> None:
    assert score("mae", [1.0, 2.0], [[2], [5]]) == 2.0


@pytest.mark.parametrize(
    ("name", "true", "num_classes", "value"),
    [
        ("accuracy", [0, 0, 0, 1], 2, 0.75),
        ("uar", [0, 0, 0, 1], 5, 0.5),
        ("macro_f1", [0, 0, 0, 1], 2, 3 / 7),
        ("auc", [0, 1], 2, 0.5),
        ("eer", [0, 1], 2, 0.5),
        ("dprime", [0, 1], 2, 0.0),
        ("log_loss", [0, 1], 2, math.log(2)),
        ("mae", [0.0, 1.0, 5.0], 0, 5 / 3),
        ("ccc", [0.0, 1.0], 0, 0.0),
        ("spearman", [0.0, 1.0], 0, 0.0),
    ],
)
def test_chance_by_hand(name: str, true: list[float], num_classes: int, value: float) -> None:
    assert shelf.load("metrics", name).chance(np.array(true), num_classes) == pytest.approx(value)
