"""Fingerprints on disk, and the clips that share enough of one: memory does not grow with their number.

All words of all clips stand in one file, in a row. A second file lists, by the 20 bits of a word, where each stands, and a
table of 2^20 starts leads into it, so that a look-up is one step. Both files are memory-mapped and go when done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._leaks_fingerprint import MASK, NUM_BITS, Words, audible, probes

_BLOCK: Final = 1 << 20  # words that are sorted at a time
_MOST_SHARED: Final = 512  # a word that more frames share says nothing: hum, hiss, a tone
_NUM_CANDIDATES: Final = 16  # clips that are looked at more closely, for each clip
_SLACK: Final = 3  # hops that an offset may be off by
_FAR: Final = 1 << 30
_Number = TypeVar("_Number", np.uint64, np.int64)


@dataclass(frozen=True, kw_only=True)
class Index:
    """Where the words of each clip stand, and where each word stands.

    Attributes:
        words: The file of all words.
        places: The file of the places of audible words in it, in the order of the words' bits.
        start_W: Where the places of each word start (2^20 + 1,).
        first_N: Where each clip's words start (N + 1,); a clip that is not indexed has none.
    """

    words: Path
    places: Path
    start_W: NDArray[np.int64]
    first_N: NDArray[np.int64]

    def all_words(self) -> Words:
        """The words of all clips, in a row, on disk."""
        return _mapped(self.words, np.uint64)

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
        heard, words = _mapped(self._folder / "heard", np.uint64), self._folder / "words"
        with words.open("wb") as file:
            for place, length in zip(self._place_N, self._length_N, strict=True):
                file.write(heard[place : place + length].tobytes())
        (self._folder / "heard").unlink()
        start_W, places = _sort(_mapped(words, np.uint64), self._folder / "places")
        return Index(words=words, places=places, start_W=start_W, first_N=first_N)


class Search:
    """Opens an index and finds, for a clip, the earlier ones that may hold the same sound."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._words, self._places = index.all_words(), _mapped(index.places, np.int64)

    def __call__(self, row: int) -> list[tuple[int, int]]:
        """Rows of earlier clips, and by how many hops each is ahead of this one: those with the most words in common."""
        own_S = self._words[self._index.of(row)]
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
        count_Q = np.where(high_Q - low_Q <= _MOST_SHARED, high_Q - low_Q, 0)
        own_H = np.repeat(np.arange(len(low_Q)), count_Q)
        step_H = np.arange(len(own_H)) - np.repeat(np.cumsum(count_Q) - count_Q, count_Q)
        place_H = np.asarray(self._places[low_Q[own_H] + step_H])
        frame_H = frame_Q[own_H // probe_QP.shape[1]] if len(own_H) else own_H
        is_before_H = place_H < before
        return place_H[is_before_H], frame_H[is_before_H]


def _sort(words: Words, path: Path) -> tuple[NDArray[np.int64], Path]:
    """A counting sort of places by word, a block at a time."""
    count_W = np.zeros(1 << NUM_BITS, np.int64)
    for _, word_S in _blocks(words):
        count_W += np.bincount(word_S, minlength=len(count_W))
    start_W = np.concatenate([[0], np.cumsum(count_W)])
    path.write_bytes(b"")
    with path.open("r+b") as file:
        file.truncate(8 * int(start_W[-1]))
    if not start_W[-1]:
        return start_W, path
    places, next_W = np.memmap(path, np.int64, "r+"), start_W[:-1].copy()
    for place_S, word_S in _blocks(words):
        order_S = np.argsort(word_S, kind="stable")
        word_S, count_W = word_S[order_S], np.bincount(word_S, minlength=len(count_W))
        within_S = np.arange(len(word_S)) - (np.cumsum(count_W) - count_W)[word_S]
        places[next_W[word_S] + within_S] = place_S[order_S]
        next_W += count_W
    places.flush()
    return start_W, path


def _blocks(words: Words) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Places and bits of audible words."""
    for first in range(0, len(words), _BLOCK):
        block_S = np.asarray(words[first : first + _BLOCK])
        is_audible_S = audible(block_S)
        yield first + np.flatnonzero(is_audible_S), (block_S[is_audible_S] & MASK).astype(np.int64)


def _mapped(path: Path, kind: type[_Number]) -> NDArray[_Number]:
    """A file as an array; an empty file cannot be mapped."""
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)
