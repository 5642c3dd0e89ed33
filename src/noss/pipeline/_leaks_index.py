"""Fingerprints on disk, and the clips that share enough of one: memory does not grow with their number.

All words of all clips stand in one file, in a row. A second file lists, by the 20 bits of a word, where each stands, and a
table of 2^20 starts leads into it, so that a look-up is one step. Both files are mapped, and pages that were touched are
given back now and then.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._leaks_fingerprint import MASK, NUM_BITS, Words, audible, probes

_BLOCK: Final = 1 << 19  # words that are sorted at a time
_MOST_SHARED: Final = 512  # a word that more frames share says nothing: hum, hiss, a tone
_NUM_CANDIDATES: Final = 16  # clips that are looked at more closely, for each clip
_SLACK: Final = 3  # hops that an offset may be off by
_RELEASE: Final = 256  # look-ups between giving pages back
_FAR: Final = 1 << 30
_Number = TypeVar("_Number", np.uint64, np.int64)


@dataclass(frozen=True, kw_only=True)
class Index:
    """Where the words of each clip stand, and where each word stands.

    Attributes:
        words: The file of all words.
        places: The file of the places of audible words in it, in the order of the words' bits; words that very many
            frames share are left out.
        start_W: Where the places of each word start (2^20 + 1,).
        first_N: Where each clip's words start (N + 1,); a clip that is not indexed has none.
    """

    words: Path
    places: Path
    start_W: NDArray[np.int64]
    first_N: NDArray[np.int64]

    def of(self, row: int) -> slice:
        """Where the words of a clip stand."""
        return slice(int(self.first_N[row]), int(self.first_N[row + 1]))


class IndexWriter:
    """Takes clips in any order and indexes them; `index` is then what `candidates` searches."""

    def __init__(self, folder: Path, num_clips: int) -> None:
        self._folder = folder
        self._place_N, self._length_N = np.zeros(num_clips, np.int64), np.zeros(num_clips, np.int64)
        self._file = (folder / "heard").open("wb")

    def add(self, row: int, words_S: Words) -> None:
        """Keep the words (S,) of a clip."""
        self._place_N[row], self._length_N[row] = self._file.tell() // 8, len(words_S)
        self._file.write(words_S.tobytes())

    def drop(self, row: int) -> None:
        """Forget a clip; one that was never added is forgotten already."""
        self._length_N[row : row + 1] = 0

    def index(self) -> Index:
        """Put the words in the clips' order, and list where each stands."""
        self._file.close()
        first_N = np.concatenate([[0], np.cumsum(self._length_N)])
        heard, words = self._folder / "heard", self._folder / "words"
        with words.open("wb") as file, heard.open("rb") as source:
            for place, length in zip(self._place_N.tolist(), self._length_N.tolist(), strict=True):
                source.seek(8 * place)
                file.write(source.read(8 * length))
        heard.unlink()
        start_W, places = _sort(words, self._folder / "places")
        return Index(words=words, places=places, start_W=start_W, first_N=first_N)


class Search:
    """Opens an index and finds, for a clip, the earlier ones that may hold the same sound."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._words, self._places = _Mapped(index.words, np.uint64), _Mapped(index.places, np.int64)
        self._num_searched = 0

    def words(self, row: int) -> Words:
        """The words of a clip."""
        return self._words.array[self._index.of(row)]

    def __call__(self, row: int) -> list[tuple[int, int]]:
        """Rows of earlier clips, and by how many hops each is ahead of this one: those with the most words in common."""
        self._num_searched += 1
        if self._num_searched % _RELEASE == 0:
            self._words.release()
            self._places.release()
        own_S = self.words(row)
        frame_Q = np.flatnonzero(audible(own_S))
        probe_QP = probes(own_S[frame_Q]).astype(np.int64)
        place_H, frame_H = self._hits(probe_QP, frame_Q, before=self._index.of(row).start)
        if not len(place_H):
            return []
        clip_H = np.searchsorted(self._index.first_N, place_H, side="right") - 1
        offset_H = (place_H - self._index.first_N[clip_H] - frame_H) // _SLACK
        key_V, votes_V = np.unique(clip_H * (2 * _FAR) + offset_H + _FAR, return_counts=True)
        order_V = np.lexsort((key_V, -votes_V))[: 4 * _NUM_CANDIDATES]
        found: dict[int, int] = {}
        for key in key_V[order_V].tolist():
            clip, offset = divmod(key, 2 * _FAR)
            found.setdefault(clip, (offset - _FAR) * _SLACK + _SLACK // 2)
        return list(found.items())[:_NUM_CANDIDATES]

    def _hits(
        self, probe_QP: NDArray[np.int64], frame_Q: NDArray[np.int64], *, before: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Places of words that are alike (H,), and the own frame of each (H,)."""
        low_Q, high_Q = self._index.start_W[probe_QP].ravel(), self._index.start_W[probe_QP + 1].ravel()
        count_Q = high_Q - low_Q
        own_H = np.repeat(np.arange(len(low_Q)), count_Q)
        step_H = np.arange(len(own_H)) - np.repeat(np.cumsum(count_Q) - count_Q, count_Q)
        place_H = self._places.array[low_Q[own_H] + step_H]
        frame_H = frame_Q[own_H // probe_QP.shape[1]] if len(own_H) else own_H
        is_before_H = place_H < before
        return place_H[is_before_H], frame_H[is_before_H]


class _Mapped(Generic[_Number]):
    """A file as an array, whose touched pages count as memory until they are given back."""

    def __init__(self, path: Path, kind: type[_Number]) -> None:
        self.array: NDArray[_Number] = np.empty(0, kind)
        self._map: mmap.mmap | None = None
        if path.stat().st_size:  # an empty file cannot be mapped
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self.array = np.frombuffer(self._map, kind)

    def release(self) -> None:
        """Give the pages back, where the system lets one."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _sort(words: Path, path: Path) -> tuple[NDArray[np.int64], Path]:
    """List places by word, some words at a time: each pass over the file keeps the places of the next of them."""
    count_W = np.zeros(1 << NUM_BITS, np.int64)
    for _, word_S in _blocks(words):
        count_W += np.bincount(word_S, minlength=len(count_W))
    is_listed_W = count_W <= _MOST_SHARED
    start_W = np.concatenate([[0], np.cumsum(np.where(is_listed_W, count_W, 0))])
    with path.open("wb") as file:
        first = 0
        while start_W[first] < start_W[-1]:
            last = int(np.searchsorted(start_W, start_W[first] + _BLOCK, side="right")) - 1
            file.write(_places(words, first, last, is_listed_W).tobytes())
            first = last
    return start_W, path


def _places(words: Path, first: int, last: int, is_listed_W: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The places of listed words from the first to before the last, in their order."""
    kept = []
    for place_S, word_S in _blocks(words):
        is_kept_S = (word_S >= first) & (word_S < last) & is_listed_W[word_S]
        kept.append((place_S[is_kept_S], word_S[is_kept_S]))
    place_S, word_S = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return place_S[np.argsort(word_S, kind="stable")]


def _blocks(words: Path) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places and bits of audible words."""
    first = 0
    with words.open("rb") as file:
        while data := file.read(8 * _BLOCK):
            block_S = np.frombuffer(data, np.uint64)
            is_audible_S = audible(block_S)
            yield first + np.flatnonzero(is_audible_S), (block_S[is_audible_S] & MASK).astype(np.int64)
            first += len(block_S)
