"""Where the row of an identity is: sorted runs, as a store that grows while it is asked can keep them.

A run that is added is merged with those before it while they are not twice as long, so that n rows in parts of any size
cost n log n in all and a search looks into few runs. A row takes 24 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ID = np.dtype("S16")
Half = NDArray[np.uint64]


@dataclass(frozen=True)
class Run:
    """Identities in two halves of eight bytes, sorted, each once, and the first row that each came with."""

    high: Half
    low: Half
    rows: NDArray[np.int64]

    def find(self, high_N: Half, low_N: Half) -> NDArray[np.int64]:
        """The row (N,) of each identity, -1 where there is none."""
        found_N = np.full(len(high_N), -1)
        place_N = np.searchsorted(self.high, high_N)
        left = np.arange(len(high_N))
        while len(left := left[self._at(place_N[left], high_N[left])]):
            hit = self.low[place_N[left]] == low_N[left]
            found_N[left[hit]] = self.rows[place_N[left[hit]]]
            left = left[~hit]
            place_N[left] += 1  # another identity may have the same first half
        return found_N

    def _at(self, place_N: NDArray[np.int64], high_N: Half) -> NDArray[np.bool_]:
        there_N: NDArray[np.bool_] = place_N < len(self.high)
        there_N[there_N] = self.high[place_N[there_N]] == high_N[there_N]
        return there_N


class Index:
    """The row of each identity; of an identity that comes twice, the first."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._num_rows = 0

    def __len__(self) -> int:
        return len(self._merged().high)

    def add(self, ids_N: NDArray[np.bytes_]) -> None:
        """Take in the next rows, by their identities (N,)."""
        self._runs.append(_run(*_halves(ids_N), np.arange(self._num_rows, self._num_rows + len(ids_N))))
        self._num_rows += len(ids_N)
        while len(self._runs) > 1 and len(self._runs[-2].high) < 2 * len(self._runs[-1].high):
            self._merge()

    def ids(self) -> NDArray[np.bytes_]:
        """All identities, sorted, each once."""
        run = self._merged()
        return np.stack([run.high, run.low], axis=1).astype(">u8").reshape(-1).view(ID)

    def find(self, ids_N: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """The row (N,) of each identity, -1 where there is none."""
        high_N, low_N = _halves(ids_N)
        order_N = np.argsort(high_N)  # searching in order is several times faster
        rows_N = np.empty(len(ids_N), dtype=np.int64)
        rows_N[order_N] = self._find(high_N[order_N], low_N[order_N])
        return rows_N

    def missing(self, ids_N: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Places (P,) of those identities (N,) that have no row, each at its first place, in their order."""
        wanted = _run(*_halves(ids_N), np.arange(len(ids_N)))
        places_P: NDArray[np.int64] = np.sort(wanted.rows[self._find(wanted.high, wanted.low) < 0])
        return places_P

    def _find(self, high_N: Half, low_N: Half) -> NDArray[np.int64]:
        rows_N = np.full(len(high_N), -1)
        for run in reversed(self._runs):  # the first run has the last word: its rows came first
            found_N = run.find(high_N, low_N)
            rows_N = np.where(found_N < 0, rows_N, found_N)
        return rows_N

    def _merged(self) -> Run:
        while len(self._runs) > 1:
            self._merge()
        return self._runs[0] if self._runs else _run(*_halves(np.empty(0, dtype=ID)), np.arange(0))

    def _merge(self) -> None:
        two = self._runs[-2:]
        del self._runs[-2:]
        high, low, rows = (np.concatenate([getattr(run, name) for run in two]) for name in ("high", "low", "rows"))
        two.clear()  # memory holds one copy of them less
        self._runs.append(_run(high, low, rows))


def _halves(ids_N: NDArray[np.bytes_]) -> tuple[Half, Half]:
    halves_N2 = ids_N.view(">u8").reshape(-1, 2)
    return halves_N2[:, 0].astype(np.uint64), halves_N2[:, 1].astype(np.uint64)


def _run(high_N: Half, low_N: Half, rows_N: NDArray[np.int64]) -> Run:
    """Identities sorted, and of those that are equal the one with the lowest row."""
    order_N = np.argsort(high_N)
    sorted_N = high_N[order_N]
    tied = np.flatnonzero(sorted_N[1:] == sorted_N[:-1])
    if not len(tied):
        return Run(sorted_N, low_N[order_N], rows_N[order_N])
    places = np.union1d(tied, tied + 1)
    some = order_N[places]
    order_N[places] = some[np.lexsort((rows_N[some], low_N[some], high_N[some]))]
    first_N = np.ones(len(order_N), dtype=np.bool_)
    first_N[tied + 1] = low_N[order_N[tied + 1]] != low_N[order_N[tied]]
    order_N = order_N[first_N]
    return Run(high_N[order_N], low_N[order_N], rows_N[order_N])
