"""Unpacking an archive that nobody vouches for: nothing leaves the folder, and no more comes out than may.

- No absolute path, no `..`, no device, no sparse file; links only to what the archive itself holds.
- Links are made last, so that nothing is ever written through one, and are then looked at once more.
- Bytes and members are bounded by the archive's size, the free disk and what the archive declares.
- Files get the permissions of any file written here, whatever the archive says.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from noss.errors import DataError
from noss.pipeline._fetch_members import BROKEN, Contents, Member, opened
from noss.pipeline._fetch_write import Files

MOST_RATIO = 100  # recorded speech shrinks to a third at best, a list of names to a tenth
FLOOR = 64 << 20  # so much may come out of any archive
_LEAST_OF_A_MEMBER = 32  # bytes that a member takes in an archive, at least
_FLOOR_MEMBERS = 10_000
_RESERVED = ".fetch"
_FIRST_COLLISIONS = 3


@dataclass(kw_only=True)
class Unpacked:
    """What came out: counts, the first names in the folder, and names that differ only in case."""

    num_files: int = 0
    num_bytes: int = 0
    num_members: int = 0
    collisions: list[tuple[str, str]] = field(default_factory=list)


def unpack(archive: Path, folder: Path, *, tell: Callable[[int], None]) -> Unpacked:
    """Write what an archive holds below an empty folder.

    Args:
        archive: A zip, or a tar, bare or in gzip, bzip2 or xz.
        folder: Where its members go.
        tell: Is called with the bytes of the archive that are done.

    Raises:
        DataError: It is damaged or cut short, is no archive, holds what would leave the folder, or too much.
    """
    most = _Most.of(archive, folder)
    try:
        with opened(archive, limit=most.stream_bytes, tell=tell) as contents:
            _check_declared(contents, most)
            return _Writer(folder, most).write(contents.members)
    except DataError as error:
        raise DataError(f"{archive.name} is not unpacked: {error}") from error
    except BROKEN as error:
        raise DataError(f"{archive.name} is damaged or cut short ({error})") from error


@dataclass(frozen=True, kw_only=True)
class _Most:
    num_bytes: int
    num_members: int
    why: str

    @classmethod
    def of(cls, archive: Path, folder: Path) -> _Most:
        size, free = archive.stat().st_size, shutil.disk_usage(folder).free
        fair = max(FLOOR, MOST_RATIO * size)
        why = f"{free:,} bytes are free: free some space" if free < fair else f"{fair:,} bytes are fair for its size"
        members = max(_FLOOR_MEMBERS, size // _LEAST_OF_A_MEMBER)
        return cls(num_bytes=min(fair, free), num_members=members, why=why)

    @property
    def stream_bytes(self) -> int:
        """Of a tar: its files, and for each a header and padding."""
        return self.num_bytes + 2_048 * self.num_members

    def check(self, num_bytes: int, num_members: int) -> None:
        if num_bytes > self.num_bytes:
            raise DataError(f"it holds {num_bytes:,} bytes or more, and {self.why}")
        if num_members > self.num_members:
            raise DataError(f"it holds more than {self.num_members:,} members, too many for its size")


def _check_declared(contents: Contents, most: _Most) -> None:
    if contents.declared is not None:
        most.check(contents.declared, contents.num_members or 0)


class _Writer:
    def __init__(self, folder: Path, most: _Most) -> None:
        self._root = str(folder)
        self._most = most
        self._done = Unpacked()
        self._folders = {""}
        self._names: dict[str, str] = {}
        self._links: list[tuple[str, Member]] = []

    def write(self, members: Iterator[Member]) -> Unpacked:
        with Files(self._root) as files:
            self._write(members, files)
        self._make_links()
        return self._done

    def _write(self, members: Iterator[Member], files: Files) -> None:
        for member in members:
            name = _inside(member.name)
            self._done.num_members += 1
            self._most.check(self._done.num_bytes + member.size, self._done.num_members)
            self._note(name)
            if member.kind == "device":
                raise DataError(f"{member.name} is a device or another special file, where a plain one is needed")
            if member.kind == "file":
                self._folder(name.rpartition("/")[0])
                files.write(name, member.data(), size=member.size)
                self._done.num_bytes += member.size
                self._done.num_files += 1
            elif member.kind == "folder":
                self._folder(name)
            else:
                self._links.append((name, member))

    def _folder(self, name: str) -> None:
        if name not in self._folders:
            self._folder(name.rpartition("/")[0])
            Path(f"{self._root}/{name}").mkdir(exist_ok=True)
            self._note(name)
            self._folders.add(name)

    def _note(self, name: str) -> None:
        first = self._names.setdefault(_folded(name), name)
        if first != name and len(self._done.collisions) < _FIRST_COLLISIONS:
            self._done.collisions.append((first, name))

    def _make_links(self) -> None:
        for hard in (True, False):  # hard links first: no symbolic link is there yet to lead them out
            for name, member in self._links:
                if (member.kind == "hardlink") == hard:
                    self._link(name, member)
        inside = os.path.realpath(self._root) + os.sep
        for name, member in self._links:
            if not (os.path.realpath(f"{self._root}/{name}") + os.sep).startswith(inside):
                raise DataError(f"the link {name} leads to {member.target}, out of the folder")

    def _link(self, name: str, member: Member) -> None:
        self._folder(name.rpartition("/")[0])
        path = Path(f"{self._root}/{name}")
        try:
            if member.kind == "hardlink":
                path.hardlink_to(f"{self._root}/{_inside(member.target)}")
            else:
                if _is_absolute(member.target):
                    raise DataError(f"the link {name} leads to {member.target}, out of the folder")
                path.symlink_to(member.target)
        except (FileExistsError, FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise DataError(f"the link {name} to {member.target} cannot be made: {error.strerror}") from error


def _inside(name: str) -> str:
    """A member's path below the folder, plain.

    Raises:
        DataError: It would be elsewhere.
    """
    pieces = name.replace("\\", "/").split("/")
    if _is_absolute(name) or ".." in pieces or "\0" in name:
        raise DataError(f"{name} would be written outside of the folder")
    plain = "/".join(piece for piece in name.split("/") if piece not in ("", "."))
    if plain.partition("/")[0] == _RESERVED:
        raise DataError(f"{name} would overwrite what noss keeps in {_RESERVED}")
    return plain


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or (path[1:2] == ":" and path[:1].isalpha())


def _folded(name: str) -> str:
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
