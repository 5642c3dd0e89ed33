"""The store of frames: every vector over time that a model gives, by clip.

Beside the embedding store and with its guarantees: a folder for a model as it is, parts that prove themselves by their
hash, written whole or not at all, so that a kill costs the part in flight and a damaged part is found and made again. Frames
are kept before pooling, so one store serves every pooling.

It takes 4 * L * D * frame_rate bytes for a second of audio: 154 kB for one layer of 768 dimensions 50 times a second, which
is 0.55 GB an hour, and 13 times that for all layers of such a model. Memory holds one part (32 MB) and what the model
returns at once, however long a clip is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import _frame_parts, _proofs
from noss._frame_parts import END, FramePart
from noss.errors import StoreError
from noss.store import open_folder


@dataclass(frozen=True)
class Window:
    """The frames (S, L, D) of one window of a clip, which starts and lasts so many seconds."""

    start_s: float
    duration_s: float
    frames_SLD: NDArray[np.float32]


@dataclass(frozen=True)
class _Whole:
    """A clip that is there: the part and row of each of its windows, in order, and its length."""

    rows: list[tuple[int, int]]
    duration_s: float


class FrameStore:
    """Frames (S, L, D) by clip identity, for one model; opened with `FrameStore.open`.

    Args:
        folder: Where its parts are.
        layers: L of every frame.
        dim: D of every frame.
    """

    def __init__(self, folder: Path, *, layers: int, dim: int) -> None:
        self.folder = folder
        self.layers = layers
        self.dim = dim
        self.num_corrupt = 0
        self._parts: list[FramePart] = []
        self._values: dict[int, NDArray[np.float32]] = {}
        self._clips: dict[bytes, _Whole] | None = None

    @classmethod
    def open(cls, cache: Path, facts: Mapping[str, Any]) -> FrameStore:
        """The store of the model that `facts` describe, created where there is none; every part was found whole.

        A part that fails its checksum is reported, set aside as `*.corrupt`, and its clips are missing.

        Args:
            cache: The cache folder.
            facts: `model` (its name, which only names the folder), `layers`, `dim`, and all that shapes a frame.

        Raises:
            StoreError: The folder cannot be read or written.
        """
        store = cls(open_folder(cache / "frames", facts), layers=facts["layers"], dim=facts["dim"])
        paths = sorted(store.folder.glob("part-*.arrow"))
        store._parts = [_frame_parts.read(path) for path in _proofs.whole(paths, cache=cache)]
        store.num_corrupt = len(paths) - len(store._parts)
        return store

    def __len__(self) -> int:
        return len(self._indexed())

    def refresh(self) -> None:
        """Take in the parts that workers have written since."""
        known = {part.path for part in self._parts}
        self._parts += [
            _frame_parts.read(path) for path in sorted(self.folder.glob("part-*.arrow")) if path not in known
        ]
        self._clips = None

    def missing_places(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Places (P,) in `ids` of those that are not there whole, each at its first place, in their order."""
        there = self._indexed()
        first = {name: place for place, name in reversed(list(enumerate(ids)))}
        return np.array(
            sorted(place for name, place in first.items() if bytes.fromhex(name) not in there), dtype=np.int64
        )

    def windows(self, name: str) -> Iterator[Window]:
        """The windows of a clip in their order, memory-mapped, one after the other.

        Raises:
            StoreError: It has no frames here, or a part has gone since the store was opened.
        """
        for place, row in self._whole(name).rows:
            part = self._parts[place]
            if place not in self._values:
                self._values[place] = part.values()
            flat = self._values[place][part.edges[row] : part.edges[row + 1]]
            frames_SLD = flat.reshape(-1, self.layers, self.dim)
            yield Window(float(part.starts_s[row]), float(part.durations_s[row]), frames_SLD)

    def lookup(self, ids: Sequence[str]) -> list[NDArray[np.float32]]:
        """Frames (S, L, D) of each of `ids`, memory-mapped, but for clips of several windows, which are put together.

        Raises:
            StoreError: An id has no frames here, or a part has gone since the store was opened.
        """
        found = [[window.frames_SLD for window in self.windows(name)] for name in ids]
        return [windows[0] if len(windows) == 1 else np.concatenate(windows) for windows in found]

    def durations_s(self, ids: Sequence[str]) -> NDArray[np.float64]:
        """Seconds (N,) of audio behind each of `ids`, in their order."""
        return np.array([self._whole(name).duration_s for name in ids])

    def num_bytes(self) -> int:
        """Bytes that its parts take on disk."""
        return sum(part.path.stat().st_size for part in self._parts)

    def speed(self) -> tuple[float, float, str]:
        """Seconds of wall time spent, seconds of audio embedded in it, and the device (or devices) it was done on."""
        devices = " + ".join(sorted({part.device for part in self._parts}))
        return sum(part.seconds for part in self._parts), sum(part.audio_s for part in self._parts), devices

    def _whole(self, name: str) -> _Whole:
        found = self._indexed().get(bytes.fromhex(name))
        if found is None:
            raise StoreError(f"no frames of clip {name} in {self.folder}: embed the clips again")
        return found

    def _indexed(self) -> dict[bytes, _Whole]:
        if self._clips is None:
            rows: dict[bytes, dict[int, tuple[int, int]]] = {}
            ends: dict[bytes, tuple[int, float]] = {}
            for place, part in enumerate(self._parts):
                for row, (name, window) in enumerate(zip(_names(part), part.places.tolist(), strict=True)):
                    if window == END:
                        ends[name] = (int(part.counts[row]), float(part.durations_s[row]))
                    else:
                        rows.setdefault(name, {})[window] = (place, row)
            self._clips = {
                name: _Whole([rows[name][window] for window in range(count)], duration_s)
                for name, (count, duration_s) in ends.items()
                if rows.get(name, {}).keys() >= set(range(count))
            }
        return self._clips


def _names(part: FramePart) -> list[bytes]:
    raw = part.ids.tobytes()
    return [raw[first : first + 16] for first in range(0, len(raw), 16)]
