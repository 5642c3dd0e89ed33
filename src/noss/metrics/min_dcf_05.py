"""Minimum detection cost where 5 in 100 are targets: of trials, those of the same speaker; class 1 is the target.

The threshold is the best one for these very clips: a number to compare with published ones, and a bound for what a
threshold set beforehand costs. Source: NIST 2016 Speaker Recognition Evaluation Plan, section 3, with a target share of
0.05 as the VoxCeleb Speaker Recognition Challenge takes it; a miss and a false alarm cost 1 each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._detection import min_cost
from noss.metrics._weights import once

P_TARGET = 0.05

METRIC = Metric(
    title="Minimum detection cost, 5 % targets",
    higher_is_better=False,
    best=0.0,
    takes="scores",
    source="NIST 2016 Speaker Recognition Evaluation Plan, section 3",
    binary_only=True,
    percent=False,
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Minimum detection cost from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Minimum detection cost (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    return min_cost(true_N, scores_NK, weights_RN, p_target=P_TARGET)


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """One, the cost of rejecting all, whatever the labels (N,)."""
    return 1.0
