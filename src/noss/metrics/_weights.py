"""What the metrics share: one weighting of all ones, and weights summed by group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draws = Callable[[NDArray[Any], NDArray[np.float64], NDArray[Any]], NDArray[np.float64]]
_BLOCK = 60  # small enough for the cache, and no power of two, which turning an array would pay for


def once(draws: Draws, true_N: NDArray[Any], scores_NK: NDArray[np.float64]) -> float:
    """The metric with every clip counted once: `draws` with all weights one, on labels (N,) and scores (N, K).

    Raises:
        ValueError: Values that are not finite, shapes that do not fit, or nothing to measure.
    """
    if scores_NK.ndim != 2 or len(scores_NK) != len(true_N) or not len(true_N):
        raise ValueError(f"scores have shape {scores_NK.shape} and there are {len(true_N)} labels: give (N, K), N > 0")
    if not np.isfinite(scores_NK).all() or not np.isfinite(true_N).all():
        raise ValueError("labels or scores hold NaN or infinity: leave those clips out")
    value = float(draws(true_N, scores_NK, np.ones((1, len(true_N))))[0])
    if np.isnan(value):
        raise ValueError("these labels or scores leave nothing to measure: the metric needs some that differ")
    return value


def by_blocks(
    weights_RN: NDArray[Any], draw: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Values (R,) of a metric that `draw` measures on turned blocks of weightings (N, r): memory does not grow with R."""
    starts = range(0, len(weights_RN), _BLOCK)
    turned = (weights_RN[start : start + _BLOCK].T.astype(np.float64, order="C") for start in starts)
    return np.concatenate([np.zeros(0), *(draw(weights_NR) for weights_NR in turned)])


def group_sums(weights_NR: NDArray[np.float64], group_N: NDArray[np.int64], *, num_groups: int) -> NDArray[np.float64]:
    """Weight (R, G) of each group of clips; clips of group -1 (N,) are in none."""
    from scipy.sparse import csr_array

    order_n = np.argsort(group_N, kind="stable")[np.count_nonzero(group_N < 0) :]
    ends_G = np.cumsum(np.bincount(group_N[order_n], minlength=num_groups))
    shape = (num_groups, len(group_N))
    members_GN = csr_array((np.ones(len(order_n)), order_n, np.concatenate([[0], ends_G])), shape=shape)
    return np.ascontiguousarray((members_GN @ weights_NR).T)


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """`above / below`, two arrays (R, ...) of one shape, NaN where `below` is zero."""
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0.0))


def mean_over_present(values_RK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean (R,) over the classes (R, K) that are not NaN; NaN where all are."""
    present_RK = ~np.isnan(values_RK)
    return ratio(np.where(present_RK, values_RK, 0.0).sum(axis=1), present_RK.sum(axis=1))
