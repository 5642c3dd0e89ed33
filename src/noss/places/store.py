"""What object stores are asked: a look, a listing, a file brought or sent; asked again, but not for ever.

Every process has connections of its own: an event loop does not outlive a fork. Messages are in our own words and name
the address only: what a store's own library says may repeat keys and signatures.
"""

from __future__ import annotations

import functools
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from noss.errors import MissingExtraError, PlaceError
from noss.places._answers import Answer, foreign, sort_of

TRIES: Final = 6
PATIENCE_S: Final = 45.0  # no further try is begun after so long
_CONNECT_S, _READ_S = 5.0, 20.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.3, 5.0
_PACKAGES: Final = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gs"), "hf": ("huggingface_hub", "hub")}
_VERSIONS: Final = ("ETag", "etag", "generation", "blob_id", "LastModified", "updated", "mtime", "created")
Value = TypeVar("Value")
Part = bytes | FileNotFoundError | PlaceError


@dataclass(frozen=True)
class Entry:
    """Something on a store: whether it is a folder, its size, and a stamp that changes when the file does.

    `sha256` is the hash of its bytes where the store states it, and empty elsewhere.
    """

    is_folder: bool
    size: int
    stamp: str
    sha256: str = ""


def look(address: str) -> Entry:
    """What is at an address.

    Raises:
        FileNotFoundError: Nothing is.
        PlaceError: The store refuses or does not answer.
    """
    connection = _connect(address)
    return _entry(connection.ask(address, lambda fs, inside: fs.info(inside)))


def listing(address: str) -> dict[str, Entry]:
    """What lies right below a folder, by name, sorted; one request for every thousand.

    Raises:
        FileNotFoundError: Nothing does, or it is a file.
        PlaceError: The store refuses or does not answer.
    """
    connection = _connect(address)
    found = connection.ask(address, lambda fs, inside: fs.ls(inside, detail=True, **connection.fresh))
    return _named(connection, address, found)


def below(address: str) -> dict[str, Entry]:
    """Every file below a folder, however deep, by its path from there; one request for every thousand.

    Raises:
        PlaceError: The store refuses or does not answer.
    """
    connection = _connect(address)
    found = connection.ask(address, lambda fs, inside: fs.find(inside, detail=True, **connection.fresh))
    return _named(connection, address, list(found.values()))


def read(address: str) -> bytes:
    """The bytes of a file.

    Raises:
        FileNotFoundError: There is none.
        PlaceError: The store refuses or does not answer.
    """
    content: bytes = _connect(address).ask(address, lambda fs, inside: fs.cat_file(inside))
    return content


def read_ranges(ranges: Sequence[tuple[str, int, int]]) -> list[Part]:
    """Parts of files, each an address, its first byte and the one after its last; those on one store asked for at once.

    Returns:
        The bytes of each, fewer where the file ends early; or why they are not to be had.

    Raises:
        PlaceError: A store refuses everything, or does not answer.
    """
    schemes = [address.partition(":")[0] for address, _, _ in ranges]
    found: dict[int, Part] = {}
    for scheme in dict.fromkeys(schemes):
        places = [place for place, one in enumerate(schemes) if one == scheme]
        found |= zip(places, _parts([ranges[place] for place in places]), strict=True)
    return [found[place] for place in range(len(ranges))]


def _parts(ranges: Sequence[tuple[str, int, int]]) -> list[Part]:
    """As `read_ranges`, of one store: what it gave no answer to is asked for again, and nothing else."""
    connection, found = _connect(ranges[0][0]), dict[int, Part]()

    def rest(fs: Any, _: str) -> None:
        left = [place for place in range(len(ranges)) if place not in found]
        inside = [connection.inside(ranges[place][0]) for place in left]
        firsts, lasts = [ranges[place][1] for place in left], [ranges[place][2] for place in left]
        silent = None
        for place, said in zip(left, fs.cat_ranges(inside, firsts, lasts, on_error="return"), strict=True):
            part = connection.part(ranges[place][0], said)
            if part is None:
                silent = said
            else:
                found[place] = part
        if silent is not None:
            raise silent

    connection.ask(ranges[0][0], rest)
    refused = [part for part in found.values() if isinstance(part, PlaceError)]
    if len(refused) == len(ranges):
        raise refused[0]
    return [found[place] for place in range(len(ranges))]


