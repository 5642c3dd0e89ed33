"""Embeddings as a table with audformat's index: file, start, end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import DataError
from noss.frame_store import FrameStore
from noss.runs import replacing
from noss.store import Store

Rows = tuple[Sequence[Clip], Sequence[str]]

_ROWS = 2048  # small row groups are read several times faster than large ones
_BYTES = 128e6  # of embeddings in memory; few and large pieces open a part seldom
SUFFIXES = (".parquet", ".csv")


def check_suffix(out: Path) -> None:
    """Make sure that a table can be written under this name.

    Raises:
        DataError: It has another suffix than those known.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"cannot write embeddings as {out.name}: give --out a name that ends in {' or '.join(SUFFIXES)}"
        )


def write_table(out: Path, rows: Iterable[Rows], store: Store) -> int:
    """Write one row a clip: file, start, end and its embedding, all L layers in a row; give how many there are.

    Memory holds a piece of the table at a time.

    Args:
        out: A `.parquet` file (one list column), or a `.csv` file (one column a number).
        rows: Clips and their identities, in as many pieces as there may be.
        store: Where their embeddings are.
    """
    as_csv, num_rows = out.suffix.lower() == ".csv", 0
    schema = csv_schema(store) if as_csv else parquet_schema(store)
    with replacing(out) as temporary, table_writer(temporary, schema, as_csv=as_csv) as writer:
        for clips, ids in _pieces(rows, size=max(_ROWS, int(_BYTES / (4 * _size(store))))):
            table = pa.table(_columns(clips, ids, store, as_csv=as_csv), schema=schema)
            writer.write_table(table, _ROWS)
            num_rows += len(clips)
    return num_rows


def _columns(clips: Sequence[Clip], ids: Sequence[str], store: Store, *, as_csv: bool) -> list[pa.Array]:
    flat_NE = store.lookup(ids).reshape(len(ids), _size(store))
    starts_N = np.array([round(clip.start_s * 1e9) for clip in clips], dtype=np.int64)
    ends_N = starts_N + np.round(store.durations_s(ids) * 1e9).astype(np.int64)
    files = pa.array([str(clip.path) for clip in clips], pa.string())
    return table_columns(files, starts_N, ends_N, flat_NE, as_csv=as_csv)


def table_columns(
    files: pa.Array,
    starts_N: NDArray[np.int64],
    ends_N: NDArray[np.int64],
    flat_NE: NDArray[np.float32],
    *,
    as_csv: bool,
) -> list[pa.Array]:
    """The columns of a table: files, when each row starts and ends in nanoseconds (N,), and its numbers (N, E)."""
    if as_csv:
        return [files, _seconds(starts_N), _seconds(ends_N), *map(pa.array, flat_NE.T)]
    values = pa.FixedSizeListArray.from_arrays(pa.array(flat_NE.reshape(-1)), flat_NE.shape[1])
    return [files, pa.array(starts_N, pa.duration("ns")), pa.array(ends_N, pa.duration("ns")), values]


def _pieces(rows: Iterable[Rows], *, size: int) -> Iterator[Rows]:
    for clips, ids in rows:
        for first in range(0, len(clips), size):
            yield clips[first : first + size], ids[first : first + size]


def _size(store: Store | FrameStore) -> int:
    return store.layers * store.dim


def csv_schema(store: Store | FrameStore) -> pa.Schema:
    """The columns of a `.csv` file: a number each."""
    index = [(name, pa.string()) for name in ("file", "start", "end")]
    return pa.schema([*index, *((f"embedding_{column}", pa.float32()) for column in range(_size(store)))])


def parquet_schema(store: Store | FrameStore, **facts: str) -> pa.Schema:
    """The columns of a `.parquet` file, with L, D and other facts beside them."""
    times = [(name, pa.duration("ns")) for name in ("start", "end")]
    columns = [("file", pa.string()), *times, ("embedding", pa.list_(pa.float32(), _size(store)))]
    return pa.schema(columns, metadata={"L": str(store.layers), "D": str(store.dim), **facts})


def table_writer(path: Path, schema: pa.Schema, *, as_csv: bool) -> Any:
    """What writes tables of these columns, one after the other."""
    if as_csv:
        return pyarrow.csv.CSVWriter(path, schema)
    # Numbers hardly ever repeat: a dictionary of them is a third more bytes and takes several times as long.
    return pyarrow.parquet.ParquetWriter(path, schema, compression="none", use_dictionary=["file"])


def _seconds(times_N: NDArray[np.int64]) -> pa.Array:
    """Times as text that pandas and audformat read as durations: `0 days 00:00:01.500000`."""
    return pa.array([f"0 days {_clock(int(time))}" for time in times_N], pa.string())


def _clock(time_ns: int) -> str:
    seconds, rest_ns = divmod(time_ns, 10**9)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest_ns:09d}"
