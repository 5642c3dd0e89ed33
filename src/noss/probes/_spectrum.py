"""The main directions of a set of embeddings: what makes ill-conditioned linear problems small and well-conditioned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MAX_RANK = 4096


@dataclass(frozen=True)
class Spectrum:
    """Sums of squares (m,) along orthonormal directions (D, m), and their mean over all other directions.

    `directions_Dm` is None where the embeddings are turned already, so that their own axes are the directions.
    """

    directions_Dm: NDArray[np.float32] | None
    squares_m: NDArray[np.float64]
    rest: float = 0.0

    def solve(self, slope_KD: NDArray[np.float64], weight_K: NDArray[np.float64]) -> NDArray[np.float64]:
        """Roughly `(weight_k X^T X + 1)^-1 slope_k` for each row of a slope (K, D)."""
        gain_Km = 1.0 / (weight_K[:, None] * self.squares_m + 1.0)
        if self.directions_Dm is None:
            return slope_KD * gain_Km
        rest_K1 = 1.0 / (weight_K[:, None] * self.rest + 1.0)
        along_Km = slope_KD.astype(np.float32) @ self.directions_Dm
        step_KD: NDArray[np.float64] = slope_KD * rest_K1
        step_KD += (along_Km * (gain_Km - rest_K1)).astype(np.float32) @ self.directions_Dm.T
        return step_KD


@dataclass(frozen=True)
class Rotation:
    """Embeddings (N, m) along orthonormal directions that hold all of them, and their spectrum.

    Weights in the turned space are as long as those they stand for, so a penalised problem has the same optimum there;
    with fewer clips than dimensions it is also smaller. The way back is a product with `left_mn`, then `right_nD`;
    both are None where nothing was turned.
    """

    x_Nm: NDArray[np.float32]
    spectrum: Spectrum
    left_mn: NDArray[np.floating] | None = None
    right_nD: NDArray[np.float32] | None = None

    def back(self, weights_KE: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights (K, D + 1) of the embeddings as they were, from weights (K, m + 1); the bias stays."""
        if self.left_mn is None:
            return weights_KE
        turned_KD = weights_KE[:, :-1] @ self.left_mn
        if self.right_nD is not None:
            turned_KD = turned_KD.astype(np.float32) @ self.right_nD
        return np.concatenate([turned_KD, weights_KE[:, -1:]], axis=1, dtype=np.float64)


def rotate(x_ND: NDArray[np.float32], *, max_rank: int = _MAX_RANK) -> Rotation:
    """Centred embeddings (N, D) turned to their main directions.

    Where both N and D exceed `max_rank`, nothing is turned; the spectrum is then that of so many clips, with squares from
    as many others: it only guides the solver, which reaches the same optimum with any directions.
    """
    num_clips, dim = x_ND.shape
    if min(num_clips, dim) > max_rank:
        return Rotation(x_ND, _sampled(x_ND, max_rank))
    if num_clips >= dim:
        squares_D, directions_DD = _eigen(x_ND.T @ x_ND)
        return Rotation(x_ND @ directions_DD, Spectrum(None, squares_D), np.ascontiguousarray(directions_DD.T))
    # In double precision: the directions come from the clips divided by their squares' roots, which must be right
    # for small ones too. What is below the last digit of single precision is left out.
    wide_ND = x_ND.astype(np.float64)
    squares_N, sides_NN = _eigen(wide_ND @ wide_ND.T)
    kept = squares_N > 1e-12 * squares_N[-1]
    roots_m, sides_Nm = np.sqrt(squares_N[kept]), sides_NN[:, kept]
    turned_Nm = (sides_Nm * roots_m).astype(np.float32)
    return Rotation(turned_Nm, Spectrum(None, squares_N[kept]), (sides_Nm / roots_m).T, x_ND)


def _sampled(x_ND: NDArray[np.float32], num_clips: int) -> Spectrum:
    total = float(np.einsum("nd,nd->n", x_ND, x_ND).sum(dtype=np.float64))
    order_N = np.random.default_rng(0).permutation(len(x_ND))
    some_ND, judges_ND = x_ND[np.sort(order_N[:num_clips])], x_ND[np.sort(order_N[-num_clips:])]
    squares_m, sides_Nm = _eigen(some_ND @ some_ND.T)
    kept = squares_m > 1e-5 * squares_m[-1]
    directions_Dm = some_ND.T @ (sides_Nm[:, kept] / np.sqrt(squares_m[kept])).astype(np.float32)
    squares_m = ((judges_ND @ directions_Dm) ** 2).sum(axis=0, dtype=np.float64) * (len(x_ND) / num_clips)
    rest = max(total - float(squares_m.sum()), 0.0) / max(x_ND.shape[1] - len(squares_m), 1)
    return Spectrum(directions_Dm, squares_m, rest)


def _eigen(gram_mm: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
    from scipy.linalg import eigh

    squares_m, directions_mm = eigh(gram_mm, driver="evd", overwrite_a=True, check_finite=False)
    return np.maximum(squares_m.astype(np.float64), 0.0), directions_mm
