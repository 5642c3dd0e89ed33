"""Expected calibration error: how far confidence is from accuracy, over 15 equal bins of the highest probability.

A bin holds confidences above its lower edge, up to and with its upper one. Source: Guo et al., On calibration of modern
neural networks (2017), eq. 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, group_sums, once, ratio

_NUM_BINS = 15
METRIC = Metric(
    title="Expected calibration error",
    higher_is_better=False,
    best=0.0,
    takes="probabilities",
    source="Guo et al., On calibration of modern neural networks (2017), eq. 3",
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Expected calibration error from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Expected calibration error (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    confidence_N = scores_NK.max(axis=1)
    gap_N = (scores_NK.argmax(axis=1) == true_N) - confidence_N
    bin_N = np.clip(np.ceil(confidence_N * _NUM_BINS).astype(np.int64) - 1, 0, _NUM_BINS - 1)

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        gaps_RG = group_sums(weights_NR * gap_N[:, None], bin_N, num_groups=_NUM_BINS)
        return ratio(np.abs(gaps_RG).sum(axis=1), weights_NR.sum(axis=0))

    return by_blocks(weights_RN, draw)
