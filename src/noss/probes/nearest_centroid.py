"""Nearest class mean on standardised embeddings: how far apart the classes lie, with nothing learned but their means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.probes import Settings
from noss.probes._scaling import Scaling, check_classes


class Probe:
    """Nearest class mean, Euclidean: nothing to choose."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = False
    SETTINGS: ClassVar[Settings] = ({},)

    scaling: Scaling
    means_KD: NDArray[np.float64]

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Self:
        """Fit on embeddings (N, D) and class indices (N,)."""
        num_classes = check_classes(x_ND, y_N)
        self.scaling = Scaling.learn(x_ND)
        x_ND = self.scaling.apply(x_ND)
        self.means_KD = np.stack([x_ND[y_N == k].mean(axis=0, dtype=np.float64) for k in range(num_classes)])
        return self

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Minus the distance (N, K) of embeddings (N, D) from each class mean."""
        x_ND = self.scaling.apply(x_ND)
        size_N1 = np.einsum("nd,nd->n", x_ND, x_ND, dtype=np.float64)[:, None]
        size_K = (self.means_KD**2).sum(axis=1)
        across_NK = (x_ND @ self.means_KD.T.astype(np.float32)).astype(np.float64)
        squares_NK: NDArray[np.float64] = np.maximum(size_N1 + size_K - 2.0 * across_NK, 0.0)
        return -np.sqrt(squares_NK)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Scaling, and class means (K, D)."""
        return {**self.scaling.arrays(), "means": self.means_KD}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: scaling and class means (K, D)."""
        probe = cls()
        probe.scaling, probe.means_KD = Scaling.from_arrays(arrays), np.asarray(arrays["means"])
        return probe
