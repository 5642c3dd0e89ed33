"""The embedding store: append, resume, verify, look up.

A store is one folder for one model as it is today: its name holds a hash of everything that shapes a vector, so a
changed model opens another folder and can never be served a stale row. Rows are Arrow IPC files, each named by the
hash of its bytes: a part proves itself, appears whole or not at all, and needs no list that two writers could spoil.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import _mirror, _parts, _proofs, runs
from noss._index import Index
from noss._parts import Part
from noss.errors import StoreError

_STALE_S = 24 * 3600.0


class Store:
    """Embeddings (L, D) by clip identity, for one model; opened with `Store.open`.

    Args:
        folder: Where its parts are.
        layers: L of every row.
        dim: D of every row.
        paths: The parts that are there.
        num_corrupt: Parts that failed their checksum when the store was opened.
    """

    def __init__(
        self, folder: Path, *, layers: int, dim: int, paths: Sequence[Path] = (), num_corrupt: int = 0
    ) -> None:
        self.folder = folder
        self.layers = layers
        self.dim = dim
        self.num_corrupt = num_corrupt
        read = list(map(_parts.read, paths))
        self._parts = [part for part, _ in read]
        self._index = Index()
        if read:
            self._index.add(np.concatenate([ids_N for _, ids_N in read]))

    @classmethod
    def open(cls, cache: Path, facts: Mapping[str, Any]) -> Store:
        """The store of the model that `facts` describe, created where there is none; every part was found whole.

        A part is read when a store is first opened with it, and again from time to time (`noss._proofs` says when). One
        that fails its checksum is reported, set aside as `*.corrupt`, and its rows are missing: the next `embed` makes
        them anew.

        Args:
            cache: The cache folder.
            facts: `model` (its name, which only names the folder), `layers`, `dim`, and all that shapes a vector.

        Raises:
            StoreError: The folder cannot be read or written.
        """
        folder = open_folder(cache / "embeddings", facts)
        paths = sorted(folder.glob("part-*.arrow"))
        whole = _proofs.whole(paths, cache=cache)
        num_corrupt = len(paths) - len(whole)
        return cls(folder, layers=facts["layers"], dim=facts["dim"], paths=whole, num_corrupt=num_corrupt)

    @staticmethod
    def is_there(cache: Path, facts: Mapping[str, Any]) -> bool:
        """Whether there is a store of the model that `facts` describe; none is created."""
        return (_folder(cache / "embeddings", facts) / "store.json").is_file()

    def __len__(self) -> int:
        return len(self._index)

    def ids(self) -> list[str]:
        """The identities of all rows, each once, sorted."""
        return _parts.to_hex(self._index.ids())

    def missing(self, ids: Sequence[str]) -> list[str]:
        """Those of `ids` that have no row yet, each once, in their order."""
        return [ids[place] for place in self.missing_places(ids).tolist()]

    def missing_places(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Places (P,) in `ids` of those that have no row yet, each at its first place, in their order."""
        return self._index.missing(_parts.to_bytes(ids))

    def lookup(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (N, L, D) of `ids`, in their order.

        Raises:
            StoreError: An id has no row, or a part has gone since the store was opened.
        """
        rows_N = self._rows(ids)
        embeddings_NLD = np.empty((len(ids), self.layers, self.dim), dtype=np.float32)
        for part, picked_N, within_N in self._by_part(rows_N):
            embeddings_NLD[picked_N] = _parts.embeddings(part.path, self.layers, self.dim)[within_N]
        return embeddings_NLD

    def durations_s(self, ids: Sequence[str]) -> NDArray[np.float64]:
        """Seconds (N,) of audio behind each of `ids`, in their order."""
        rows_N = self._rows(ids)
        durations_N = np.zeros(len(ids))
        for part, picked_N, within_N in self._by_part(rows_N):
            durations_N[picked_N] = _parts.durations_s(part.path)[within_N]
        return durations_N

    def append(
        self,
        ids: Sequence[str],
        embeddings_NLD: NDArray[np.float32],
        *,
        durations_s: Sequence[float],
        seconds: float,
        device: str,
    ) -> None:
        """Write one part of new rows, whole or not at all.

        Args:
            ids: Clip identities, 32 hex digits each.
            embeddings_NLD: Their embeddings (N, L, D), all finite.
            durations_s: Seconds of audio behind each.
            seconds: Wall time it took to embed them.
            device: The machine that did.

        Raises:
            StoreError: The disk is full, or the folder cannot be written.
        """
        assert embeddings_NLD.shape == (len(ids), self.layers, self.dim), embeddings_NLD.shape
        if not ids:
            return
        audio_s = float(sum(durations_s))
        speed = {"seconds": repr(seconds), "audio_s": repr(audio_s), "device": device}
        content = _parts.serialise(
            ids, embeddings_NLD, durations_s, {**speed, "L": str(self.layers), "D": str(self.dim)}
        )
        path = self.folder / f"part-{hashlib.sha256(content).hexdigest()[:32]}.arrow"
        with runs.replacing(path) as temporary:
            temporary.write_bytes(content)
        _mirror.send(path)
        self._parts.append(Part(path, len(ids), seconds, audio_s, device))
        self._index.add(_parts.to_bytes(ids))

    def speed(self) -> tuple[float, float, str]:
        """Seconds of wall time spent, seconds of audio embedded in it, and the device (or devices) it was done on."""
        devices = " + ".join(sorted({part.device for part in self._parts}))
        return sum(part.seconds for part in self._parts), sum(part.audio_s for part in self._parts), devices

    def _rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        rows_N = self._index.find(_parts.to_bytes(ids))
        if (rows_N < 0).any():
            first = ids[int(np.argmax(rows_N < 0))]
            raise StoreError(f"no embedding of clip {first} in {self.folder}: embed the clips again")
        return rows_N

    def _by_part(self, rows_N: NDArray[np.int64]) -> Iterator[tuple[Part, NDArray[np.int64], NDArray[np.int64]]]:
        """Each part that holds some of the rows, which of them, and where they stand in it."""
        first_P = np.cumsum([0, *(part.num_rows for part in self._parts)])
        part_N = np.searchsorted(first_P, rows_N, side="right") - 1
        order_N = np.argsort(part_N, kind="stable")
        for some_N in np.split(order_N, np.flatnonzero(np.diff(part_N[order_N])) + 1):
            if len(some_N):
                index = int(part_N[some_N[0]])
                yield self._parts[index], some_N, rows_N[some_N] - first_P[index]


def open_folder(root: Path, facts: Mapping[str, Any]) -> Path:
    """The folder of the store that these facts describe below `root`, created where there is none.

    Raises:
        StoreError: It cannot be written.
    """
    _mirror.level(root, _key(facts))
    folder = _folder(root, facts)
    if not (folder / "store.json").is_file():
        runs.write_json(folder / "store.json", dict(facts))
        _mirror.send(folder / "store.json")
    _sweep(folder)
    return folder


def _folder(root: Path, facts: Mapping[str, Any]) -> Path:
    """The folder of these facts, whatever name the model was first called by."""
    there = sorted(root.glob(f"*-{_key(facts)}"))
    return there[0] if there else root / f"{runs.slug(facts['model'])}-{_key(facts)}"


def _key(facts: Mapping[str, Any]) -> str:
    return runs.signature({name: fact for name, fact in facts.items() if name != "model"})[:16]


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed left behind, long ago."""
    for path in folder.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()
