"""Hashes of files on object stores, each fetched once; remembered by address, size and the version that the store states.

With the hash goes the length of the audio, so that work can be planned without a request for every header.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from noss import _memo
from noss._memo import Seen
from noss.audio import read
from noss.errors import AudioError, PlaceError
from noss.places import Place, copies, path_of, store
from noss.places.store import Entry

FETCHERS: Final = 32  # at 50 ms a request, 600 files a second
_FEW: Final = 8  # files of one folder: beyond, one listing is asked for in place of them
_LARGE: Final = 20_000  # files in a folder whose listing is held for ten times as long as it took
_HELD_TIMES: Final = 10.0
_REMEMBERED_AT_ONCE: Final = 256
_BYTES_A_SECOND: Final = 4_000  # of compressed speech: what a file's length is at most, where it was not decoded


def digests(addresses: Sequence[str]) -> dict[str, str | OSError]:
    """The SHA-256 of each file in hex, or the error that kept it from being read.

    Raises:
        PlaceError: A store does not answer at all.
    """
    with _fetchers() as pool:
        seen = _seen(addresses, pool)
        looks = {address: _look(address, entry) for address, entry in seen.items() if isinstance(entry, Entry)}
        known = _memo.recall(_memory(), "files", list(looks.values()))
        answers: dict[str, str | OSError] = {a: entry for a, entry in seen.items() if isinstance(entry, OSError)}
        answers |= {a: known[look.key].split()[0] for a, look in looks.items() if look.key in known}
        stated = {a: _stated(seen[a]) for a in looks if a not in answers and _stated(seen[a])}
        unknown = [address for address in looks if address not in answers and address not in stated]
        new = itertools.chain(stated.items(), _hashes(unknown, pool))
        while some := dict(itertools.islice(new, _REMEMBERED_AT_ONCE)):
            good = [(looks[a], value) for a, value in some.items() if isinstance(value, str)]
            _memo.remember(_memory(), "files", good)
            answers |= {a: value.split()[0] if isinstance(value, str) else value for a, value in some.items()}
    return answers


def duration_s(path: Path) -> float:
    """Seconds of audio in a file whose hash was taken; 0.0 where nothing is known."""
    value = _memo.latest(_memory(), "files", str(path).encode())
    return float(value.split()[1]) if value else 0.0


@contextmanager
def _fetchers() -> Iterator[ThreadPoolExecutor]:
    """Threads that are gone before a worker is forked, and not waited for once a store has gone or somebody interrupts."""
    pool = ThreadPoolExecutor(max_workers=FETCHERS)
    try:
        yield pool
        pool.shutdown()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _memory() -> Path:
    return copies.home() / "places.sqlite"


def _look(address: str, entry: Entry) -> Seen:
    return Seen(address.encode(), entry.stamp, True, entry.size)


def _stated(entry: Entry | OSError) -> str:
    """What is remembered of a file whose hash the store states: it is not fetched for its length alone."""
    if isinstance(entry, OSError) or not entry.sha256:
        return ""
    return f"{entry.sha256} {entry.size / _BYTES_A_SECOND:.3f}"


def _seen(addresses: Iterable[str], pool: ThreadPoolExecutor) -> dict[str, Entry | OSError]:
    by_folder: defaultdict[str, list[str]] = defaultdict(list)
    for address in addresses:
        by_folder[address.rpartition("/")[0]].append(address)
    alone = [address for some in by_folder.values() if len(some) <= _FEW for address in some]
    found = dict(zip(alone, pool.map(_look_at, alone), strict=True))
    many = [folder for folder, some in by_folder.items() if len(some) > _FEW]
    for folder, names in zip(many, pool.map(_listed, many), strict=True):
        for address in by_folder[folder]:
            absent = FileNotFoundError(2, "there is no such file on the store", address)
            entry = names if isinstance(names, OSError) else names.get(address.rpartition("/")[2], absent)
            found[address] = entry
    return found


def _look_at(address: str) -> Entry | OSError:
    try:
        return store.look(address)
    except FileNotFoundError as error:
        return error
    except PlaceError as error:
        return _refused(error, address)


def _listed(folder: str) -> Mapping[str, Entry] | OSError:
    try:
        return _listings().of(folder)
    except FileNotFoundError as error:
        return error
    except PlaceError as error:
        return _refused(error, folder)


class _Listings:
    """Listings of folders, each asked for anew; of a large one, a little of what it took: clips come a block at a time."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, Mapping[str, Entry]]] = {}

    def of(self, folder: str) -> Mapping[str, Entry]:
        began = time.monotonic()
        until, held = self._held.get(folder, (0.0, {}))
        if began < until:
            return held
        self._held.clear()
        found = store.listing(folder)
        if len(found) > _LARGE:
            now = time.monotonic()
            self._held[folder] = (now + _HELD_TIMES * (now - began), found)
        return found


@functools.cache
def _listings() -> _Listings:
    return _Listings()


def _hashes(addresses: Sequence[str], pool: ThreadPoolExecutor) -> Iterator[tuple[str, str | OSError]]:
    room = copies.Room() if addresses else None
    return zip(addresses, pool.map(lambda address: _hash(address, room), addresses), strict=True)


def _hash(address: str, room: copies.Room | None) -> str | OSError:
    """Hash and seconds of a file, as they are remembered; its copy is kept where there is room."""
    path = path_of(address)
    assert isinstance(path, Place) and room is not None
    try:
        copy = copies.fetched(path)
    except PlaceError as error:
        return _refused(error, address)
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        seconds = read.info(copy).duration_s
    except AudioError:
        seconds = 0.0  # whoever decodes it says what is wrong
    room.keep(copy, path)
    return f"{digest} {seconds:.3f}"


def _refused(error: PlaceError, address: str) -> OSError:
    """The error of one file; a store that does not answer is no matter of one file."""
    if error.gone:
        raise error
    return PermissionError(13, str(error), address)
