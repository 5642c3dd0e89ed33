"""Log loss: mean surprise, in nats, at the class that was true.

Probabilities below 2.2e-16, double precision's step next to 1, count as that much: 36 nats at most. Source: Good,
Rational decisions (1952).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, once, ratio

METRIC = Metric(
    title="Log loss",
    higher_is_better=False,
    best=0.0,
    takes="probabilities",
    source="Good, Rational decisions (1952)",
    percent=False,
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Log loss from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Log loss (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    loss_N = _loss(true_N, scores_NK)
    return by_blocks(weights_RN, lambda weights_NR: ratio(loss_N @ weights_NR, weights_NR.sum(axis=0)))


def shares(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each clip adds (N,), of labels (N,) and scores (N, K)."""
    return _loss(true_N, scores_NK) / len(true_N)


def _loss(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    chosen_N = scores_NK[np.arange(len(true_N)), true_N]
    return np.asarray(-np.log(np.clip(chosen_N, np.finfo(np.float64).eps, 1.0)))


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """Log loss of giving every clip the class shares of labels (N,)."""
    shares_K = np.bincount(true_N, minlength=num_classes) / len(true_N)
    present_k = shares_K[shares_K > 0.0]
    return float(-(present_k * np.log(present_k)).sum())
