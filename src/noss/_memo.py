"""What is known of files, by path, size and times, in a small SQLite file.

It is only a memo: a lost, locked or broken one costs time and nothing else.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Table = Literal["files", "parts"]

_COLUMNS: dict[Table, str] = {"files": "sha256", "parts": "proved"}  # hash of a file; when a part was last found whole
_QUERY_SIZE = 500
_TIMEOUT_S = 5.0
_SETTLED_NS = 50_000_000  # kernels stamp files with a coarse clock: a file may change twice within one tick


@dataclass(frozen=True)
class Seen:
    """A file as the file system shows it: its key in the memo, and a stamp that changes when the file does."""

    key: bytes
    stamp: str
    settled: bool
    size: int


def look(path: str) -> Seen | OSError:
    """A file as it is now, or the error that kept it from being seen."""
    try:
        status = os.stat(path)  # noqa: PTH116 - text: a Path that is hashed or split keeps several times its own size
    except OSError as error:
        return error
    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS
    return Seen(os.fsencode(os.path.abspath(path)), stamp, settled, status.st_size)  # noqa: PTH100


def recall(memo: Path | None, table: Table, looks: Sequence[Seen]) -> dict[bytes, str]:
    """What is known, by key, of those files that have not changed since."""
    stamps = {seen.key: seen.stamp for seen in looks}
    known: dict[bytes, str] = {}
    if memo is not None and memo.is_file():
        try:
            with closing(_connect(memo, table)) as connection:
                rows = _select(connection, table, list(stamps))
                known.update((key, value) for key, stamp, value in rows if stamps[key] == stamp)
        except sqlite3.Error as error:
            _drop_if_broken(memo, error)
            known.clear()
    return known


def latest(memo: Path, table: Table, key: bytes) -> str:
    """What was last known of a file, whether it has changed since or not; empty where nothing is."""
    try:
        with closing(_connect(memo, table)) as connection:
            return next((value for _, _, value in _select(connection, table, [key])), "")
    except sqlite3.Error:
        return ""


def remember(memo: Path | None, table: Table, found: Iterable[tuple[Seen, str]]) -> None:
    """Note what is known of files; it should be of files that are settled."""
    rows = [(seen.key, seen.stamp, value) for seen, value in found]
    if memo is None or not rows:
        return
    with suppress(OSError):
        memo.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(_connect(memo, table)) as connection, connection:
            connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)
    except sqlite3.Error as error:
        _drop_if_broken(memo, error)


def _select(connection: sqlite3.Connection, table: Table, keys: Sequence[bytes]) -> Iterator[tuple[bytes, str, str]]:
    for first in range(0, len(keys), _QUERY_SIZE):
        some = keys[first : first + _QUERY_SIZE]
        marks = ",".join("?" * len(some))
        query = f"SELECT path, stamp, {_COLUMNS[table]} FROM {table} WHERE path IN ({marks})"
        yield from connection.execute(query, some)


def _connect(memo: Path, table: Table) -> sqlite3.Connection:
    connection = sqlite3.connect(memo, timeout=_TIMEOUT_S)
    columns = f"(path BLOB PRIMARY KEY, stamp TEXT NOT NULL, {_COLUMNS[table]} TEXT NOT NULL)"
    try:
        connection.execute("PRAGMA synchronous=OFF")  # it may be lost in a power cut, and nobody waits for the disk
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} {columns}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _drop_if_broken(memo: Path, error: sqlite3.Error) -> None:
    """Remove a memo that is no database any more; one that is only locked or not writable stays."""
    if not isinstance(error, sqlite3.OperationalError) or "no such column" in str(error):
        with suppress(OSError):
            memo.unlink(missing_ok=True)
