"""Copies on disk of files from object stores: decoders need a file, and few are fetched twice.

A file is fetched once for its identity; that copy stays for the model that embeds it next, up to a bound. What is beyond
the bound is fetched again by the worker that decodes it, and removed at once: no corpus is ever on disk whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import platformdirs

from noss.errors import PlaceError
from noss.places import Place, is_address, store

MOST_BYTES: Final = 8e9
_SHARE_OF_FREE: Final = 0.1
_STALE_S: Final = 24 * 3600.0


def home() -> Path:
    """The cache folder of this machine, where copies are: `NOSS_CACHE` where it is a folder, else the platform's."""
    named = os.environ.get("NOSS_CACHE", "")
    folder = platformdirs.user_cache_dir("noss") if not named or is_address(named) else named
    return Path(folder).expanduser()


@contextmanager
def local(path: Path) -> Iterator[Path]:
    """A file on disk with the bytes of `path`: itself, or of an address the copy that is kept, or one for this while.

    Raises:
        PlaceError: The store refuses, does not answer, or has no such file; or there is no room for it here.
    """
    if not isinstance(path, Place):
        yield path
        return
    copy = _linked(path) or fetched(path)
    try:
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _linked(address: Place) -> Path | None:
    """The copy that is kept, under a name that nobody else removes; None where there is none."""
    held = kept_at(address)
    link = held.with_name(f".{held.stem}.{os.getpid()}-{threading.get_ident()}.tmp{held.suffix}")
    try:
        link.hardlink_to(held)
    except OSError:
        return None
    return link


def fetched(address: Place) -> Path:
    """A fresh copy of a file under a name of its own.

    Raises:
        PlaceError: The store refuses, does not answer, or has no such file; or there is no room for it here.
    """
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=f".tmp{address.suffix}", dir=folder)
        os.close(handle)
    except OSError as error:
        raise PlaceError(f"cannot copy {address} to {folder}: {error.strerror}; set NOSS_CACHE to a folder") from error
    copy = Path(name)
    with ExitStack() as undo:
        undo.callback(copy.unlink, missing_ok=True)
        try:
            store.bring(str(address), copy)
        except FileNotFoundError as error:
            raise PlaceError(f"no file {address}: check the path") from error
        except OSError as error:
            raise PlaceError(f"cannot copy {address} to {folder}: {error.strerror}; free some space") from error
        undo.pop_all()
    return copy


def kept_at(address: Place) -> Path:
    """Where the copy of a file is kept, if it is."""
    return _folder() / f"{hashlib.sha256(str(address).encode()).hexdigest()[:32]}{address.suffix}"


class Room:
    """How much may still be kept, for one set of files: copies of an earlier one make way, oldest first."""

    def __init__(self) -> None:
        folder, found = _folder(), []
        for entry in os.scandir(folder) if folder.is_dir() else ():
            with suppress(OSError):
                status = entry.stat()
                found.append((status.st_mtime, status.st_size, Path(entry.path)))
        used = sum(size for _, size, _ in found)
        above = next(path for path in (folder, *folder.parents) if path.is_dir())
        self._left = min(MOST_BYTES, used + _SHARE_OF_FREE * shutil.disk_usage(above).free) - used
        self._older = sorted(found, reverse=True)
        self._lock = threading.Lock()
        while self._older and time.time() - self._older[-1][0] > _STALE_S:
            self._drop_oldest()

    def keep(self, copy: Path, address: Place) -> None:
        """Keep a fresh copy where there is room, and remove it where there is none."""
        size, held = copy.stat().st_size, kept_at(address)
        with self._lock:
            while size > self._left and self._older:
                self._drop_oldest()
            fits = size <= self._left
            self._left -= size if fits else 0
        if fits:
            copy.replace(held)
        else:
            copy.unlink()
            held.unlink(missing_ok=True)

    def _drop_oldest(self) -> None:
        _, size, path = self._older.pop()
        with suppress(OSError):
            path.unlink(missing_ok=True)
            self._left += size


def _folder() -> Path:
    return home() / "copies"
