"""FOUNDATION: files on object stores, as paths: `s3://`, `gs://` and `hf://`, through fsspec.

An address travels as a `Place`, which is a `Path`: it is joined, compared, sorted and pickled like any other, its text is
the address, and reading it or looking at it asks the store. So whatever walks folders with `pathlib` walks these too.
What needs a file on disk, a decoder, takes a copy of it by `noss.places.copies.local`.

Nothing of fsspec is imported before an address is used. Credentials come from the environment, as each store's own
tools take them; an address that holds any is refused, since addresses stand in tables and records.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
import stat
from collections.abc import Generator
from pathlib import Path, PosixPath
from typing import IO, Any, Final, Self

from noss.errors import PlaceError

SCHEMES: Final = ("s3", "gs", "hf", "memory")
_ADDRESS: Final = re.compile(rf"({'|'.join(SCHEMES)}):/+(.*)", re.DOTALL)
_OTHER: Final = re.compile(r"([a-z][a-z0-9+]+)://")
_SIGNED: Final = re.compile(r"[?&](x-amz-|x-goog-|awsaccesskeyid|token)", re.IGNORECASE)


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the address of something on an object store, also where a `Path` has made `s3:/` of `s3://`."""
    return isinstance(path, Place) or _ADDRESS.match(os.fspath(path)) is not None


def path_of(path: str | os.PathLike[str]) -> Path:
    """A path: a `Place` for an address, any other as it is.

    Raises:
        PlaceError: The address holds credentials, names no bucket, or is of no store that is known here.
    """
    if isinstance(path, Place):
        return path
    text = os.fspath(path)
    match = _ADDRESS.match(text)
    if match is None:
        if other := _OTHER.match(text):
            known = ", ".join(f"{scheme}://" for scheme in SCHEMES[:3])
            raise PlaceError(
                f"{other[1]}:// is no store that is known here: use {known}, or copy the files to a folder"
            )
        return path if isinstance(path, Path) else Path(text)
    if "@" in match[2].partition("/")[0] or _SIGNED.search(match[2]):
        raise PlaceError(
            f"the {match[1]}:// address holds credentials: give them in the environment, and the address bare"
        )
    inside = posixpath.normpath(match[2]) if match[2] else ""
    if inside in ("", ".") or inside.startswith("..") or not match[2].strip("/"):
        raise PlaceError(f"{match[1]}:// names no bucket: write {match[1]}://BUCKET/FOLDER")
    return Place(f"{match[1]}:/{inside.lstrip('/')}")


class Place(PosixPath):
    """The address of something on an object store; made by `place`."""

    __slots__ = ()

    def __str__(self) -> str:
        return super().__str__().replace(":/", "://", 1)

    def __fspath__(self) -> str:
        return str(self)

    def is_absolute(self) -> bool:
        """An address starts nowhere else."""
        return True

    def absolute(self) -> Self:
        """The address itself."""
        return self

    def resolve(self, strict: bool = False) -> Self:
        """The address itself: stores have no links."""
        del strict
        return self

    def expanduser(self) -> Self:
        """The address itself."""
        return self

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file or a folder at the address.

        Raises:
            PlaceError: The store refuses or does not answer.
        """
        del follow_symlinks
        return self._kind() is not None

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether anything lies below the address.

        Raises:
            PlaceError: The store refuses or does not answer.
        """
        del follow_symlinks
        return self._kind() == "folder"

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file at the address.

        Raises:
            PlaceError: The store refuses or does not answer.
        """
        del follow_symlinks
        return self._kind() == "file"

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Its kind and size; stores know of no owner, and times are theirs.

        Raises:
            FileNotFoundError: Nothing is there.
            PlaceError: The store refuses or does not answer.
        """
        from noss.places import store

        del follow_symlinks
        entry = store.look(str(self))
        kind = stat.S_IFDIR if entry.is_folder else stat.S_IFREG
        return os.stat_result((kind | 0o444, 0, 0, 1, 0, 0, entry.size, 0, 0, 0))

    def iterdir(self) -> Generator[Self, None, None]:
        """What lies right below, sorted.

        Raises:
            FileNotFoundError: Nothing does.
            PlaceError: The store refuses or does not answer.
        """
        from noss.places import store

        yield from (self / name for name in store.listing(str(self)))

    def glob(self, pattern: str, **options: Any) -> Generator[Self, None, None]:
        """What lies below and fits a pattern of names, `*/*.txt`, sorted.

        Raises:
            PlaceError: The store refuses or does not answer.
        """
        del options
        first, _, rest = pattern.partition("/")
        fits = re.compile(_glob(first)).fullmatch
        for path in self.iterdir() if self.is_dir() else ():
            if fits(path.name):
                yield from path.glob(rest) if rest else (path,)

    def open(self, mode: str = "r", *arguments: Any, **options: Any) -> IO[Any]:  # type: ignore[override]
        """The file, to be read.

        Raises:
            FileNotFoundError: There is none.
            PlaceError: The store refuses or does not answer, or the file is opened to be written.
        """
        from noss.places import store

        if set(mode) & set("wax+"):
            raise PlaceError(f"{self} cannot be written to in pieces: write a file and copy it there")
        content = io.BytesIO(store.read(str(self)))
        if "b" in mode:
            return content
        options.pop("buffering", None)
        return io.TextIOWrapper(content, *arguments[1:], **{"encoding": "utf-8", **_given(options)})

    def _kind(self) -> str | None:
        from noss.places import store

        try:
            return "folder" if store.look(str(self)).is_folder else "file"
        except FileNotFoundError:
            return None


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _glob(pattern: str) -> str:
    import fnmatch

    return fnmatch.translate(pattern)
