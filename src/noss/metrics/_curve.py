"""One class against the rest: weights along the sorted scores, for EER and ROC AUC."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from noss.metrics._weights import group_sums, mean_over_present, ratio


def steps(scores_N: NDArray[np.float64], positive_N: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The step (N,) of the ROC curve that each clip belongs to, from the lowest score to the highest.

    Clips with equal scores share a step. So do clips in a row where all are negative: the curve is straight there.
    """
    order_N = np.argsort(scores_N, kind="stable")
    sorted_N, hit_N = scores_N[order_N], positive_N[order_N]
    tie_N = np.concatenate([[0], np.cumsum(sorted_N[1:] != sorted_N[:-1])])
    mixed_T = np.bincount(tie_N, weights=hit_N) > 0.0
    starts_T = mixed_T | np.concatenate([[True], mixed_T[:-1]])
    step_N = np.empty(len(scores_N), dtype=np.int64)
    step_N[order_N] = (np.cumsum(starts_T) - 1)[tie_N]
    return step_N


def along(
    weights_NR: NDArray[np.float64], step_N: NDArray[np.int64], positive_N: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight of the positive and of the negative clips at each step, both (R, G), for weightings (N, R)."""
    num_steps = int(step_N.max()) + 1
    positive_RG = group_sums(weights_NR, np.where(positive_N, step_N, -1), num_groups=num_steps)
    negative_RG = group_sums(weights_NR, np.where(positive_N, -1, step_N), num_groups=num_steps)
    return positive_RG, negative_RG


def margins(scores_N2: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each clip leans to class 1 (N,), from the scores of two classes (N, 2).

    Of probabilities it is that of class 1; where that rounds to 1, the other one still tells which is the surer.
    """
    low_N, high_N = scores_N2[:, 0], scores_N2[:, 1]
    if scores_N2.min() < 0.0 or not np.allclose(low_N + high_N, 1.0):
        return high_N - low_N
    with np.errstate(divide="ignore"):
        return np.where(high_N < 1.0, high_N, 1.0 - np.log(low_N))


def area(
    true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """What gives the area under the ROC curve (R,) of labels (N,) and scores (N, K) for weightings (N, R)."""
    if scores_NK.shape[1] == 2:
        columns = [(margins(scores_NK), true_N == 1)]
    else:
        columns = [(scores_NK[:, k], true_N == k) for k in np.unique(true_N)]
    curves = [(steps(scores_N, positive_N), positive_N) for scores_N, positive_N in columns]

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        return mean_over_present(np.stack([_area(*along(weights_NR, *curve)) for curve in curves], axis=1))

    return draw


def _area(positive_RG: NDArray[np.float64], negative_RG: NDArray[np.float64]) -> NDArray[np.float64]:
    below_RG = np.cumsum(negative_RG, axis=1)
    pairs_R = positive_RG.sum(axis=1) * below_RG[:, -1]
    below_RG -= 0.5 * negative_RG
    return ratio(np.einsum("rg,rg->r", positive_RG, below_RG), pairs_R)
