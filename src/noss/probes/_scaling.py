"""What every probe does first: look at its training rows, then standardise them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from noss.errors import ProbeError

_BLOCK = 4096


@dataclass(frozen=True)
class Scaling:
    """Mean (D,) and deviation (D,) of training embeddings; a constant feature has deviation 1.

    Source: scikit-learn's `StandardScaler`, its test for constant features included.
    """

    mean_D: NDArray[np.float64]
    scale_D: NDArray[np.float64]

    @classmethod
    def learn(cls, x_ND: NDArray[np.float32]) -> Self:
        """Mean and deviation of embeddings (N, D)."""
        num_clips = len(x_ND)
        mean_D = x_ND.mean(axis=0, dtype=np.float64)
        variance_D = sum(((x_ND[rows] - mean_D) ** 2).sum(axis=0) for rows in blocks(num_clips)) / num_clips
        eps = np.finfo(np.float64).eps
        constant_D = variance_D <= num_clips * eps * variance_D + (num_clips * mean_D * eps) ** 2
        return cls(mean_D, np.where(constant_D, 1.0, np.sqrt(variance_D)))

    def apply(self, x_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings (N, D) with mean 0 and deviation 1 on the training rows."""
        if x_ND.ndim != 2 or x_ND.shape[1] != len(self.mean_D):
            raise ProbeError(
                f"embeddings have shape {x_ND.shape} and the probe was fitted on {len(self.mean_D)} dimensions: "
                "use the model it was fitted with"
            )
        scaled_ND = np.empty(x_ND.shape, dtype=np.float32)
        for rows in blocks(len(x_ND)):
            scaled_ND[rows] = (x_ND[rows] - self.mean_D) / self.scale_D
        return scaled_ND

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its state by name, part of a probe's `arrays()`."""
        return {"mean": self.mean_D, "scale": self.scale_D}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild it from a probe's `arrays()`."""
        return cls(np.asarray(arrays["mean"]), np.asarray(arrays["scale"]))


def blocks(num_rows: int, size: int = _BLOCK) -> Iterator[slice]:
    """Consecutive slices that cover all rows, so that double precision never holds a whole set."""
    for start in range(0, num_rows, size):
        yield slice(start, min(start + size, num_rows))


def check_embeddings(x_ND: NDArray[np.float32], y_N: NDArray[Any]) -> None:
    """Refuse embeddings (N, D) that no probe can learn from.

    Raises:
        ProbeError: Wrong shape, no rows, lengths that differ from the labels' (N,), NaN or infinite values.
    """
    if x_ND.ndim != 2 or not x_ND.size or len(x_ND) != len(y_N):
        raise ProbeError(
            f"embeddings have shape {x_ND.shape} and there are {len(y_N)} labels: give (N, D) embeddings, a row a label"
        )
    if not np.isfinite(x_ND).all():
        bad = int((~np.isfinite(x_ND).all(axis=1)).sum())
        raise ProbeError(f"{bad} of {len(x_ND)} embeddings hold NaN or infinity: check the model that made them")


def check_classes(x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> int:
    """The number of classes K, after refusing what no classifier can learn from.

    Raises:
        ProbeError: Bad embeddings (N, D), fewer than two classes, or labels (N,) that are not 0..K-1, all present.
    """
    check_embeddings(x_ND, y_N)
    classes = np.unique(y_N)
    if len(classes) < 2:
        raise ProbeError(f"all {len(y_N)} training clips carry one class: a classifier needs two, give more labels")
    if classes[0] != 0 or classes[-1] != len(classes) - 1:
        raise ProbeError(f"class indices are {classes.tolist()}, 0..K-1 without a gap are needed: renumber them")
    return len(classes)


def check_numbers(x_ND: NDArray[np.float32], y_N: NDArray[np.float64]) -> None:
    """Refuse embeddings (N, D) and numbers (N,) that no regression can learn from.

    Raises:
        ProbeError: Bad embeddings, or labels that are NaN or infinite.
    """
    check_embeddings(x_ND, y_N)
    if not np.isfinite(y_N).all():
        raise ProbeError(f"{int((~np.isfinite(y_N)).sum())} labels are not numbers: leave those clips out")
