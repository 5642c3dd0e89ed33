"""Linear discriminant analysis with automatic shrinkage, in closed form.

The covariance within classes is shrunk class by class, as far as Ledoit and Wolf's formula says, and then averaged.
Source: Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices (2004); scikit-learn's
`LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")`, which it equals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.probes import Settings
from noss.probes._linear import logits, softmax
from noss.probes._scaling import Scaling, check_classes

_FLOOR = 1e-6


class Probe:
    """Linear discriminant analysis, shrunk automatically: nothing to choose."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = True
    SETTINGS: ClassVar[Settings] = ({},)

    scaling: Scaling
    weights_KE: NDArray[np.float64]

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Self:
        """Fit on embeddings (N, D) and class indices (N,)."""
        num_classes = check_classes(x_ND, y_N)
        self.scaling = Scaling.learn(x_ND)
        x_ND = self.scaling.apply(x_ND)
        priors_K = np.bincount(y_N) / len(y_N)
        means_KD = np.stack([x_ND[y_N == k].mean(axis=0, dtype=np.float64) for k in range(num_classes)])
        spread_ND, shrunk_D = _within(x_ND - means_KD[y_N].astype(np.float32), y_N)
        matrix_KD = _solve(spread_ND, np.maximum(shrunk_D, _FLOOR), means_KD)
        bias_K = np.log(priors_K) - 0.5 * (means_KD * matrix_KD).sum(axis=1)
        self.weights_KE = np.concatenate([matrix_KD, bias_K[:, None]], axis=1)
        return self

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, K) of embeddings (N, D)."""
        return softmax(logits(x_ND, self.scaling, self.weights_KE))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Scaling, and weights (K, E), the bias last: E is D + 1."""
        return {**self.scaling.arrays(), "weights": self.weights_KE}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: scaling and weights (K, E)."""
        probe = cls()
        probe.scaling, probe.weights_KE = Scaling.from_arrays(arrays), np.asarray(arrays["weights"])
        return probe


def _within(centred_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The shrunk covariance as `spread^T spread + diag(shrunk)`; overwrites its input."""
    shrunk_D = np.zeros(centred_ND.shape[1])
    for k in range(int(y_N.max()) + 1):
        rows = np.flatnonzero(y_N == k)
        class_nD = centred_ND[rows]
        variance_D = np.einsum("nd,nd->d", class_nD, class_nD, dtype=np.float64) / len(rows)
        variance_D[variance_D == 0.0] = 1.0
        share, level = _shrinkage(class_nD / np.sqrt(variance_D).astype(np.float32))
        shrunk_D += len(rows) / len(y_N) * share * level * variance_D
        centred_ND[rows] = class_nD * np.float32(np.sqrt((1.0 - share) / len(y_N)))
    return centred_ND, shrunk_D


def _shrinkage(z_nD: NDArray[np.float32]) -> tuple[float, float]:
    """Ledoit and Wolf's weight of the identity for centred rows (n, D), and the identity's factor."""
    num_rows, dim = z_nD.shape
    gram = z_nD.T @ z_nD if dim < num_rows else z_nD @ z_nD.T
    size_n = np.einsum("nd,nd->n", z_nD, z_nD, dtype=np.float64)
    level = float(size_n.sum()) / num_rows / dim
    square = float(np.square(gram, dtype=np.float64).sum()) / num_rows**2
    noise = (float((size_n**2).sum()) / num_rows - square) / (dim * num_rows)
    spread = square / dim - level**2
    return (min(noise, spread) / spread if spread > 0.0 and noise > 0.0 else 0.0), level


def _solve(
    spread_ND: NDArray[np.float32], diagonal_D: NDArray[np.float64], means_KD: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solve `(spread^T spread + diag(diagonal)) w = mean` for every class, in the smaller of clips and dimensions."""
    from scipy.linalg import cho_factor, cho_solve

    num_clips, dim = spread_ND.shape
    if dim <= num_clips:
        covariance_DD = (spread_ND.T @ spread_ND).astype(np.float64)
        covariance_DD[np.diag_indices(dim)] += diagonal_D
        solved_DK: NDArray[np.float64] = cho_solve(cho_factor(covariance_DD, overwrite_a=True), means_KD.T)
        return solved_DK.T
    root_D = np.sqrt(diagonal_D)
    white_ND = np.divide(spread_ND, root_D, dtype=np.float32)
    inner_NN = (white_ND @ white_ND.T).astype(np.float64)
    inner_NN[np.diag_indices(num_clips)] += 1.0
    white_DK = (means_KD / root_D).T
    across_NK = cho_solve(cho_factor(inner_NN, overwrite_a=True), white_ND.astype(np.float64) @ white_DK)
    solved_DK = (white_DK - white_ND.T.astype(np.float64) @ across_NK) / root_D[:, None]
    return solved_DK.T
