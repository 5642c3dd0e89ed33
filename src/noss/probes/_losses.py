"""Losses of linear classifiers on one block of rows, with slopes and curvatures.

Each takes logits (K, n) in single precision, which it may overwrite, and class indices (n,).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Loss(Protocol):
    """A convex loss of logits (K, n)."""

    def __call__(
        self, logits_Kn: NDArray[np.float32], y_n: NDArray[np.int64]
    ) -> tuple[float, NDArray[np.float32], NDArray[np.float64]]:
        """The summed loss, its slope (K, n) in each logit, and the summed second derivative (K,) by class."""
        ...


def log_loss(
    logits_Kn: NDArray[np.float32], y_n: NDArray[np.int64]
) -> tuple[float, NDArray[np.float32], NDArray[np.float64]]:
    """Multinomial log loss of logits (K, n).

    The probability of all wrong classes is summed by itself, so that a clip that is right by far keeps its small loss
    and slope, which single precision would round away next to 1.
    """
    n = np.arange(len(y_n))
    top_n = logits_Kn.max(axis=0)
    gap_n = logits_Kn[y_n, n] - top_n
    logits_Kn -= top_n
    p_Kn = np.exp(logits_Kn, out=logits_Kn)
    p_Kn[y_n, n] = 0.0
    wrong_n = p_Kn.sum(axis=0)
    total_n = wrong_n + np.exp(gap_n)
    loss_n = np.where(gap_n == 0.0, np.log1p(wrong_n), np.log(total_n) - gap_n)
    p_Kn /= total_n
    wrong_n /= total_n
    p_Kn[y_n, n] = -wrong_n
    size_K = np.abs(p_Kn).sum(axis=1, dtype=np.float64)
    return float(loss_n.sum(dtype=np.float64)), p_Kn, size_K - np.einsum("kn,kn->k", p_Kn, p_Kn)


def squared_hinge(
    logits_Kn: NDArray[np.float32], y_n: NDArray[np.int64]
) -> tuple[float, NDArray[np.float32], NDArray[np.float64]]:
    """Squared hinge loss of each class against the rest, logits (K, n)."""
    n = np.arange(len(y_n))
    logits_Kn += 1.0
    logits_Kn[y_n, n] = 2.0 - logits_Kn[y_n, n]
    excess_Kn = np.maximum(logits_Kn, 0.0, out=logits_Kn)
    loss = float(np.einsum("kn,kn->k", excess_Kn, excess_Kn).sum(dtype=np.float64))
    curvature_K = 2.0 * (excess_Kn > 0.0).sum(axis=1, dtype=np.float64)
    excess_Kn *= 2.0
    excess_Kn[y_n, n] *= -1.0
    return loss, excess_Kn, curvature_K
