"""Logistic regression as the NOSS benchmark has it: embeddings as they are, C = 1e5, stopped after 100 steps.

Nothing is standardised and the penalty hardly counts, so what keeps the weights small is that L-BFGS, which starts at
zero, is stopped long before it arrives: the stop is part of the method, and a converged solution scores differently. The
objective, the steps and the stop are those of scikit-learn's `LogisticRegression(C=1e5)`, whose solution this is.

Balanced, a clip counts by `N / (K N_k)`, so that every class weighs the same.

It computes in double precision, as scikit-learn did when the papers were written, and because the hundredth step hangs on
the last digits: in single precision scikit-learn's own score moved by up to 4 points of accuracy on real tasks, and even
in double precision its number of threads sometimes moves it by one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from noss.probes._linear import softmax
from noss.probes._scaling import blocks, check_classes

_C = 1e5
STEPS = 100
_SLOPE = 1e-4  # on the mean loss: where scikit-learn stops early
_BLOCK = 256  # rows whose logits and slopes are made while they are in the cache


@dataclass(frozen=True, kw_only=True)
class StoppedLogistic:
    """Logistic regression on raw embeddings, stopped after some steps of L-BFGS from zero; weights (K, D + 1)."""

    PROBABILITIES: ClassVar[bool] = True
    weights_KE: NDArray[np.float64]

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, K) of embeddings (N, D)."""
        return softmax(x_ND.astype(np.float64) @ self.weights_KE[:, :-1].T + self.weights_KE[:, -1])


def fit_stopped(
    x_ND: NDArray[np.float32], y_N: NDArray[np.int64], *, balanced: Sequence[bool], steps: int = STEPS
) -> list[StoppedLogistic]:
    """Fit on embeddings (N, D) and class indices (N,), balanced or not, side by side.

    Raises:
        ProbeError: Embeddings that are not finite, or one class only.
    """
    from threadpoolctl import threadpool_limits

    check_classes(x_ND, y_N)
    wide_ND = x_ND.astype(np.float64)
    # A thread a fit with a BLAS of one thread each: BLAS's own threads wait by spinning.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as workers:
        weights = list(workers.map(lambda even: _solve(wide_ND, y_N, balanced=even, steps=steps), balanced))
    return [StoppedLogistic(weights_KE=weights_KE) for weights_KE in weights]


def _solve(x_ND: NDArray[np.float64], y_N: NDArray[np.int64], *, balanced: bool, steps: int) -> NDArray[np.float64]:
    """Weights (K, D + 1), the bias last. For two classes one vector is sought, and the other is all zeros."""
    from scipy.optimize import minimize

    counts_K = np.bincount(y_N)
    num_classes, dim = len(counts_K), x_ND.shape[1]
    share_K = 1.0 / (num_classes * counts_K) if balanced else np.full(num_classes, 1.0 / len(y_N))
    num_vectors = 1 if num_classes == 2 else num_classes
    share_N, penalty = share_K[y_N], 1.0 / (_C * len(y_N))

    def objective(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights_JE = weights.reshape(num_vectors, dim + 1)
        loss, slope_JE = _loss(x_ND, y_N, share_N, weights_JE=weights_JE)
        penalised_JE = weights_JE.copy()
        penalised_JE[:, -1] = 0.0
        loss += 0.5 * penalty * float(np.vdot(penalised_JE, penalised_JE))
        return loss, (slope_JE + penalty * penalised_JE).ravel()

    options = {"maxiter": steps, "maxls": 50, "gtol": _SLOPE, "ftol": 64 * np.finfo(np.float64).eps}
    found = minimize(objective, np.zeros(num_vectors * (dim + 1)), method="L-BFGS-B", jac=True, options=options)
    weights_JE: NDArray[np.float64] = found.x.reshape(num_vectors, dim + 1)
    return weights_JE if num_vectors > 1 else np.concatenate([np.zeros_like(weights_JE), weights_JE])


def _loss(
    x_ND: NDArray[np.float64], y_N: NDArray[np.int64], share_N: NDArray[np.float64], *, weights_JE: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """The weighted log loss and its slope (J, D + 1): one pass over the embeddings."""
    matrix_DJ = np.ascontiguousarray(weights_JE[:, :-1].T, dtype=np.float64)
    bias_J = weights_JE[:, -1]
    of_block = _two if len(weights_JE) == 1 else _many
    loss, slope_JE = 0.0, np.zeros_like(weights_JE)
    for rows in blocks(len(x_ND), _BLOCK):
        x_nD = x_ND[rows]
        part, slope_nJ = of_block(x_nD @ matrix_DJ + bias_J, y_N[rows], share_N[rows])
        loss += part
        slope_JE[:, :-1] += slope_nJ.T @ x_nD
        slope_JE[:, -1] += slope_nJ.sum(axis=0, dtype=np.float64)
    return loss, slope_JE


def _two(
    logits_nJ: NDArray[np.float64], y_n: NDArray[np.int64], share_n: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    logit_n = logits_nJ[:, 0].astype(np.float64)
    loss_n = np.logaddexp(0.0, np.where(y_n == 1, -logit_n, logit_n))
    slope_n = (0.5 * (1.0 + np.tanh(0.5 * logit_n)) - y_n) * share_n
    return float(loss_n @ share_n), slope_n[:, None]


def _many(
    logits_nJ: NDArray[np.float64], y_n: NDArray[np.int64], share_n: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    n = np.arange(len(y_n))
    logits_nJ -= logits_nJ.max(axis=1, keepdims=True)
    right_n = logits_nJ[n, y_n].astype(np.float64)
    odds_nJ = np.exp(logits_nJ, out=logits_nJ)
    total_n = odds_nJ.sum(axis=1)
    loss = float((np.log(total_n, dtype=np.float64) - right_n) @ share_n)
    odds_nJ *= (share_n / total_n)[:, None]
    odds_nJ[n, y_n] -= share_n
    return loss, odds_nJ
