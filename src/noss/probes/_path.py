"""Linear classifiers for a whole path of strengths in one sweep.

For every c of a path it minimises `c * sum_n loss(W x_n + b, y_n) + 0.5 ||W||^2`. Three things make it fast:

- one eigendecomposition of the Gram matrix preconditions every problem of the path;
- the solution is smooth in log c, so each problem starts at the point that the three before extrapolate to, and needs
  a few steps where a cold start needs a hundred;
- a step is one pass over the embeddings, two matrix products in single precision, with sums, steps and history in
  double.

The steps are L-BFGS. Source: Nocedal and Wright, Numerical Optimization (2006), algorithm 7.4, with the scaled
preconditioner as initial matrix.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from noss.probes._losses import Loss
from noss.probes._problem import Point, Problem
from noss.probes._spectrum import rotate

_TOLERANCE = 1e-7
_MAX_STEPS = 1000
_MAX_TRIALS = 8
_NUM_PAIRS = 10


def follow(
    x_ND: NDArray[np.float32], y_N: NDArray[np.int64], *, cs: Sequence[float], loss: Loss, penalise_bias: bool = False
) -> list[NDArray[np.float64]]:
    """Weights (K, D + 1), the bias last, for every strength of an ascending path.

    Args:
        x_ND: Centred embeddings (N, D).
        y_N: Class indices (N,).
        cs: Weights of the loss against the penalty, ascending.
        loss: What to minimise.
        penalise_bias: Whether the bias is shrunk as well.
    """
    # Threads of our own over rows, each with a BLAS of one thread: BLAS's own threads wait by spinning, which on a busy
    # machine makes small products tens of times slower (benchmarks/2026-11-22-logistic.md).
    from threadpoolctl import threadpool_limits

    num_classes = int(y_N.max()) + 1
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as workers:
        rotation = rotate(x_ND)
        problem = Problem(
            x_ND=rotation.x_Nm,
            y_N=y_N,
            num_classes=num_classes,
            loss=loss,
            spectrum=rotation.spectrum,
            penalise_bias=penalise_bias,
            workers=workers,
        )
        solved = _sweep(problem, cs, start_KE=np.zeros((num_classes, rotation.x_Nm.shape[1] + 1)))
        return [rotation.back(weights_KE) for weights_KE in solved]


def strengths(wanted: Sequence[float], path: Sequence[float]) -> list[float]:
    """The strengths to solve, ascending: those wanted, and those of the path that lead up to the largest."""
    return sorted({*wanted, *(c for c in path if c < max(wanted))})


def _sweep(problem: Problem, cs: Sequence[float], *, start_KE: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    memory = _Memory(problem)
    point = problem.at(start_KE)
    solved: list[NDArray[np.float64]] = []
    for index, c in enumerate(cs):
        if index >= 2:
            first = max(0, index - 3)
            ahead = problem.at(_extrapolate(np.log(cs[first:index]), solved[first:], to=float(np.log(c))))
            point = ahead if ahead.objective(c) < point.objective(c) else point
        point = _descend(problem, point, memory, c=c)
        solved.append(point.weights_KE)
    return solved


def _extrapolate(at: NDArray[np.float64], weights: Sequence[NDArray[np.float64]], *, to: float) -> NDArray[np.float64]:
    """Where the polynomial through the last solutions leads (Lagrange's form)."""
    leading_KE = np.zeros_like(weights[0])
    for a, weights_KE in zip(at, weights, strict=True):
        leading_KE += float(np.prod([(to - b) / (a - b) for b in at if b != a])) * weights_KE
    return leading_KE


def _descend(problem: Problem, point: Point, memory: _Memory, *, c: float) -> Point:
    memory.pairs.clear()
    for _ in range(_MAX_STEPS):
        slope_KE = point.slope(c)
        ahead_KE = memory.direction(point, slope_KE, c=c)
        fall = -float(np.vdot(slope_KE, ahead_KE))
        if 0.5 * fall <= _TOLERANCE * point.objective(c):
            return point
        following = _search(problem, point, ahead_KE, fall=fall, c=c)
        if following is None:
            return point
        memory.remember(following, following.weights_KE - point.weights_KE, following.slope(c) - slope_KE, c=c)
        point = following
    return point


def _search(problem: Problem, point: Point, ahead_KE: NDArray[np.float64], *, fall: float, c: float) -> Point | None:
    """The first point ahead that is low enough; None where single precision sees no way down.

    A step too far is shortened to where a straight line between the slopes at both of its ends crosses zero.
    """
    step = 1.0
    for _ in range(_MAX_TRIALS):
        following = problem.at(point.weights_KE + step * ahead_KE)
        if following.objective(c) <= point.objective(c) - 1e-4 * step * fall:
            return following
        rise = float(np.vdot(following.slope(c), ahead_KE))
        step *= min(max(fall / (fall + rise), 0.1), 0.9) if rise > -fall else 0.1
    return None


class _Memory:
    """What the last steps told about the curvature; `scale` outlives them, for it hardly changes along a path."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.scale = 1.0
        self.pairs: deque[tuple[NDArray[np.float64], NDArray[np.float64], float]] = deque(maxlen=_NUM_PAIRS)

    def remember(
        self, point: Point, moved_KE: NDArray[np.float64], turned_KE: NDArray[np.float64], *, c: float
    ) -> None:
        """Learn from a step and the turn of the slope over it, both (K, D + 1)."""
        overlap = float(np.vdot(moved_KE, turned_KE))
        if overlap > 0.0:
            self.pairs.append((moved_KE, turned_KE, 1.0 / overlap))
            expected_KE = self.problem.precondition(turned_KE, c=c, point=point)
            self.scale = overlap / float(np.vdot(turned_KE, expected_KE))

    def direction(self, point: Point, slope_KE: NDArray[np.float64], *, c: float) -> NDArray[np.float64]:
        """The step (K, D + 1) that should lead from a slope to the minimum."""
        ahead_KE, shares = -slope_KE, []
        for moved_KE, turned_KE, inverse in reversed(self.pairs):
            shares.append(inverse * float(np.vdot(moved_KE, ahead_KE)))
            ahead_KE -= shares[-1] * turned_KE
        ahead_KE = self.scale * self.problem.precondition(ahead_KE, c=c, point=point)
        for (moved_KE, turned_KE, inverse), share in zip(self.pairs, reversed(shares), strict=True):
            ahead_KE += (share - inverse * float(np.vdot(turned_KE, ahead_KE))) * moved_KE
        return ahead_KE
