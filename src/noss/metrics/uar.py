"""Unweighted average recall: the mean over classes of the share of each class's clips that are found.

Classes without a clip are left out of the mean. Source: Schuller et al., The INTERSPEECH 2009 Emotion Challenge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, group_sums, mean_over_present, once, ratio

METRIC = Metric(
    title="Unweighted average recall",
    higher_is_better=True,
    best=1.0,
    takes="scores",
    source="Schuller et al., The INTERSPEECH 2009 Emotion Challenge",
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Unweighted average recall from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Unweighted average recall (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    num_classes = scores_NK.shape[1]
    found_N = np.where(scores_NK.argmax(axis=1) == true_N, true_N, -1)

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        found_RK = group_sums(weights_NR, found_N, num_groups=num_classes)
        return mean_over_present(ratio(found_RK, group_sums(weights_NR, true_N, num_groups=num_classes)))

    return by_blocks(weights_RN, draw)


def shares(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each clip adds (N,), of labels (N,) and scores (N, K): its share of its class, and that of all classes."""
    counts_K = np.bincount(true_N, minlength=scores_NK.shape[1])
    found_N = scores_NK.argmax(axis=1) == true_N
    return np.asarray(found_N / counts_K[true_N] / np.count_nonzero(counts_K))


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """One over the number of classes among labels (N,)."""
    return 1.0 / len(np.unique(true_N))
