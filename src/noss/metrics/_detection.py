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
    """The least cost over thresholds below, between and above the steps (R, G)."""
    missed_RG, rejected_RG = (
        np.pad(np.cumsum(step_RG, axis=1), ((0, 0), (1, 0))) for step_RG in (positive_RG, negative_RG)
    )
    missed_RG, rejected_RG = (
        ratio(sum_RG, np.broadcast_to(sum_RG[:, -1:], sum_RG.shape)) for sum_RG in (missed_RG, rejected_RG)
    )
    cost_RG = p_target * missed_RG + (1.0 - p_target) * (1.0 - rejected_RG)
    return np.asarray(np.maximum(cost_RG.min(axis=1), 0.0) / min(p_target, 1.0 - p_target))
