"""Mean absolute error, in the unit of the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, once, ratio

METRIC = Metric(
    title="Mean absolute error",
    higher_is_better=False,
    best=0.0,
    takes="numbers",
    source="Willmott and Matsuura, Advantages of the mean absolute error (2005)",
    percent=False,
)


def score(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64]) -> float:
    """Mean absolute error from labels (N,) and scores (N, 1)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Mean absolute error (R,) for weightings (R, N) of labels (N,) and scores (N, 1)."""
    error_N = np.abs(scores_NK[:, 0] - true_N)
    return by_blocks(weights_RN, lambda weights_NR: ratio(error_N @ weights_NR, weights_NR.sum(axis=0)))


def shares(true_N: NDArray[np.float64], scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each clip adds (N,), of labels (N,) and scores (N, 1)."""
    return np.asarray(np.abs(scores_NK[:, 0] - true_N) / len(true_N))


def chance(true_N: NDArray[np.float64], num_classes: int) -> float:
    """Mean absolute error of answering the median of numbers (N,) every time."""
    return float(np.abs(true_N - np.median(true_N)).mean())
