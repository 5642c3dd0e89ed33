"""Share of clips whose highest score is their own class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.metrics._weights import by_blocks, once, ratio

METRIC = Metric(
    title="Accuracy",
    higher_is_better=True,
    best=1.0,
    takes="scores",
    source="Share of correct answers; ISO 5725 calls it trueness",
)


def score(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> float:
    """Accuracy from labels (N,) and scores (N, K)."""
    return once(draws, true_N, scores_NK)


def draws(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]) -> NDArray[np.float64]:
    """Accuracy (R,) for weightings (R, N) of labels (N,) and scores (N, K)."""
    right_N = (scores_NK.argmax(axis=1) == true_N).astype(np.float64)
    return by_blocks(weights_RN, lambda weights_NR: ratio(right_N @ weights_NR, weights_NR.sum(axis=0)))


def shares(true_N: NDArray[np.int64], scores_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each clip adds (N,), of labels (N,) and scores (N, K)."""
    return np.asarray((scores_NK.argmax(axis=1) == true_N) / len(true_N))


def chance(true_N: NDArray[np.int64], num_classes: int) -> float:
    """The share of the most frequent class among labels (N,)."""
    return float(np.bincount(true_N, minlength=num_classes).max() / len(true_N))
