"""Equal error rate: where as many positives are missed as negatives are let through; two classes, class 1 positive.

The errors are followed from threshold to threshold, equal scores at one threshold, in straight lines: the rate is where
the ROC curve crosses its diagonal, and does not depend on the order of clips.
Source: Martin et al., The DET curve in assessment of detection task performance (1997).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._curve import along, margins, steps
from noss.metrics._weights import by_blocks, once, ratio

METRIC = Metric(
    title="Equal error rate",
    higher_is_better=False,
    best=0.0,
    takes="scores",
    source="Martin et al., The DET curve in assessment of detection task performance (1997)",
    binary_only=True,
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Equal error rate from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Equal error rate (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    if scores_NK.shape[1] != 2:
        raise ValueError(f"scores have {scores_NK.shape[1]} classes and the equal error rate takes two: use auc or uar")
    positive_N = true_N == 1
    step_N = steps(margins(scores_NK), positive_N)
    return by_blocks(weights_RN, lambda weights_NR: _crossing(*along(weights_NR, step_N, positive_N)))


def _crossing(positive_RG: NDArray[np.float64], negative_RG: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where misses and false alarms meet, the threshold rising over the steps (R, G)."""
    missed_RG, passed_RG = _start(np.cumsum(positive_RG, axis=1)), _start(np.cumsum(negative_RG, axis=1))
    missed_RG = ratio(missed_RG, np.broadcast_to(missed_RG[:, -1:], missed_RG.shape))
    passed_RG = 1.0 - ratio(passed_RG, np.broadcast_to(passed_RG[:, -1:], passed_RG.shape))
    gap_RG = missed_RG - passed_RG
    right_R = np.argmax(gap_RG >= 0.0, axis=1)
    rows_R, left_R = np.arange(len(gap_RG)), np.maximum(right_R - 1, 0)
    before_R, after_R = gap_RG[rows_R, left_R], gap_RG[rows_R, right_R]
    share_R = ratio(-before_R, after_R - before_R)
    low_R, high_R = missed_RG[rows_R, left_R], missed_RG[rows_R, right_R]
    return np.asarray(low_R + share_R * (high_R - low_R))


def _start(sums_RG: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros((len(sums_RG), 1)), sums_RG], axis=1)


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """One half, whatever the labels (N,)."""
    return 0.5
