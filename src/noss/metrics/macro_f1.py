"""Macro F1: the mean over classes of the harmonic mean of recall and precision.

Classes without a clip are left out of the mean; a class never predicted has F1 zero. Source: Opitz and Burst, Macro F1
and macro F1 (2019), the average of F1s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, group_sums, mean_over_present, once, ratio

METRIC = Metric(
    title="Macro F1",
    higher_is_better=True,
    best=1.0,
    takes="scores",
    source="Opitz and Burst, Macro F1 and macro F1 (2019), the average of F1s",
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Macro F1 from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Macro F1 (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    num_classes = scores_NK.shape[1]
    guess_N = scores_NK.argmax(axis=1)
    found_N = np.where(guess_N == true_N, true_N, -1)

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        found_RK, true_RK, guess_RK = (
            group_sums(weights_NR, group_N, num_groups=num_classes) for group_N in (found_N, true_N, guess_N)
        )
        return mean_over_present(np.where(true_RK > 0.0, ratio(2.0 * found_RK, true_RK + guess_RK), np.nan))

    return by_blocks(weights_RN, draw)


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """Macro F1 of naming the most frequent class of labels (N,) every time."""
    counts_K = np.bincount(true_N, minlength=num_classes)
    share = counts_K.max() / len(true_N)
    return float(2.0 * share / (1.0 + share) / np.count_nonzero(counts_K))
