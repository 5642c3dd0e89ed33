"""Who a clip is: the hash of its file's bytes and its segment, never its path or its row.

Hashes are remembered by path, size and times in a small SQLite file, so that a second run reads no audio. The memo is
only a memo: a lost, locked or broken one costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from noss.errors import Failure

if TYPE_CHECKING:
    from noss.datasets import Clip

_TABLE = "CREATE TABLE IF NOT EXISTS files (path BLOB PRIMARY KEY, stamp TEXT NOT NULL, sha256 TEXT NOT NULL)"
_QUERY_SIZE = 500
_BLOCK = 4096  # files looked at together: memory does not grow with their number
_TIMEOUT_S = 5.0
_SETTLED_NS = 50_000_000  # kernels stamp files with a coarse clock: a file may change twice within one tick


@dataclass(frozen=True)
class _Seen:
    """A file as the file system shows it: its key in the memo, and a stamp that changes when the file does."""

    key: bytes
    stamp: str
    settled: bool


def digests(paths: Sequence[Path], *, memo: Path | None) -> list[str | OSError]:
    """The SHA-256 of each file in hex, or the error that kept it from being read.

    Args:
        paths: Files; the same one may come twice.
        memo: SQLite file that remembers hashes between runs; None hashes every file anew.
    """
    answers: dict[str, str | OSError] = dict.fromkeys(map(str, paths), "")
    unique = list(answers)
    with ThreadPoolExecutor(max_workers=min(16, 2 * (os.cpu_count() or 1))) as pool:
        for first in range(0, len(unique), _BLOCK):
            answers.update(_some_digests(unique[first : first + _BLOCK], memo, pool))
    return [answers[str(path)] for path in paths]


def clip_ids(clips: Sequence[Clip], *, cache: Path) -> list[str | Failure]:
    """The identity of each clip, 32 hex digits, or why its file cannot be read.

    A clip that is a whole file is known by the file's hash; a segment by the hash of that, its start and its end.
    """
    ids: list[str | Failure] = []
    for first in range(0, len(clips), _BLOCK):
        some = clips[first : first + _BLOCK]
        found = digests([clip.path for clip in some], memo=cache / "files.sqlite")
        ids += map(_identity, some, found)
    return ids


def _identity(clip: Clip, digest: str | OSError) -> str | Failure:
    if isinstance(digest, OSError):
        reason = f"cannot be read: {digest.strerror or digest}"
        return Failure(file=str(clip.path), start_s=clip.start_s, end_s=clip.end_s, stage="read", reason=reason)
    if clip.start_s == 0 and clip.end_s is None:
        return digest[:32]
    end = "" if clip.end_s is None else round(clip.end_s * 1e9)
    return hashlib.sha256(f"{digest}:{round(clip.start_s * 1e9)}:{end}".encode()).hexdigest()[:32]


def _some_digests(paths: Sequence[str], memo: Path | None, pool: ThreadPoolExecutor) -> dict[str, str | OSError]:
    seen = {path: _look(path) for path in paths}
    known = _recall(memo, [look for look in seen.values() if isinstance(look, _Seen)])
    answers = {path: known.get(look.key, "") if isinstance(look, _Seen) else look for path, look in seen.items()}
    unknown = [path for path, answer in answers.items() if answer == ""]
    hashed = dict(zip(unknown, pool.map(_hash, unknown), strict=True))
    _remember(memo, _settled(seen, hashed))
    return answers | hashed


def _look(path: str) -> _Seen | OSError:
    try:
        status = os.stat(path)  # noqa: PTH116 - text: a Path that is hashed or split keeps several times its own size
    except OSError as error:
        return error
    stamp = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    settled = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED_NS
    return _Seen(os.fsencode(os.path.abspath(path)), stamp, settled)  # noqa: PTH100


def _hash(path: str) -> str | OSError:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error


def _settled(seen: Mapping[str, _Seen | OSError], hashed: Mapping[str, str | OSError]) -> Iterator[tuple[_Seen, str]]:
    """What is safe to remember: files that did not change while they were hashed, nor just before."""
    for path, digest in hashed.items():
        look = seen[path]
        if isinstance(look, _Seen) and isinstance(digest, str) and look.settled and _look(path) == look:
            yield look, digest


def _recall(memo: Path | None, looks: Sequence[_Seen]) -> dict[bytes, str]:
    stamps = {look.key: look.stamp for look in looks}
    known: dict[bytes, str] = {}
    if memo is not None and memo.is_file():
        try:
            with closing(_connect(memo)) as connection:
                rows = _select(connection, list(stamps))
                known.update((key, digest) for key, stamp, digest in rows if stamps[key] == stamp)
        except sqlite3.Error as error:
            _drop_if_broken(memo, error)
            known.clear()
    return known


def _select(connection: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[tuple[bytes, str, str]]:
    for first in range(0, len(keys), _QUERY_SIZE):
        some = keys[first : first + _QUERY_SIZE]
        marks = ",".join("?" * len(some))
        yield from connection.execute(f"SELECT path, stamp, sha256 FROM files WHERE path IN ({marks})", some)


def _remember(memo: Path | None, found: Iterable[tuple[_Seen, str]]) -> None:
    rows = [(look.key, look.stamp, digest) for look, digest in found]
    if memo is None or not rows:
        return
    with suppress(OSError):
        memo.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(_connect(memo)) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", rows)
    except sqlite3.Error as error:
        _drop_if_broken(memo, error)


def _connect(memo: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(memo, timeout=_TIMEOUT_S)
    try:
        connection.execute("PRAGMA synchronous=OFF")  # it may be lost in a power cut, and nobody waits for the disk
        connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _drop_if_broken(memo: Path, error: sqlite3.Error) -> None:
    """Remove a memo that is no database any more; one that is only locked or not writable stays."""
    if not isinstance(error, sqlite3.OperationalError) or "no such column" in str(error):
        with suppress(OSError):
            memo.unlink(missing_ok=True)