def bring(address: str, file: Path) -> None:
    """Put the bytes of a file on a store into a file here.

    Raises:
        FileNotFoundError: There is none on the store.
        PlaceError: The store refuses or does not answer.
        OSError: The disk is full, or `file` cannot be written.
    """
    _connect(address).ask(address, lambda fs, inside: fs.get_file(inside, str(file)))


def send(file: Path, address: str) -> None:
    """Put a file on a store, whole or not at all.

    Raises:
        PlaceError: The store refuses or does not answer.
    """
    try:
        _connect(address).ask(address, lambda fs, inside: fs.put_file(str(file), inside))
    except FileNotFoundError as error:
        raise PlaceError(f"cannot write {address}: there is no such bucket; make it, or correct the address") from error


class _Connection:
    """A store as one process sees it."""

    def __init__(self, scheme: str) -> None:
        self.scheme = scheme
        self.file_system = _file_system(scheme)
        self.fresh = {"refresh": True} if scheme in ("s3", "gs", "hf") else {}
        self._has_gone = False

    def inside(self, address: str) -> str:
        """An address as its file system writes it."""
        return str(self.file_system._strip_protocol(address))

    def part(self, address: str, said: bytes | BaseException) -> Part | None:
        """What a store said to one of many questions; None where that is not its last word, or not its word."""
        if not isinstance(said, BaseException):
            return bytes(said)
        answer = sort_of(said) if isinstance(said, foreign(self.scheme)) else Answer.OURS
        if answer is Answer.NOT_THERE:
            return _absent(address)
        if answer is Answer.PAST_END:
            return b""
        return PlaceError(answer.line(address, self.scheme)) if answer in (Answer.REFUSED, Answer.WRONG) else None

    def ask(self, address: str, question: Callable[[Any, str], Value]) -> Value:
        """Ask until there is an answer, or no more patience; once a store has gone, it is tried once each time."""
        began, inside = time.monotonic(), self.inside(address)
        for attempt in range(TRIES):
            try:
                value = question(self.file_system, inside)
            except foreign(self.scheme) as error:
                answer = sort_of(error)
                if answer is Answer.NOT_THERE:
                    raise _absent(address) from None
                if answer is Answer.OURS:
                    raise
                is_last = attempt == TRIES - 1 or self._has_gone or time.monotonic() - began > PATIENCE_S
                if answer is not Answer.NONE or is_last:
                    self._has_gone = answer is Answer.NONE
                    raise PlaceError(answer.line(address, self.scheme), gone=answer is Answer.NONE) from error
            else:
                self._has_gone = False
                return value
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2**attempt)
            time.sleep(wait_s * random.uniform(0.5, 1.0))
        raise AssertionError("the last try returns or raises")


def _absent(address: str) -> FileNotFoundError:
    return FileNotFoundError(2, "there is no such file on the store", address)


def _connect(address: str) -> _Connection:
    return _connection(address.partition(":")[0], os.getpid())


@functools.lru_cache(maxsize=16)
def _connection(scheme: str, process: int) -> _Connection:
    del process  # a fork finds the connections of its parent, and must not use them
    return _Connection(scheme)


def _file_system(scheme: str) -> Any:
    import importlib

    package, extra = _PACKAGES.get(scheme, ("fsspec", "s3"))
    try:
        importlib.import_module(package)
        import fsspec
    except ModuleNotFoundError as error:
        raise MissingExtraError(package, extra=extra, needed_by=f"{scheme}://") from error
    if scheme != "s3":
        return fsspec.filesystem(scheme)
    settings = {
        "connect_timeout": _CONNECT_S,
        "read_timeout": _READ_S,
        "max_pool_connections": 64,
        "retries": {"total_max_attempts": 1},
    }
    found = fsspec.filesystem("s3", config_kwargs=settings, use_listings_cache=False)
    found.retries = 1  # trying again is done here, once for all stores
    return found


def _named(connection: _Connection, address: str, found: list[Mapping[str, Any]]) -> dict[str, Entry]:
    above = connection.inside(address).rstrip("/") + "/"
    names = {str(one["name"]).rstrip("/"): one for one in found}
    inner = {name.removeprefix(above): _entry(one) for name, one in names.items() if name.startswith(above)}
    return dict(sorted(inner.items(), key=lambda item: item[0].split("/")))


def _entry(found: Mapping[str, Any]) -> Entry:
    size = int(found.get("size") or 0)
    version = next((str(found[name]) for name in _VERSIONS if found.get(name)), "")
    stated = getattr(found.get("lfs"), "sha256", None) or ""
    return Entry(found["type"] == "directory", size, f"{size} {version.strip(chr(34))}", str(stated))
