"""A learned mix of layers: a softmax weight a layer, learned together with a linear head.

As the weighted sum of SUPERB, but that each layer is first standardised on the training rows: hidden states of a transformer
differ in scale by orders of magnitude, and weights say something about layers only where their units are alike. The head
that the weights are learned with is thrown away. The probe, whichever it is, is then fitted on the mixed vectors: weights
are learned once for a training set, not once for every setting of the probe.

The objective is the mean loss (log loss of classes, squared error of standardised numbers) plus half `_PENALTY` times the
squared head, without its bias, and half `_TO_MEAN` times the squared deviation of the logits, which only says which of
equal mixes is taken: layers that say nothing, or the same, weigh the same. Solved by L-BFGS.

Source: Yang et al., SUPERB: Speech processing Universal PERformance Benchmark (2021), section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_PENALTY = 0.1
_TO_MEAN = 1e-3
_MAX_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Weights (L,) that sum to 1, and what standardises each layer: mean and deviation (L, D)."""

    weights_L: NDArray[np.float64]
    mean_LD: NDArray[np.float32]
    scale_LD: NDArray[np.float32]

    def apply(self, x_NLD: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mixed vectors (N, D) of embeddings (N, L, D)."""
        return _mixed(_standardised(x_NLD, self.mean_LD, self.scale_LD), self.weights_L)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its state by name, for saving."""
        return {"mix_weights": self.weights_L, "mix_mean": self.mean_LD, "mix_scale": self.scale_LD}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """The mix that was saved; None where there was none."""
        if "mix_weights" not in arrays:
            return None
        return cls(weights_L=arrays["mix_weights"], mean_LD=arrays["mix_mean"], scale_LD=arrays["mix_scale"])


def learn_mix(x_NLD: NDArray[np.float32], y_N: NDArray[Any], *, classes: bool) -> Mix:
    """The mix under which a linear head does best on embeddings (N, L, D).

    Args:
        x_NLD: Embeddings of the training rows.
        y_N: Class indices 0..K-1 (N,), or numbers.
        classes: Whether the labels are classes.
    """
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    mean_LD = x_NLD.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale_LD = x_NLD.std(axis=0, dtype=np.float64).astype(np.float32)
    scale_LD[scale_LD <= 1e-6 * np.abs(mean_LD) + 1e-12] = 1.0
    problem = _Problem(_standardised(x_NLD, mean_LD, scale_LD), _targets(y_N, classes=classes), classes=classes)
    with threadpool_limits(limits=1, user_api="blas"):
        found = minimize(problem, problem.start(), jac=True, method="L-BFGS-B", options={"maxiter": _MAX_STEPS})
    return Mix(weights_L=_softmax(found.x[: x_NLD.shape[1]]), mean_LD=mean_LD, scale_LD=scale_LD)


class _Problem:
    """The objective and its slope, at L logits, a head (K, D) and its bias (K,), all in one row."""

    def __init__(self, x_NLD: NDArray[np.float32], target_NK: NDArray[np.float64], *, classes: bool) -> None:
        self.x_NLD, self.target_NK, self.classes = x_NLD, target_NK, classes

    def start(self) -> NDArray[np.float64]:
        """Equal weights and a head of zeros."""
        _, num_layers, dim = self.x_NLD.shape
        return np.zeros(num_layers + self.target_NK.shape[1] * (dim + 1))

    def __call__(self, point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        num, num_layers, dim = self.x_NLD.shape
        logits_L, head_KE = point[:num_layers], point[num_layers:].reshape(-1, dim + 1)
        weight_KD, weights_L = head_KE[:, :dim], _softmax(logits_L)
        mixed_ND = _mixed(self.x_NLD, weights_L)
        loss, error_NK = self._loss(mixed_ND @ weight_KD.T.astype(np.float32) + head_KE[:, dim])
        error_NK = error_NK / num
        toward_ND = (error_NK @ weight_KD).astype(np.float32)
        slope_L = np.einsum("nld,nd->l", self.x_NLD, toward_ND, optimize=True).astype(np.float64)
        apart_L = logits_L - logits_L.mean()
        value = loss + 0.5 * _PENALTY * float((weight_KD**2).sum()) + 0.5 * _TO_MEAN * float((apart_L**2).sum())
        slope_KD = error_NK.T @ mixed_ND.astype(np.float64) + _PENALTY * weight_KD
        slope_KE = np.concatenate([slope_KD, error_NK.sum(axis=0)[:, None]], axis=1)
        through_L = weights_L * (slope_L - float(weights_L @ slope_L)) + _TO_MEAN * apart_L
        return value, np.concatenate([through_L, slope_KE.ravel()])

    def _loss(self, output_NK: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The mean loss, and the slope (N, K) of its sum."""
        if not self.classes:
            error_NK = output_NK - self.target_NK
            return 0.5 * float((error_NK**2).sum(axis=1).mean()), error_NK
        shifted_NK = output_NK - output_NK.max(axis=1, keepdims=True)
        log_NK = shifted_NK - np.log(np.exp(shifted_NK).sum(axis=1, keepdims=True))
        return -float((self.target_NK * log_NK).sum(axis=1).mean()), np.exp(log_NK) - self.target_NK


def _targets(y_N: NDArray[Any], *, classes: bool) -> NDArray[np.float64]:
    """One-hot classes (N, K), or standardised numbers (N, 1)."""
    if classes:
        one_hot_NK: NDArray[np.float64] = np.eye(int(y_N.max()) + 1)[y_N]
        return one_hot_NK
    spread = float(np.std(y_N)) or 1.0
    return np.asarray((y_N - np.mean(y_N)) / spread, dtype=np.float64)[:, None]


def _standardised(
    x_NLD: NDArray[np.float32], mean_LD: NDArray[np.float32], scale_LD: NDArray[np.float32]
) -> NDArray[np.float32]:
    return (x_NLD - mean_LD) / scale_LD


def _mixed(x_NLD: NDArray[np.float32], weights_L: NDArray[np.float64]) -> NDArray[np.float32]:
    mixed_ND: NDArray[np.float32] = np.einsum("nld,l->nd", x_NLD, weights_L.astype(np.float32), optimize=True)
    return mixed_ND


def _softmax(logits_L: NDArray[np.float64]) -> NDArray[np.float64]:
    raised_L = np.exp(logits_L - logits_L.max())
    return np.asarray(raised_L / raised_L.sum())
