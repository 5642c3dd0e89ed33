"""Concordance correlation: 1 where prediction equals truth, lower for errors of rank, scale and level alike.

Moments are those of the clips themselves (divided by N). Source: Lin, A concordance correlation coefficient to evaluate
reproducibility (1989).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, once, ratio

_ROUNDING = 1e-13
METRIC = Metric(
    title="Concordance correlation",
    higher_is_better=True,
    best=1.0,
    takes="numbers",
    source="Lin, A concordance correlation coefficient to evaluate reproducibility (1989)",
    percent=False,
)


def score(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64]) -> float:
    """Concordance correlation from labels (N,) and scores (N, 1)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Concordance correlation (R,) for weightings (R, N) of labels (N,) and scores (N, 1)."""
    centre = float(true_N.mean())
    x_N, y_N = true_N - centre, scores_NK[:, 0] - centre
    moments_5N = np.stack([x_N, y_N, x_N * x_N, y_N * y_N, x_N * y_N])

    def draw(weights_NR: NDArray[np.float64]) -> NDArray[np.float64]:
        total_R = weights_NR.sum(axis=0)
        x_R, y_R, xx_R, yy_R, xy_R = (ratio(sum_R, total_R) for sum_R in np.einsum("mn,nr->mr", moments_5N, weights_NR))
        spread_R = np.maximum(xx_R - x_R**2, 0.0) + np.maximum(yy_R - y_R**2, 0.0)
        apart_R = spread_R + (x_R - y_R) ** 2
        apart_R[apart_R <= _ROUNDING * (xx_R + yy_R)] = 0.0
        return ratio(2.0 * (xy_R - x_R * y_R), apart_R)

    return by_blocks(weights_RN, draw)


def chance(true_N: NDArray[np.float64], num_classes: int) -> float:
    """Zero: a constant agrees with no change, whatever the numbers (N,)."""
    return 0.0
