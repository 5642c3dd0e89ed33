"""Shards as a source of crops: `shards/FOLDER`, `shards/DIR/train-{000..099}.tar`, `shards/s3://BUCKET/FOLDER`.

By its index any member can be read by itself, wherever the shard lies. So a batch is a function of its number alone, as with
files, and recordings are shuffled over all shards. Of what lies on an object store, the members of a batch are asked for
together: the store answers them side by side, and every process asks for its own only.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, overload

import numpy as np

from noss.datasets import Clip
from noss.datasets._braces import expanded
from noss.datasets._rows import split as split_of
from noss.errors import AudioError, DataError, PlaceError
from noss.pipeline._train_recording import Recording, Span
from noss.pipeline._train_shard_index import Index, as_file, index_of
from noss.places import Place, path_of, store

_PREFIX: Final = "shards/"
_THREADS: Final = 8  # shards read through at a time
_HEADER: Final = tarfile.BLOCKSIZE


def is_shards(name: str) -> bool:
    """Whether a source of a recipe is one of shards."""
    return name.startswith(_PREFIX)


def open_shards(name: str, *, cache: Path) -> Members:
    """The members of the shards that a source names.

    Raises:
        DataError: There are none, or one of them is missing or is no plain tar file.
        PlaceError: The store refuses or does not answer.
    """
    shards = _shards(name.removeprefix(_PREFIX))
    with ThreadPoolExecutor(_THREADS) as pool:
        indices = list(pool.map(partial(index_of, cache=cache), shards))
    return Members(shards, indices)


class Members(Sequence[Clip]):
    """The members of shards as clips, in the order of the shards.

    Args:
        shards: The tar files.
        indices: What stands in each.
    """

    def __init__(self, shards: Sequence[Path], indices: Sequence[Index]) -> None:
        self._shards = shards
        self._members = [(place, member) for place, index in enumerate(indices) for member in index.members]
        self.broken: dict[str, str] = {name: why for index in indices for name, why in index.broken.items()}

    def __len__(self) -> int:
        return len(self._members)

    @overload
    def __getitem__(self, place: int) -> Clip: ...
    @overload
    def __getitem__(self, place: slice) -> list[Clip]: ...
    def __getitem__(self, place: int | slice) -> Clip | list[Clip]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        shard, member = self._members[place]
        columns: dict[str, Any] = {name: value for name, value in member.columns.items() if value is not None}
        speaker = columns.get("speaker")
        path = self._shards[shard] / f"{member.key}.{member.suffix}"
        split: Any = split_of(str(columns.get("split", "")))
        return Clip(path=path, labels=columns, speaker=None if speaker is None else str(speaker), split=split)

    def recordings(self, places: Sequence[int], *, first: int, labels: Sequence[int]) -> Packed:
        """Some of the members as recordings; `first` is the number of the first member of all."""
        return Packed(
            self._shards, [self._members[place] for place in places], places=places, first=first, labels=labels
        )


class Packed(Sequence[Recording]):
    """Recordings in shards, as arrays: millions of them, held once for all workers."""

    def __init__(
        self,
        shards: Sequence[Path],
        members: Sequence[tuple[int, Any]],
        *,
        places: Sequence[int],
        first: int,
        labels: Sequence[int],
    ) -> None:
        self._shards = shards
        self._number_N = np.array(places, dtype=np.int64) + first
        self._label_N = np.array(labels, dtype=np.int32)
        self._shard_N = np.array([shard for shard, _ in members], dtype=np.int32)
        self._offset_N = np.array([member.offset for _, member in members], dtype=np.int64)
        self._size_N = np.array([member.size for _, member in members], dtype=np.int64)
        self._duration_N = np.array([member.duration_s for _, member in members], dtype=np.float64)
        self._name_N = np.array([f"{member.key}.{member.suffix}".encode() for _, member in members], dtype=np.bytes_)
        self._suffixes = sorted({member.suffix for _, member in members})
        codes = {suffix: code for code, suffix in enumerate(self._suffixes)}
        self._suffix_N = np.array([codes[member.suffix] for _, member in members], dtype=np.int16)

    def __len__(self) -> int:
        return len(self._number_N)

    @overload
    def __getitem__(self, place: int) -> Recording: ...
    @overload
    def __getitem__(self, place: slice) -> list[Recording]: ...
    def __getitem__(self, place: int | slice) -> Recording | list[Recording]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        shard, suffix = self._shards[int(self._shard_N[place])], self._suffixes[int(self._suffix_N[place])]
        return Recording(
            number=int(self._number_N[place]),
            path=shard / self._name_N[place].decode(),
            start_s=0.0,
            duration_s=float(self._duration_N[place]),
            label=int(self._label_N[place]),
            span=Span(shard, int(self._offset_N[place]), int(self._size_N[place]), suffix),
        )


def fetched(recordings: Sequence[Recording]) -> dict[Span, bytes]:
    """Those of the recordings that lie in shards on object stores, fetched together, without those that are not to be had.

    Raises:
        PlaceError: A store refuses all of them, or does not answer.
    """
    spans = list(dict.fromkeys(one.span for one in recordings if one.span and isinstance(one.span.shard, Place)))
    return {span: part for span, part in zip(spans, _ranges(spans), strict=True) if isinstance(part, bytes)}


@contextmanager
def audio_file(recording: Recording, held: Mapping[Span, bytes]) -> Iterator[Path]:
    """A file with a recording's audio; of a member of a shard, for this while.

    Raises:
        AudioError: The member is not where the index has it; or what is raised inside, told of the member.
    """
    span = recording.span
    if span is None:
        yield recording.path
        return
    with as_file(_audio(recording.path, span, held), span.suffix) as file:
        try:
            yield file
        except AudioError as error:
            raise AudioError(str(error).replace(str(file), str(recording.path))) from error


def _audio(path: Path, span: Span, held: Mapping[Span, bytes]) -> bytes:
    try:
        content = held[span] if span in held else _read(span)
    except (OSError, PlaceError) as error:
        if isinstance(error, PlaceError) and error.gone:
            raise
        raise AudioError(f"{path} cannot be read ({error}): bring its shard again") from error
    if len(content) < _HEADER + span.size or not _is_header(content[:_HEADER], span):
        raise AudioError(
            f"{path} is not where the index has it: the shard has changed; begin a run anew, or bring it again"
        )
    return content[_HEADER:]


def _read(span: Span) -> bytes:
    """A member with its header, or what there is of them."""
    if not isinstance(span.shard, Place):
        with span.shard.open("rb") as tar:
            tar.seek(span.offset - _HEADER)
            return tar.read(_HEADER + span.size)
    [part] = _ranges([span])
    if not isinstance(part, bytes):
        raise part
    return part


def _is_header(block: bytes, span: Span) -> bool:
    """Whether this is what a tar file has before a member of that size."""
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape").size == span.size
    except tarfile.HeaderError:
        return False


def _ranges(spans: Sequence[Span]) -> list[store.Part]:
    return store.read_ranges([(str(one.shard), one.offset - _HEADER, one.offset + one.size) for one in spans])


def _shards(choice: str) -> list[Path]:
    """The tar files of a folder or a pattern, each once and in order."""
    found = [path for name in expanded(choice) for path in _globbed(path_of(name).expanduser())]
    if not found:
        raise DataError(f"there is no tar file {choice}: give one, a folder of them, or a pattern such as DIR/*.tar")
    if packed := [path for path in found if path.suffix.lower() != ".tar"]:
        if not packed[0].exists():
            raise DataError(f"there is no tar file and no folder {packed[0]}: bring it, or correct the name")
        raise DataError(
            f"{packed[0]} is no plain tar file and members are read by their place in it: unpack it to .tar"
        )
    return list(dict.fromkeys(found))


def _globbed(path: Path) -> list[Path]:
    if re.search(r"[*?\[]", path.name):
        return sorted(path.parent.glob(path.name))
    return sorted(path.glob("*.tar")) if path.suffix != ".tar" and path.is_dir() else [path]
