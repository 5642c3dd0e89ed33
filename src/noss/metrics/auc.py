"""Area under the ROC curve: how often a clip of the class scores above one of another class, ties counting half.

Two classes: class 1 against class 0. More: each class against the rest, averaged over the classes that have clips.
Source: Hanley and McNeil, The meaning and use of the area under a receiver operating characteristic curve (1982).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._curve import area
from noss.metrics._weights import by_blocks, once

METRIC = Metric(
    title="Area under the ROC curve",
    higher_is_better=True,
    best=1.0,
    takes="scores",
    source="Hanley and McNeil, The meaning and use of the area under a ROC curve (1982)",
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Area under the ROC curve from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Area under the ROC curve (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    return by_blocks(weights_RN, area(true_N, scores_NK))


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """One half, whatever the labels (N,)."""
    return 0.5
