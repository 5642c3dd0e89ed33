"""A penalised linear classification problem: its value, slope and curvature in one pass over the embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noss.probes._losses import Loss
from noss.probes._scaling import blocks
from noss.probes._spectrum import Spectrum

_BLOCK_LOGITS = 65536


@dataclass(frozen=True)
class Point:
    """Weights (K, D + 1) with the summed loss there, its slope (K, D + 1) and its mean curvature (K,)."""

    weights_KE: NDArray[np.float64]  # noqa: N815
    loss: float
    loss_slope_KE: NDArray[np.float64]  # noqa: N815
    curvature_K: NDArray[np.float64]  # noqa: N815
    penalise_bias: bool

    def penalised(self) -> NDArray[np.float64]:
        """The weights (K, D + 1) that the penalty sees."""
        if self.penalise_bias:
            return self.weights_KE
        return np.concatenate([self.weights_KE[:, :-1], np.zeros((len(self.weights_KE), 1))], axis=1)

    def objective(self, c: float) -> float:
        """The value to minimise."""
        penalised_KE = self.penalised()
        return c * self.loss + 0.5 * float(np.vdot(penalised_KE, penalised_KE))

    def slope(self, c: float) -> NDArray[np.float64]:
        """The objective's slope (K, D + 1)."""
        return c * self.loss_slope_KE + self.penalised()


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Centred embeddings (N, D) and labels (N,), a loss, and whether the bias is penalised like a weight."""

    x_ND: NDArray[np.float32]  # noqa: N815
    y_N: NDArray[np.int64]  # noqa: N815
    num_classes: int
    loss: Loss
    spectrum: Spectrum
    penalise_bias: bool

    def at(self, weights_KE: NDArray[np.float64]) -> Point:
        """Loss, slope and curvature at weights (K, D + 1), the bias last: one pass over the embeddings."""
        matrix_KD, bias_K = weights_KE[:, :-1].astype(np.float32), weights_KE[:, -1:].astype(np.float32)
        slope_KD = np.zeros_like(matrix_KD)
        slope_K, curvature_K, loss = np.zeros(self.num_classes), np.zeros(self.num_classes), 0.0
        for rows in blocks(len(self.x_ND), max(64, _BLOCK_LOGITS // self.num_classes)):
            logits_Kn = matrix_KD @ self.x_ND[rows].T
            logits_Kn += bias_K
            part, slope_Kn, bend_K = self.loss(logits_Kn, self.y_N[rows])
            slope_KD += slope_Kn @ self.x_ND[rows]
            slope_K += slope_Kn.sum(axis=1, dtype=np.float64)
            loss, curvature_K = loss + part, curvature_K + bend_K
        slope_KE = np.concatenate([slope_KD.astype(np.float64), slope_K[:, None]], axis=1)
        return Point(weights_KE, loss, slope_KE, curvature_K / len(self.x_ND), self.penalise_bias)

    def precondition(self, slope_KE: NDArray[np.float64], *, c: float, point: Point) -> NDArray[np.float64]:
        """The Newton step for a slope (K, D + 1), were the loss equally curved at every clip of a class."""
        weight_K = c * np.maximum(point.curvature_K, 1e-8)
        bias_K = slope_KE[:, -1] / (weight_K * len(self.x_ND) + float(self.penalise_bias))
        return np.concatenate([self.spectrum.solve(slope_KE[:, :-1], weight_K), bias_K[:, None]], axis=1)
