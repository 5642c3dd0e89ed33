"""A cache that lies on an object store, `s3://bucket/noss`, with a copy of what is needed of it on this machine.

Parts of embedding stores never change and are named by their bytes, so two sides are made equal by sending what is
missing: when a store is opened, the parts that are only there are fetched and those that are only here are sent, and
each new part is sent as soon as it is written. Nothing is ever overwritten but `store.json`, which is the same on every
machine. Everything else in a cache (memos, weights, corpora) is of this machine, and stays here.

The folder here holds `remote.txt`, the address, so whatever opens a store below it knows, in whichever process.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from noss.errors import PlaceError, StoreError
from noss.places import path_of, store
from noss.places.copies import home

_MARK: Final = "remote.txt"
_TOGETHER: Final = 8
_PART: Final = re.compile(r"part-[0-9a-f]{32}\.arrow")
_log = logging.getLogger("noss")


def folder_of(address: Path | str) -> Path:
    """The folder of this machine that mirrors a cache on an object store, made where there is none.

    Raises:
        PlaceError: The address is none.
        StoreError: The folder cannot be written.
    """
    text = str(path_of(address))
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("_")[-60:]
    folder = home() / "mirrors" / f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if not (folder / _MARK).is_file():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
                file.write(text)
            os.replace(file.name, folder / _MARK)  # noqa: PTH105
        except OSError as error:
            raise StoreError(f"cannot write {folder}: {error.strerror}; set NOSS_CACHE to a folder") from error
    return folder


def level(root: Path, key: str) -> None:
    """Make the store whose folder's name ends in `key` the same here and on the object store, if there is one.

    Args:
        root: The folder of stores, `embeddings` or `frames`, in the cache of this machine.
        key: The hash of what shapes a vector.

    Raises:
        StoreError: The object store refuses or does not answer, or a part cannot be written here.
    """
    remote = _remote(root.parent)
    if remote is None:
        return
    try:
        there = {name: _names(f"{remote}/{root.name}/{name}") for name in _stores(f"{remote}/{root.name}", key)}
        here = sorted(root.glob(f"*-{key}"))
        if not here and not there:
            return
        folder = here[0] if here else root / min(there)
        folder.mkdir(parents=True, exist_ok=True)
        held = {path.name for path in folder.iterdir() if _is_ours(path.name)}
        wanted = {file: f"{remote}/{root.name}/{name}/{file}" for name, files in there.items() for file in files}
        with ThreadPoolExecutor(_TOGETHER) as pool:
            list(pool.map(lambda file: _bring(wanted[file], folder / file), sorted(wanted.keys() - held)))
            list(pool.map(lambda file: store.send(folder / file, _at(folder / file, remote)), held - wanted.keys()))
    except PlaceError as error:
        raise StoreError(str(error)) from error
    except OSError as error:
        raise StoreError(f"cannot write {root}: {error.strerror}; free some space, or set NOSS_CACHE") from error


def send(path: Path) -> None:
    """Send a file of a store that was just written, where its cache lies on an object store.

    Raises:
        StoreError: The object store refuses or does not answer; the file is here, and sent when the store is opened next.
    """
    remote = _remote(path.parent.parent.parent)
    if remote is not None:
        try:
            store.send(path, _at(path, remote))
        except PlaceError as error:
            raise StoreError(
                f"{error}; what was embedded is kept in {path.parent}, and sent by the next run"
            ) from error


def _remote(cache: Path) -> str | None:
    with suppress(OSError):
        return (cache / _MARK).read_text(encoding="utf-8").strip() or None
    return None


def _at(path: Path, remote: str) -> str:
    return f"{remote}/{path.parent.parent.name}/{path.parent.name}/{path.name}"


def _stores(root: str, key: str) -> Iterator[str]:
    try:
        found = store.listing(root)
    except FileNotFoundError:
        return
    yield from (name for name, entry in found.items() if entry.is_folder and name.endswith(f"-{key}"))


def _names(folder: str) -> list[str]:
    return [name for name in store.listing(folder) if _is_ours(name)]


def _is_ours(name: str) -> bool:
    return name == "store.json" or _PART.fullmatch(name) is not None


def _bring(address: str, path: Path) -> None:
    """Fetch a file whole; a part whose bytes are not what its name says is reported and left there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        store.bring(address, temporary)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if path.name == "store.json" or path.stem == f"part-{digest[:32]}":
            temporary.replace(path)
        else:
            _log.warning("%s is corrupt (wrong checksum): it is left out; delete it there", address)
    except FileNotFoundError:
        return  # somebody has just deleted it
    finally:
        temporary.unlink(missing_ok=True)
