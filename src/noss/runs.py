"""A run's signature, folder and files: what makes a step repeatable and safe to interrupt."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from noss import _mirror
from noss.errors import StoreError
from noss.places import is_address
from noss.places.outgoing import sending


def signature(facts: Any) -> str:
    """A 32-digit hash of plain facts (dicts, lists, text, numbers): equal facts, equal signature."""
    text = json.dumps(facts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def slug(name: str) -> str:
    """A file name for a part's name: readable, safe on every file system, unique by its hash tail."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_.")[-60:]
    return plain if plain == name else f"{plain}-{signature(name)[:6]}"


def cache_folder(cache: Path | str | None = None) -> Path:
    """Where embeddings are kept: `cache`, else the variable `NOSS_CACHE`, else the platform's cache folder.

    Of a cache on an object store it is the folder of this machine that mirrors it.
    """
    chosen = cache or os.environ.get("NOSS_CACHE") or platformdirs.user_cache_dir("noss")
    return _mirror.folder_of(chosen) if is_address(chosen) else Path(chosen).expanduser()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and goes when it does not.

    The bytes are on disk before the name is: whoever opens `path` finds the old file or the whole new one. At an address
    on an object store the new file appears whole, too.

    Raises:
        StoreError: The folder cannot be written, or the disk is full.
        PlaceError: The object store refuses or does not answer.
    """
    if is_address(path):
        with sending(path) as file:
            yield file
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; free some space or choose another folder") from error
    temporary = Path(name)
    try:
        yield temporary
        settle(temporary)
        Path(temporary).replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; free some space or choose another folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file at once (UTF-8), atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, facts: Any) -> None:
    """Write plain facts as readable JSON, atomically."""
    write_text(path, json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n")


def settle(path: Path) -> None:
    """Bring a file's bytes, or those of a folder's files, to the disk, and let those read it whom the umask lets."""
    mask = os.umask(0)
    os.umask(mask)
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())
        file.chmod(0o666 & ~mask)
    if path.is_dir():
        path.chmod(0o777 & ~mask)
