"""Tables that name what to embed, read a block of rows at a time: ten million rows take no more memory than one block.

The index is audformat's: `file`, and `start` and `end` (seconds, durations, or `0 days 00:00:01.5`; no end means the end
of the file), in any CSV or Parquet table; its other columns are not read. Paths are relative to the table's folder, or
absolute. A row that stands twice is embedded once and stays two rows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.datasets._table import seconds
from noss.errors import DataError
from noss.pipeline._manifest_file import batches, columns
from noss.places import is_address, path_of

ROWS = 250_000
_AT_ONCE = 4096
_NO_LABELS: Final[Mapping[str, str]] = {}
_ABSOLUTE = re.compile(r"([A-Za-z]:)?/|[a-z][a-z0-9]+://")


class Manifest:
    """The clips of a table, a few hundred thousand after the other; it may be gone through again.

    Args:
        path: The table.

    Raises:
        DataError: It cannot be read, or has no column `file`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns = columns(path)

    def __iter__(self) -> Iterator[Segments]:
        first = 0
        for table in self._tables():
            clips = _segments(table, _Rows(self._path, first))
            if not first and not any(is_address(clip.path) or clip.path.exists() for clip in clips):
                where = f"no file of the first {len(clips):,} rows of {self._path} is there (first: {clips[0].path})"
                raise DataError(f"{where}: paths are relative to the table's folder")
            first += len(clips)
            yield clips
        if not first:
            raise DataError(f"{self._path} has a header and no row: give one row a clip")

    def _tables(self) -> Iterator[pa.Table]:
        held, num_rows = list[pa.RecordBatch](), 0
        for batch in batches(self._path, self._columns, rows=ROWS):
            held.append(batch)
            num_rows += batch.num_rows
            if num_rows >= ROWS:
                yield pa.Table.from_batches(held)
                held, num_rows = [], 0
        if num_rows:
            yield pa.Table.from_batches(held)


@dataclass(frozen=True)
class _Rows:
    """Some rows of a table, and how many come before them."""

    path: Path
    first: int

    def error(self, row: int, message: str) -> DataError:
        return DataError(f"{self.path} row {self.first + row + 1}: {message}")


class Segments(Sequence[Clip]):
    """Clips that are made when they are looked at: a tenth of the memory, and none of a collector's work.

    Args:
        paths: The file of each.
        starts_N: Where each starts (N,), in seconds.
        ends_N: Where each ends (N,), NaN at the end of its file.
        are_remote: Whether some lie on an object store.
    """

    def __init__(
        self, paths: list[Path], starts_N: NDArray[np.float64], ends_N: NDArray[np.float64], *, are_remote: bool
    ) -> None:
        self._paths, self._starts_N, self._ends_N = paths, starts_N, ends_N
        self.are_remote = are_remote

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, place: int) -> Clip: ...
    @overload
    def __getitem__(self, place: slice) -> list[Clip]: ...
    def __getitem__(self, place: int | slice) -> Clip | list[Clip]:
        if isinstance(place, slice):
            return self._some(place)
        at = range(len(self))[place]
        return self._some(slice(at, at + 1))[0]

    def __iter__(self) -> Iterator[Clip]:
        for first in range(0, len(self), _AT_ONCE):
            yield from self._some(slice(first, first + _AT_ONCE))

    def _some(self, places: slice) -> list[Clip]:
        starts, ends = self._starts_N[places].tolist(), self._ends_N[places].tolist()
        return [
            Clip(path=path, labels=_NO_LABELS, start_s=start_s, end_s=None if math.isnan(end_s) else end_s)
            for path, start_s, end_s in zip(self._paths[places], starts, ends, strict=True)
        ]


def _segments(table: pa.Table, rows: _Rows) -> Segments:
    files = table["file"].to_pylist()
    starts_N, ends_N = np.nan_to_num(_times(table, "start", rows)), _times(table, "end", rows)
    if len(wrong := np.flatnonzero(ends_N <= starts_N)):
        row = int(wrong[0])
        raise rows.error(row, f"the end ({ends_N[row]:g} s) is not behind the start ({starts_N[row]:g} s)")
    paths = {file: _path(file, rows.path) for file in dict.fromkeys(files) if file and file.strip()}
    if len(paths) < len(set(files)):
        row = next(row for row, file in enumerate(files) if file not in paths)
        raise rows.error(row, "no file: give the path of its audio, relative to the table")
    are_remote = any(map(is_address, paths.values()))
    return Segments([paths[file] for file in files], starts_N, ends_N, are_remote=are_remote)


def _path(file: str, table: Path) -> Path:
    plain = file.strip().replace("\\", "/")
    return path_of(plain if _ABSOLUTE.match(plain) else f"{table.parent}/{plain}")


def _times(table: pa.Table, name: str, rows: _Rows) -> NDArray[np.float64]:
    """A column of times in seconds (N,), NaN where there is none."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    try:
        times_N = _numbers(table[name])
    except pa.ArrowNotImplementedError as error:
        raise DataError(f"{rows.path} has a column {name} of {table[name].type}: give seconds or durations") from error
    except pa.ArrowInvalid:
        times_N = np.array([_time(text, row, name, rows) for row, text in enumerate(table[name].to_pylist())])
    if len(wrong := np.flatnonzero((times_N < 0) | np.isinf(times_N))):
        raise rows.error(int(wrong[0]), _no_time(name, float(times_N[wrong[0]])))
    return times_N


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    if pa.types.is_duration(column.type):
        column = pc.divide(column.cast(pa.duration("ns")).cast(pa.int64()).cast(pa.float64(), safe=False), 1e9)
    elif pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), None, column)
    times_N: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return times_N


def _time(text: str | None, row: int, name: str, rows: _Rows) -> float:
    try:
        found = seconds((text or "").strip())
    except ValueError:
        raise rows.error(row, _no_time(name, text)) from None
    return np.nan if found is None else found


def _no_time(name: str, value: object) -> str:
    return f"{name} {value!r} is no time: give seconds from the start of the file"
