"""Average precision: the mean over the clips of a class of how many of those scored at least as high belong to it.

Each class against the rest, averaged over the classes that have clips; two classes as well. Clips with equal scores stand
at one threshold, and nothing is interpolated, as in scikit-learn. What the HEAR benchmark calls mAP.
Source: Su, Yuan and Zhu, A relationship between the average precision and the area under the ROC curve (2015).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._curve import along, steps
from noss.metrics._weights import by_blocks, mean_over_present, once, ratio

METRIC = Metric(
    title="Average precision",
    higher_is_better=True,
    best=1.0,
    takes="scores",
    source="Su, Yuan and Zhu, A relationship between the average precision and the area under the ROC curve (2015)",
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Average precision from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Average precision (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    return by_blocks(weights_RN, _precision(true_N, scores_NK))


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """The mean share of a class in the labels (N,) that has clips."""
    return 1.0 / len(np.unique(true_N))


def _precision(
    true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    columns = [(scores_NK[:, k], true_N == k) for k in np.unique(true_N)]
    curves = [(steps(scores_N, positive_N), positive_N) for scores_N, positive_N in columns]

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        return mean_over_present(np.stack([_one_class(*along(weights_NR, *curve)) for curve in curves], axis=1))

    return draw


def _one_class(positive_RG: NDArray[np.float64], negative_RG: NDArray[np.float64]) -> NDArray[np.float64]:
    hits_RG, misses_RG = (np.cumsum(side[:, ::-1], axis=1)[:, ::-1] for side in (positive_RG, negative_RG))
    precision_RG = np.nan_to_num(ratio(hits_RG, hits_RG + misses_RG))
    return ratio(np.einsum("rg,rg->r", positive_RG, precision_RG), hits_RG[:, 0])
