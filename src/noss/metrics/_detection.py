"""The cost of the best threshold on a detection curve, for minDCF at any share of targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics._curve import along, margins, steps
from noss.metrics._weights import by_blocks, ratio


def min_cost(
    true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any], *, p_target: float
) -> NDArray[np.float64]:
    """The least normalised cost (R,) for weightings (R, N) of labels (N,) and scores (N, 2).

    A miss and a false alarm cost 1 each, a share `p_target` of what is to be decided are positives, and 1 is the cost of
    the better of accepting all and rejecting all.
    """
    if scores_NK.shape[1] != 2:
        raise ValueError(f"scores have {scores_NK.shape[1]} classes and a detection cost takes two: use uar")
    positive_N = true_N == 1
    step_N = steps(margins(scores_NK), positive_N)
    return by_blocks(weights_RN, lambda weights_NR: _least(*along(weights_NR, step_N, positive_N), p_target=p_target))


def _least(
    positive_RG: NDArray[np.float64], negative_RG: NDArray[np.float64], *, p_target: float
) -> NDArray[np.float64]:
    """The least cost over thresholds below, between and above the steps (R, G): a step adds misses, takes false alarms."""
    num_positive_R1, num_negative_R1 = (steps_RG.sum(axis=1, keepdims=True) for steps_RG in (positive_RG, negative_RG))
    miss_R1 = ratio(np.full_like(num_positive_R1, p_target), num_positive_R1)
    alarm_R1 = ratio(np.full_like(num_negative_R1, 1.0 - p_target), num_negative_R1)
    saved_R = -np.minimum(np.cumsum(miss_R1 * positive_RG - alarm_R1 * negative_RG, axis=1).min(axis=1), 0.0)
    return np.asarray(np.maximum(1.0 - p_target - saved_R, 0.0) / min(p_target, 1.0 - p_target))
