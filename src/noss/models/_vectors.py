"""Reading tables of vectors made elsewhere, and the key that joins a row to a clip."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from noss.errors import ModelError

Key = tuple[Path, float, float | None]
Segment = tuple[str, int, int | None]
TICKS = 10_000
DURATION = re.compile(r"(?:(?P<days>\d+) days? ?)?(?:(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?))?")


def segment(path: Path, start_s: float, end_s: float | None) -> Segment:
    """What two mentions of one segment have in common: the absolute file, and times to a tenth of a millisecond."""
    return os.path.normpath(path.absolute()), round(start_s * TICKS), None if end_s is None else round(end_s * TICKS)


def read_dim(paths: list[Path]) -> int:
    """The dimension D of a file of vectors, without reading them where the file says it."""
    if paths[0].suffix == ".npy":
        return int(_array(paths[0]).shape[1])
    kind = _schema(paths[0]).field("embedding").type
    return int(kind.list_size) if pa.types.is_fixed_size_list(kind) else int(read(paths)[1].shape[1])


def read(paths: list[Path]) -> tuple[pa.Table, NDArray[np.float32]]:
    """The table of segments and the vectors (N, D), row by row the same."""
    if paths[0].suffix == ".parquet":
        _schema(paths[0])
        table = pq.read_table(paths[0], columns=["file", "start", "end", "embedding"])
        return table, _stacked(table["embedding"], paths[0])
    table, vectors_ND = _csv(paths[1]), _array(paths[0])
    if len(table) != len(vectors_ND):
        raise ModelError(
            f"{paths[0]} holds {len(vectors_ND)} rows and {paths[1]} {len(table)}: they must match, line by line"
        )
    return table, np.asarray(vectors_ND, dtype=np.float32)


def keyed(table: pa.Table, *, folder: Path, name: str) -> dict[Segment, int]:
    """The row of every segment; relative files lie below the table's folder."""
    files = [folder / file for file in table["file"].to_pylist()]
    starts, ends = (_seconds(table[column], name=f"{name}, column {column}") for column in ("start", "end"))
    rows = [segment(file, start or 0.0, end) for file, start, end in zip(files, starts, ends, strict=True)]
    found = dict(zip(rows, range(len(rows)), strict=True))
    if len(found) < len(rows):
        twice = next(row for place, row in enumerate(rows) if found[row] != place)
        raise ModelError(f"{name} lists {twice[0]} twice with the same start and end: keep one row a segment")
    return found


def _schema(path: Path) -> pa.Schema:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ModelError(
            f"{path} is not a Parquet file ({str(error).splitlines()[0]}): write file,start,end,embedding as Parquet"
        ) from error
    _complete(schema.names, ("file", "start", "end", "embedding"), path)
    return schema


def _csv(path: Path) -> pa.Table:
    try:
        text = pcsv.ConvertOptions(
            column_types={"file": pa.string(), "start": pa.string(), "end": pa.string()}, strings_can_be_null=True
        )
        table = pcsv.read_csv(path, convert_options=text)
    except pa.ArrowInvalid as error:
        raise ModelError(
            f"{path} is not a table ({str(error).splitlines()[0]}): write CSV with the columns file,start,end"
        ) from error
    _complete(table.column_names, ("file", "start", "end"), path)
    return table


def _complete(columns: list[str], needed: tuple[str, ...], path: Path) -> None:
    if missing := [name for name in needed if name not in columns]:
        raise ModelError(
            f"{path} lacks the column {missing[0]!r} (it has {', '.join(columns)}): it must have {', '.join(needed)}"
        )


def _array(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise ModelError(f"{path} is not a plain .npy array ({error}): save it with numpy.save as float32") from error
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        raise ModelError(f"{path} holds {array.dtype} of shape {array.shape}: it must be floats of shape (N, D)")
    vectors_ND: NDArray[Any] = array
    return vectors_ND


def _stacked(column: pa.ChunkedArray, path: Path) -> NDArray[np.float32]:
    lists = column.combine_chunks()
    lengths = pc.unique(pc.list_value_length(lists)).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        raise ModelError(f"{path} has embeddings of lengths {lengths}: every row must have one of the same length")
    return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype=np.float32).reshape(-1, lengths[0])


def _seconds(column: pa.ChunkedArray, *, name: str) -> list[float | None]:
    """Times in seconds; None where there is none."""
    if pa.types.is_duration(column.type):
        nanoseconds = column.cast(pa.duration("ns")).cast(pa.int64()).to_pylist()
        return [None if value is None else value / 1e9 for value in nanoseconds]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [_parsed(value, name=name) for value in column.to_pylist()]
    return [None if value is None or value != value else float(value) for value in column.to_pylist()]


def _parsed(text: str | None, *, name: str) -> float | None:
    """Seconds of `1.5`, `0 days 00:00:01.500000` or `00:00:01.5`; None for an empty cell or `NaT`."""
    if text is None or text in {"", "NaT", "nan", "None", "null"}:
        return None
    if re.fullmatch(r"\d+(\.\d+)?(e-?\d+)?", text):
        return float(text)
    found = DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ModelError(f"{name} holds {text!r}: it must be seconds (1.5) or a duration (0 days 00:00:01.5)")
    days, hours, minutes, seconds = (float(found[unit] or 0) for unit in ("days", "hours", "minutes", "seconds"))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
