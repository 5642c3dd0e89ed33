"""Logits of linear classifiers and the probabilities they stand for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noss.probes._scaling import Scaling


def logits(x_ND: NDArray[np.float32], scaling: Scaling, weights_KE: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits (N, K) of embeddings (N, D) under weights (K, D + 1), the bias last."""
    products_NK = scaling.apply(x_ND) @ weights_KE[:, :-1].T.astype(np.float32)
    return products_NK.astype(np.float64) + weights_KE[:, -1]


def softmax(logits_NK: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (N, K) of logits (N, K)."""
    odds_NK: NDArray[np.float64] = np.exp(logits_NK - logits_NK.max(axis=1, keepdims=True))
    odds_NK /= odds_NK.sum(axis=1, keepdims=True)
    return odds_NK
