"""d': how many deviations apart two normal distributions lie whose ROC curve has the same area.

`sqrt(2) * Phi^-1(AUC)`, the area averaged over classes as in `auc`. The area is kept within [1e-6, 1 - 1e-6], so that
a perfect ranking has the finite d' 6.72.
Source: Simpson and Fitter, What is the best index of detectability? (1973).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._curve import area
from noss.metrics._weights import by_blocks, once

_EDGE = 1e-6
METRIC = Metric(
    title="d'",
    higher_is_better=True,
    best=6.7223571252430805,
    takes="scores",
    source="Simpson and Fitter, What is the best index of detectability? (1973)",
    percent=False,
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """The index d' from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """The index d' (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    from scipy.special import ndtri

    area_R = np.clip(by_blocks(weights_RN, area(true_N, scores_NK)), _EDGE, 1.0 - _EDGE)
    return np.asarray(np.sqrt(2.0) * ndtri(area_R))


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """Zero, whatever the labels (N,)."""
    return 0.0
