"""Audio that lies in archives, copied once into a folder of the cache: a table, its files, and what the source says.

A folder is whole or not there: it is filled under another name and renamed, by one process at a time. Its name holds
a stamp of the source, so that a changed source gives another folder.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from noss.datasets import Clip, Dataset, _rows
from noss.datasets._copy import Copy
from noss.datasets._table import Table, read
from noss.errors import DataError

try:
    import fcntl
except ImportError:  # where there is none, two processes may copy at once, and the first to finish wins
    fcntl = None  # type: ignore[assignment]

_FORMAT = 1  # of the folders: another number makes every copy anew


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a copy comes from.

    Attributes:
        part: The wrapper's name.
        choice: What is copied, in the words that stand behind the wrapper's name.
        stamp: Plain facts that change when the source does.
        num_bytes: About how much disk the copy takes; None where nobody knows.
    """

    part: str
    choice: str
    stamp: Any
    num_bytes: int | None = None


def prepared(origin: Origin, cache: Path, fill: Callable[[Copy], None]) -> Path:
    """The folder that holds the copy, made first where it is not there.

    Raises:
        DataError: The disk is too small or cannot be written, or `fill` found something wrong.
    """
    shelf = cache / "datasets"
    folder = shelf / f"{_prefix(origin)}{_digest([_FORMAT, origin.stamp])}"
    if _is_whole(folder):
        return folder
    try:
        with _alone(folder):
            if not _is_whole(folder):
                _make(folder, origin, fill)
    except OSError as error:
        raise _no_disk(error, origin, shelf) from error
    return folder


def newest(origin: Origin, cache: Path) -> Path | None:
    """The copy of the same choice that was made last, whatever the source is now; None where there is none."""
    found = [folder for folder in (cache / "datasets").glob(f"{_prefix(origin)}*") if _is_whole(folder)]
    return max(found, key=lambda folder: folder.stat().st_mtime_ns, default=None)


def files_stamp(files: list[Path]) -> tuple[list[Any], int]:
    """What changes when one of some files does, and how many bytes they hold.

    Raises:
        DataError: One of them cannot be looked at.
    """
    try:
        looks = [
            (str(file.absolute()), status.st_size, status.st_mtime_ns) for file in files for status in [file.stat()]
        ]
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}; give a file that can be read") from error
    return list(looks), sum(size for _, size, _ in looks)


def describe(folder: Path) -> Dataset:
    """The facts of a copy: what the source says about itself, and what its table shows."""
    table, about = _table(folder)
    card = _rows.describe(table)
    notes = (note for note in card.notes if not note.startswith("The column seconds "))  # our own, not the source's
    stated = {fact: about[fact] for fact in ("title", "source", "licence", "citation") if about.get(fact)}
    return replace(card, **stated, notes=(*about["notes"], *notes))


def clips(folder: Path) -> Iterator[Clip]:
    """Every clip of a copy, in the source's order."""
    return _rows.clips(_table(folder)[0])


def _table(folder: Path) -> tuple[Table, dict[str, Any]]:
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    declared = {name: tuple(classes) if classes is not None else None for name, classes in about["classes"].items()}
    return replace(read(folder / "clips.csv"), declared=declared), about


def _prefix(origin: Origin) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", origin.choice).strip("_")[-40:]
    return f"{origin.part}-{plain}-{_digest(origin.choice)[:6]}-"


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _is_whole(folder: Path) -> bool:
    return (folder / "clips.csv").is_file() and (folder / "about.json").is_file()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While this lasts no other process fills the folder; what a killed one left behind is gone."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for left in folder.parent.glob(f".{folder.name}.*.tmp"):
                shutil.rmtree(left, ignore_errors=True)
        yield


def _make(folder: Path, origin: Origin, fill: Callable[[Copy], None]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        copy = Copy(temporary, name=f"{origin.part}/{origin.choice}")
        copy.expect(origin.num_bytes or 0)
        fill(copy)
        columns, rows, about = copy.finished()
        with (temporary / "clips.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
        (temporary / "about.json").write_text(json.dumps(about, indent=2, ensure_ascii=False), encoding="utf-8")
        temporary.chmod(0o777 & ~_umask())
        shutil.rmtree(folder, ignore_errors=True)  # of which somebody removed a part
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _no_disk(error: OSError, origin: Origin, shelf: Path) -> DataError:
    what = f"cannot copy {origin.part}/{origin.choice} to {shelf}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(f"{what}: the disk is full; free some space, or set NOSS_CACHE to a folder on a larger disk")
    at = f" ({error.filename})" if error.filename else ""
    return DataError(f"{what}: {error.strerror or error}{at}; see that both can be read and written")
