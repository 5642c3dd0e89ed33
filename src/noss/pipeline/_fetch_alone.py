"""A folder that is being fetched into belongs to one process at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from noss.errors import DataError
from noss.pipeline._fetch_file import WORKSHOP
from noss.pipeline._fetch_manifest import NAME


@contextmanager
def alone(root: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """The folder, made and to ourselves: a lock of SQLite goes with its process, even one that is killed.

    Args:
        root: The folder; what stands in it already must come from an earlier call.
        wait_s: How long to wait for another process that is at work in it.

    Raises:
        DataError: It holds other things, or another process is at work in it.
    """
    workshop = root / WORKSHOP
    if root.is_dir() and not workshop.is_dir() and not (root / NAME).exists() and any(root.iterdir()):
        raise DataError(f"{root} holds other things already: give an empty folder, so that nothing of yours is lost")
    workshop.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(workshop / "lock", timeout=wait_s, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise DataError(f"another noss fetch is at work in {root} ({error}): wait for it to end") from error
        yield
