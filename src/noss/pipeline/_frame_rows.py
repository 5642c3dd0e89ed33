"""The frames of many clips, cut by rows and layers as an array of embeddings (N, L, D) would be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class FrameRows:
    """Frames (S, L, D) of N clips, each of its own length; nothing is copied.

    Args:
        clips: The frames of each clip, often memory-mapped.
        layers: L.
        dim: D.
    """

    def __init__(self, clips: Sequence[NDArray[np.float32]], *, layers: int, dim: int) -> None:
        self._clips = clips
        self.shape = (len(clips), layers, dim)

    def __len__(self) -> int:
        return len(self._clips)

    @overload
    def __getitem__(self, key: Rows | slice) -> FrameRows: ...
    @overload
    def __getitem__(self, key: tuple[Rows | slice, int]) -> list[NDArray[np.float32]]: ...

    def __getitem__(self, key: Any) -> FrameRows | list[NDArray[np.float32]]:
        """Those rows; with a layer behind them, the frames (S, D) of that layer."""
        if isinstance(key, tuple):
            rows, layer = key
            return [clip_SLD[:, layer] for clip_SLD in self._picked(rows)]
        return FrameRows(self._picked(key), layers=self.shape[1], dim=self.shape[2])

    def _picked(self, rows: Rows | slice) -> Sequence[NDArray[np.float32]]:
        return self._clips[rows] if isinstance(rows, slice) else [self._clips[row] for row in rows.tolist()]


def of_layer(x_NLD: NDArray[np.float32] | FrameRows, rows: Rows | slice, layer: int) -> Any:
    """What a probe gets of some rows and a layer: an array (N, D), or the frames (S, D) of each clip."""
    if isinstance(x_NLD, FrameRows):
        return x_NLD[rows, layer]
    return np.ascontiguousarray(x_NLD[rows, layer])
