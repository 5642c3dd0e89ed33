"""Nearest neighbours by cosine on standardised embeddings: what lies close together, with nothing learned.

Scores are the shares of the neighbours' votes: scikit-learn's `KNeighborsClassifier(metric="cosine")`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.probes import Settings
from noss.probes._scaling import Scaling, blocks, check_classes

_BLOCK = 1024


class Probe:
    """Votes of the nearest `neighbours` training clips, or of all where there are fewer."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = True
    SETTINGS: ClassVar[Settings] = tuple({"neighbours": k} for k in (50, 20, 10, 5, 3, 1))

    scaling: Scaling
    known_ND: NDArray[np.float32]
    labels_N: NDArray[np.int64]

    def __init__(self, *, seed: int = 0, neighbours: int = 10) -> None:
        self.seed = seed
        self.neighbours = neighbours

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Self:
        """Remember embeddings (N, D) and class indices (N,)."""
        return self.fit_all(x_ND, y_N, settings=({"neighbours": self.neighbours},), seed=self.seed)[0]

    @classmethod
    def fit_all(
        cls,
        x_ND: NDArray[np.float32],
        y_N: NDArray[np.int64],
        *,
        settings: Sequence[Mapping[str, Any]],
        seed: int = 0,
    ) -> list[Self]:
        """Remember embeddings (N, D) and class indices (N,) once for all settings."""
        check_classes(x_ND, y_N)
        scaling = Scaling.learn(x_ND)
        known_ND, labels_N = _directions(scaling.apply(x_ND)), np.asarray(y_N, dtype=np.int64)
        return [cls(seed=seed, **setting)._with(scaling, known_ND, labels_N) for setting in settings]

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shares (N, K) of the votes on embeddings (N, D)."""
        asked_ND = _directions(self.scaling.apply(x_ND))
        count = min(self.neighbours, len(self.known_ND))
        shares_NK = np.zeros((len(x_ND), int(self.labels_N.max()) + 1))
        for rows in blocks(len(x_ND), _BLOCK):
            near = np.argpartition(-(asked_ND[rows] @ self.known_ND.T), count - 1, axis=1)[:, :count]
            np.add.at(shares_NK[rows], (np.arange(len(near))[:, None], self.labels_N[near]), 1.0)
        return shares_NK / count

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Scaling, the training clips' directions (N, D), and their labels (N,)."""
        own: dict[str, NDArray[Any]] = {
            "known": self.known_ND,
            "labels": self.labels_N,
            "neighbours": np.array(self.neighbours),
        }
        return {**self.scaling.arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: directions (N, D) and labels (N,)."""
        known_ND, labels_N = np.asarray(arrays["known"]), np.asarray(arrays["labels"])
        return cls(neighbours=int(arrays["neighbours"]))._with(Scaling.from_arrays(arrays), known_ND, labels_N)

    def _with(self, scaling: Scaling, known_ND: NDArray[np.float32], labels_N: NDArray[np.int64]) -> Self:
        self.scaling, self.known_ND, self.labels_N = scaling, known_ND, labels_N
        return self


def _directions(x_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    length_N1 = np.sqrt(np.einsum("nd,nd->n", x_ND, x_ND))[:, None]
    directions_ND: NDArray[np.float32] = x_ND / np.maximum(length_N1, np.finfo(np.float32).tiny)
    return directions_ND
