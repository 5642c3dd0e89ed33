"""New files below a folder: small ones are written by a thread, some at a time, while the next are being read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final

from noss.errors import DataError
from noss.pipeline._fetch_behind import Behind

_SMALL: Final = 1 << 20
_MOST_AT_ONCE: Final = 64
_MOST_BATCHES: Final = 8
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Files:
    """Writes files below a folder; all are there when the block has ended well.

    Args:
        root: The folder; the folders of the files in it are there.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._behind = Behind(most=_MOST_BATCHES)
        self._batch: list[tuple[str, bytes]] = []
        self._num_bytes = 0

    def __enter__(self) -> Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._behind:
            if error is None:
                self._flush()

    def write(self, name: str, data: Iterator[bytes], *, size: int) -> None:
        """Write one file, a path below the folder; of two with one name the later counts, as tar does it."""
        if size > _SMALL:
            self._flush()
            self._behind.wait()
            _write(self._root, name, data)
            return
        self._batch.append((name, b"".join(data)))
        self._num_bytes += size
        if self._num_bytes >= _SMALL or len(self._batch) >= _MOST_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._behind.give(partial(_write_all, self._root, self._batch))
        self._batch, self._num_bytes = [], 0


def _write_all(root: str, batch: list[tuple[str, bytes]]) -> None:
    for name, data in batch:
        _write(root, name, iter((data,)))


def _write(root: str, name: str, data: Iterator[bytes]) -> None:
    file = _create(f"{root}/{name}", name)
    try:
        for chunk in data:
            while chunk:
                chunk = chunk[os.write(file, chunk) :]
    finally:
        os.close(file)


def _create(path: str, name: str) -> int:
    try:
        return os.open(path, _NEW, 0o666)  # a file object takes as long as writing a small file
    except FileExistsError:
        folder, _, last = path.rpartition("/")
        if last not in os.listdir(folder):  # noqa: PTH208
            raise DataError(f"{name} is one file here with another whose name differs in case") from None
    Path(path).unlink()
    return os.open(path, _NEW, 0o666)
