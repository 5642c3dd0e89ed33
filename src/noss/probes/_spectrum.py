"""The main directions of a set of embeddings: what makes ill-conditioned linear problems well-conditioned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAX_RANK = 2048


@dataclass(frozen=True)
class Spectrum:
    """Orthonormal directions (D, m), their sums of squares (m,), and the mean sum of squares of all other directions."""

    directions_Dm: NDArray[np.float32]  # noqa: N815
    squares_m: NDArray[np.float64]
    rest: float

    def solve(self, slope_KD: NDArray[np.float64], weight_K: NDArray[np.float64]) -> NDArray[np.float64]:
        """Roughly `(weight_k X^T X + 1)^-1 slope_k` for each row of a slope (K, D)."""
        rest_K1 = 1.0 / (weight_K[:, None] * self.rest + 1.0)
        gain_Km = 1.0 / (weight_K[:, None] * self.squares_m + 1.0) - rest_K1
        along_Km = slope_KD.astype(np.float32) @ self.directions_Dm
        step_KD: NDArray[np.float64] = slope_KD * rest_K1
        step_KD += (along_Km * gain_Km).astype(np.float32) @ self.directions_Dm.T
        return step_KD


def spectrum(x_ND: NDArray[np.float32], *, max_rank: int = _MAX_RANK) -> Spectrum:
    """The spectrum of centred embeddings (N, D), from one eigendecomposition of their smaller Gram matrix.

    Where both N and D exceed `max_rank`, the directions come from that many clips and their squares from as many
    others: it only guides the solver, which reaches the same optimum with any directions.
    """
    num_clips, dim = x_ND.shape
    total = float(np.einsum("nd,nd->n", x_ND, x_ND).sum(dtype=np.float64))
    if min(num_clips, dim) <= max_rank:
        squares_m, directions_Dm = _decompose(x_ND)
    else:
        order_N = np.random.default_rng(0).permutation(num_clips)
        _, directions_Dm = _decompose(x_ND[np.sort(order_N[:max_rank])])
        judges = np.sort(order_N[-max_rank:])
        squares_m = ((x_ND[judges] @ directions_Dm) ** 2).sum(axis=0, dtype=np.float64) * (num_clips / len(judges))
    rest = max(total - float(squares_m.sum()), 0.0) / max(dim - len(squares_m), 1)
    return Spectrum(directions_Dm, squares_m, rest)


def _decompose(x_ND: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    from scipy.linalg import eigh

    if x_ND.shape[1] <= x_ND.shape[0]:
        squares_m, directions_Dm = eigh(x_ND.T @ x_ND, driver="evd", overwrite_a=True, check_finite=False)
        return np.maximum(squares_m.astype(np.float64), 0.0), directions_Dm
    squares_m, sides_Nm = eigh(x_ND @ x_ND.T, driver="evd", overwrite_a=True, check_finite=False)
    kept = squares_m > 1e-5 * squares_m[-1]
    squares_m, sides_Nm = squares_m[kept], sides_Nm[:, kept]
    return squares_m.astype(np.float64), x_ND.T @ (sides_Nm / np.sqrt(squares_m))
