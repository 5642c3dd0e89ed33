"""Rows on their way into the store, a part at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from noss.errors import StoreError
from noss.store import Store

PART_ROWS = 4096
PART_BYTES = 32e6
PART_S = 10.0


class Writer:
    """Gathers rows and appends a part every few seconds, so that an interrupted run loses little.

    Leaving it writes what is left, also where an error or an interrupt is on its way.

    Args:
        store: Where parts go.
        device: The machine that made the rows; asked for when there are some.
        workers: Workers whose time is shared.
    """

    def __init__(self, store: Store, *, device: Callable[[], str], workers: int) -> None:
        self._store = store
        self._device = device
        self._workers = max(workers, 1)
        self._clear()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, StoreError):
            self.flush()

    def add(
        self, ids: list[str], embeddings_NLD: NDArray[np.float32], durations_s: list[float], *, seconds: float
    ) -> None:
        """Take rows (N, L, D) that took a worker so many seconds."""
        self._ids += ids
        self._blocks.append(embeddings_NLD)
        self._durations_s += durations_s
        self._seconds += seconds
        self._bytes += embeddings_NLD.nbytes
        waited_s = time.monotonic() - self._since
        if len(self._ids) >= PART_ROWS or self._bytes >= PART_BYTES or waited_s >= PART_S:
            self.flush()

    def flush(self) -> None:
        """Write what there is as one part."""
        if self._ids:
            rows_NLD = np.concatenate(self._blocks)
            seconds = self._seconds / self._workers
            self._store.append(
                self._ids, rows_NLD, durations_s=self._durations_s, seconds=seconds, device=self._device()
            )
        self._clear()

    def _clear(self) -> None:
        self._ids: list[str] = []
        self._blocks: list[NDArray[np.float32]] = []
        self._durations_s: list[float] = []
        self._seconds = 0.0
        self._bytes = 0
        self._since = time.monotonic()
