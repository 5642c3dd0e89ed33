"""Windows of audio gathered until a model can take them together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RATIO = 1.25
_HELD = 4


@dataclass(frozen=True)
class Chunk:
    """One window (T,) of the clip in a batch's slot, its weight in a mean (its own length in samples), and its place."""

    slot: int
    waveform_T: NDArray[np.float32]
    weight: int
    place: int = 0


class Buffer:
    """Groups of windows: of one length exactly, or of lengths so near that padding costs little.

    Args:
        budget: Samples in a group, padding counted; a longer window is a group of its own.
        equal: Whether the windows of a group must be equally long.
    """

    def __init__(self, *, budget: int, equal: bool) -> None:
        self._budget = budget
        self._equal = equal
        self._groups: dict[int, list[Chunk]] = {}
        self._held = 0

    def add(self, chunk: Chunk) -> Iterator[list[Chunk]]:
        """Take a window in; give the groups that are full."""
        size = len(chunk.waveform_T)
        key = size if self._equal else int(math.log(size, _RATIO))
        group = self._groups.setdefault(key, [])
        longest = max(size, *(len(one.waveform_T) for one in group)) if group else size
        if group and (len(group) + 1) * longest > self._budget:
            yield self._take(key)
            group = self._groups.setdefault(key, [])
        group.append(chunk)
        self._held += size
        if self._held > _HELD * self._budget:
            yield from self.drain()

    def drain(self) -> Iterator[list[Chunk]]:
        """Give all groups that are left."""
        for key in list(self._groups):
            yield self._take(key)

    def _take(self, key: int) -> list[Chunk]:
        group = self._groups.pop(key)
        self._held -= sum(len(one.waveform_T) for one in group)
        return group
