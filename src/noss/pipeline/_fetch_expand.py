"""The bytes inside gzip, bzip2 and xz, expanded in a thread ahead of whoever reads them.

`gzip.GzipFile` goes through Python every 8 kB, which a thread of its own cannot hide; here it is every megabyte.
"""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, Protocol

_CHUNK: Final = 1 << 20
_NUM_AHEAD: Final = 4


class Bytes(Protocol):
    """Something to read from, forward."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer only at the end."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_MAKERS: Mapping[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
}


@contextmanager
def expanded(file: io.FileIO, head: bytes) -> Iterator[Bytes]:
    """What a file holds, expanded if its first bytes say that it is compressed."""
    magic = next((magic for magic in _MAKERS if head.startswith(magic)), None)
    if magic is None:
        with io.BufferedReader(file, _CHUNK) as buffered:
            yield buffered
        return
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        yield _Ahead(_pieces(file, magic), pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _pieces(file: io.FileIO, magic: bytes) -> Iterator[bytes]:
    """Pieces of at most a megabyte; several streams, one behind the other, are one."""
    one, data = _MAKERS[magic](), b""
    while True:
        try:
            piece = one.decompress(data, _CHUNK)
        except OSError as error:  # so bz2 calls wrong bytes
            raise tarfile.ReadError(str(error)) from error
        data = getattr(one, "unconsumed_tail", b"")
        if piece:
            yield piece
        if one.eof:
            data = one.unused_data.lstrip(b"\0")  # zeros may pad it
            if len(data) < len(magic):
                data = (data + file.read(_CHUNK)).lstrip(b"\0")
            if not data.startswith(magic):
                return
            one = _MAKERS[magic]()
        elif not piece and not data:
            data = file.read(_CHUNK)
            if not data:
                raise EOFError("it ends in the middle")


class _Ahead:
    """Reads pieces in a thread, a few of them in advance."""

    def __init__(self, pieces: Iterator[bytes], pool: ThreadPoolExecutor) -> None:
        self._pieces = pieces
        self._pool = pool
        self._coming: deque[Future[bytes]] = deque(self._another() for _ in range(_NUM_AHEAD))
        self._piece = b""
        self._place = 0

    def read(self, size: int, /) -> bytes:
        data = self._piece[self._place : self._place + size]
        self._place += len(data)
        while len(data) < size and (piece := self._next()):
            self._piece, self._place = piece, min(len(piece), size - len(data))
            data += piece[: self._place]
        return data

    def _another(self) -> Future[bytes]:
        return self._pool.submit(next, self._pieces, b"")

    def _next(self) -> bytes:
        piece = self._coming.popleft().result()
        self._coming.append(self._another())
        return piece
