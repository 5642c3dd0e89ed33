"""A penalised linear classification problem: its value, slope and curvature in one pass over the embeddings."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noss.probes._losses import Loss
from noss.probes._scaling import blocks
from noss.probes._spectrum import Spectrum

_NUM_PIECES = 16
_MIN_PIECE = 256
_BLOCK_LOGITS = 65536
Sums = tuple[float, NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Point:
    """Weights (K, D + 1) with the summed loss there, its slope (K, D + 1) and its mean curvature (K,)."""

    weights_KE: NDArray[np.float64]
    loss: float
    loss_slope_KE: NDArray[np.float64]
    curvature_K: NDArray[np.float64]
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
    """Centred embeddings (N, D) and labels (N,), a loss, and whether the bias is penalised like a weight.

    The clips are cut into the same pieces whatever the machine, and summed in order: more workers change the time, not
    a digit of the result.
    """

    x_ND: NDArray[np.float32]
    y_N: NDArray[np.int64]
    num_classes: int
    loss: Loss
    spectrum: Spectrum
    penalise_bias: bool
    workers: Executor

    def at(self, weights_KE: NDArray[np.float64]) -> Point:
        """Loss, slope and curvature at weights (K, D + 1), the bias last: one pass over the embeddings."""
        num_clips = len(self.x_ND)
        pieces = blocks(num_clips, max(_MIN_PIECE, -(-num_clips // _NUM_PIECES)))
        loss, slope_KE, curvature_K = 0.0, np.zeros_like(weights_KE), np.zeros(self.num_classes)
        single_KE = weights_KE.astype(np.float32)
        for part, slope_KD, slope_K, bend_K in self.workers.map(lambda rows: self._piece(single_KE, rows), pieces):
            loss, curvature_K = loss + part, curvature_K + bend_K
            slope_KE[:, :-1] += slope_KD
            slope_KE[:, -1] += slope_K
        return Point(weights_KE, loss, slope_KE, curvature_K / num_clips, self.penalise_bias)

    def _piece(self, weights_KE: NDArray[np.float32], rows: slice) -> Sums:
        matrix_KD = np.ascontiguousarray(weights_KE[:, :-1])
        loss, slope_KD = 0.0, np.zeros_like(matrix_KD)
        slope_K, curvature_K = np.zeros(self.num_classes), np.zeros(self.num_classes)
        for inner in blocks(rows.stop - rows.start, max(64, _BLOCK_LOGITS // self.num_classes)):
            x_nD = self.x_ND[rows][inner]
            logits_Kn = matrix_KD @ x_nD.T
            logits_Kn += weights_KE[:, -1:]
            part, slope_Kn, bend_K = self.loss(logits_Kn, self.y_N[rows][inner])
            slope_KD += slope_Kn @ x_nD
            slope_K += slope_Kn.sum(axis=1, dtype=np.float64)
            loss, curvature_K = loss + part, curvature_K + bend_K
        return loss, slope_KD, slope_K, curvature_K

    def precondition(self, slope_KE: NDArray[np.float64], *, c: float, point: Point) -> NDArray[np.float64]:
        """The Newton step for a slope (K, D + 1), were the loss equally curved at every clip of a class."""
        weight_K = c * np.maximum(point.curvature_K, 1e-8)
        bias_K = slope_KE[:, -1] / (weight_K * len(self.x_ND) + float(self.penalise_bias))
        return np.concatenate([self.spectrum.solve(slope_KE[:, :-1], weight_K), bias_K[:, None]], axis=1)
