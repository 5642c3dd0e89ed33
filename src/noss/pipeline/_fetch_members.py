"""What an archive holds, one member after the other: zip, and tar, bare or in gzip, bzip2 or xz.

Members come as the archive names them, unchecked. Headers are bounded; how much may come in all is the caller's matter.
"""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from noss.errors import DataError
from noss.pipeline._fetch_expand import Bytes, expanded

CHUNK = 1 << 20
_MOST_OF_A_HEADER = 1 << 24
_NAME, _SIZE, _CHECKSUM, _TYPE, _PREFIX = slice(100), slice(124, 136), slice(148, 156), slice(156, 157), slice(345, 500)
BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One entry of an archive; `target` is what a link points to, `data` gives a file's bytes piece by piece."""

    name: str
    kind: Literal["file", "folder", "symlink", "hardlink", "device"]
    size: int = 0
    target: str = ""
    data: Callable[[], Iterator[bytes]] = lambda: iter(())


@dataclass(frozen=True, kw_only=True)
class Contents:
    """An open archive: its members in order, and the bytes of them all where the archive declares that in front."""

    members: Iterator[Member]
    declared: int | None = None
    num_members: int | None = None


@contextmanager
def opened(archive: Path, *, limit: int, tell: Callable[[int], None]) -> Iterator[Contents]:
    """Open an archive, whatever its name says.

    Args:
        archive: The file.
        limit: A compressed tar gives up when so many bytes have come out of it.
        tell: Is called with the bytes of the archive that are done.

    Raises:
        DataError: It is neither zip nor tar.
    """
    with archive.open("rb", buffering=0) as file:
        head = file.read(8)
        if head.startswith(b"PK"):
            with zipfile.ZipFile(file) as zipped:
                infos = zipped.infolist()
                size = sum(info.file_size for info in infos)
                yield Contents(members=_zip_members(zipped, infos, tell), declared=size, num_members=len(infos))
            return
        file.seek(0)
        with expanded(file, head) as inner:
            yield Contents(members=_tar_members(_Forward(inner, limit=limit), archive, lambda: tell(file.tell())))


def _zip_members(
    zipped: zipfile.ZipFile, infos: list[zipfile.ZipInfo], tell: Callable[[int], None]
) -> Iterator[Member]:
    done = 0
    for info in infos:
        if info.flag_bits & 1:
            raise zipfile.BadZipFile(f"{info.filename} is encrypted")
        kind = stat.S_IFMT(info.external_attr >> 16)
        name = info.filename.replace("\\", "/")
        if kind == stat.S_IFLNK:
            yield Member(name=name, kind="symlink", target=zipped.read(info)[:4096].decode("utf-8", "surrogateescape"))
        elif name.endswith("/"):
            yield Member(name=name, kind="folder")
        elif kind in (0, stat.S_IFREG):
            yield Member(name=name, kind="file", size=info.file_size, data=partial(_zip_data, zipped, info))
        else:
            yield Member(name=name, kind="device")
        done += info.compress_size
        tell(done)


def _zip_data(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with zipped.open(info) as file:
        while chunk := file.read(CHUNK):
            yield chunk


class _Forward:
    """A stream that `tarfile` reads as if it could seek: forward only, counted, and in pieces of bounded size."""

    def __init__(self, stream: Bytes, *, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._position = 0
        self.last = b""

    def read(self, size: int) -> bytes:
        if size > _MOST_OF_A_HEADER:
            raise DataError(f"it has a header of {size:,} bytes, and {_MOST_OF_A_HEADER:,} are more than enough")
        data = self.last = self._stream.read(size)
        self._position += len(data)
        if self._position > self._limit:
            raise DataError(f"more than {self._limit:,} bytes come out of it")
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        assert position >= self._position
        while self._position < position:
            if not self.read(min(CHUNK, position - self._position)):
                raise tarfile.ReadError("unexpected end of data")


class _Header(tarfile.TarInfo):
    """A header of a tar, which of a plain file is read in a third of the time: they are most, and often small."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """The header in a block of 512 bytes."""
        name, size, checksum, prefix = (
            bytes(buf[place]).partition(b"\0")[0] for place in (_NAME, _SIZE, _CHECKSUM, _PREFIX)
        )
        plain = len(buf) == tarfile.BLOCKSIZE and buf[_TYPE] == b"0" and size.isdigit() and checksum.isdigit()
        if not plain or sum(buf) - sum(buf[_CHECKSUM]) + 8 * ord(" ") != _octal(checksum):
            return super().frombuf(buf, encoding, errors)
        info = cls((prefix + b"/" + name if prefix else name).decode(encoding, errors))
        info.size = _octal(size)
        return info


def _octal(digits: bytes) -> int:
    try:
        return int(digits, 8)
    except ValueError:
        raise tarfile.InvalidHeaderError(f"{digits!r} is no octal number") from None  # type: ignore[attr-defined]


def _tar_members(stream: _Forward, archive: Path, tell: Callable[[], None]) -> Iterator[Member]:
    try:
        opened = tarfile.TarFile(fileobj=stream, tarinfo=_Header)  # type: ignore[arg-type]
    except tarfile.ReadError as error:
        if stream.tell() > tarfile.BLOCKSIZE:
            raise
        raise DataError(f"{archive.name} is neither zip nor tar ({error})") from error
    told = 0
    with opened as tar:
        while (info := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep them all, a kilobyte each
            yield _tar_member(info, stream)
            if stream.tell() - told > CHUNK:
                told = stream.tell()
                tell()
    _check_end(stream)


def _check_end(stream: _Forward) -> None:
    """A block of zeros ends a tar; `tarfile` takes a broken header, or nothing at all, for the end too."""
    if len(stream.last) != tarfile.BLOCKSIZE or any(stream.last):
        raise tarfile.ReadError(f"no member and no end at byte {stream.tell():,}")
    while stream.read(CHUNK):  # to where a checksum stands
        pass


def _tar_member(info: tarfile.TarInfo, stream: _Forward) -> Member:
    if info.isdir():
        return Member(name=info.name, kind="folder")
    if info.issym():
        return Member(name=info.name, kind="symlink", target=info.linkname)
    if info.islnk():
        return Member(name=info.name, kind="hardlink", target=info.linkname)
    if info.issparse() or not info.isreg():
        return Member(name=info.name, kind="device")
    return Member(name=info.name, kind="file", size=info.size, data=lambda: _tar_data(info.size, stream))


def _tar_data(size: int, stream: _Forward) -> Iterator[bytes]:
    """A member's bytes, which are next in the stream; `TarFile.extractfile` takes longer than writing a small file."""
    while size:
        chunk = stream.read(min(CHUNK, size))
        if not chunk:
            raise tarfile.ReadError("unexpected end of data")
        size -= len(chunk)
        yield chunk
