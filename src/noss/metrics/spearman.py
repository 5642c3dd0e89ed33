"""Spearman's rank correlation: 1 where prediction rises with truth, whatever the scale; equal values share a rank.

Source: Spearman, The proof and measurement of association between two things (1904).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, group_sums, once, ratio

METRIC = Metric(
    title="Spearman's rank correlation",
    higher_is_better=True,
    best=1.0,
    takes="numbers",
    source="Spearman, The proof and measurement of association between two things (1904)",
    percent=False,
)


def score(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64]) -> float:
    """Spearman's rank correlation from labels (N,) and scores (N, 1)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Spearman's rank correlation (R,) for weightings (R, N) of labels (N,) and scores (N, 1)."""
    groups = [np.unique(values_N, return_inverse=True)[1] for values_N in (true_N, scores_NK[:, 0])]

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        x_NR, y_NR = (_ranks(weights_NR, group_N) for group_N in groups)
        xy_R, xx_R, yy_R = (
            np.einsum("nr,nr,nr->r", weights_NR, a_NR, b_NR)
            for a_NR, b_NR in ((x_NR, y_NR), (x_NR, x_NR), (y_NR, y_NR))
        )
        return ratio(xy_R, np.sqrt(xx_R * yy_R))

    return by_blocks(weights_RN, draw)


def _ranks(weights_NR: NDArray[np.float64], group_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Ranks (N, R), less their mean, of clips in groups of equal values (N,), lowest first."""
    sums_RG = group_sums(weights_NR, group_N, num_groups=int(group_N.max()) + 1)
    ends_RG = np.cumsum(sums_RG, axis=1)
    middle_RG = ends_RG - 0.5 * sums_RG - 0.5 * ends_RG[:, -1:]
    return np.take(middle_RG.T, group_N, axis=0)


def chance(true_N: NDArray[np.float64], num_classes: int) -> float:
    """Zero: a constant rises with nothing, whatever the numbers (N,)."""
    return 0.0
