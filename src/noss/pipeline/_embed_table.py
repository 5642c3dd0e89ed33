"""Embeddings as a table with audformat's index: file, start, end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import DataError
from noss.runs import replacing

_ROWS = 2048  # small row groups are read several times faster than large ones
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


def write_table(
    out: Path, clips: Sequence[Clip], embeddings_NLD: NDArray[np.float32], durations_s: NDArray[np.float64]
) -> None:
    """Write one row a clip: file, start, end and its embedding, all L layers of (N, L, D) in a row.

    Args:
        out: A `.parquet` file (one list column), or a `.csv` file (one column a number).
        clips: Whose rows they are.
        embeddings_NLD: Their embeddings (N, L, D).
        durations_s: Seconds (N,) of audio behind each, from which `end` follows.
    """
    flat_NE = embeddings_NLD.reshape(len(clips), embeddings_NLD.shape[1] * embeddings_NLD.shape[2])
    starts_N = np.array([round(clip.start_s * 1e9) for clip in clips], dtype=np.int64)
    ends_N = starts_N + np.round(durations_s * 1e9).astype(np.int64)
    index = {"file": pa.array([str(clip.path) for clip in clips], pa.string())}
    if out.suffix.lower() == ".csv":
        index |= {"start": _seconds(starts_N), "end": _seconds(ends_N)}
        columns = {f"embedding_{column}": pa.array(values_N) for column, values_N in enumerate(flat_NE.T)}
        with replacing(out) as temporary:
            pyarrow.csv.write_csv(pa.table({**index, **columns}), temporary)
        return
    index |= {"start": pa.array(starts_N, pa.duration("ns")), "end": pa.array(ends_N, pa.duration("ns"))}
    values = pa.FixedSizeListArray.from_arrays(pa.array(flat_NE.reshape(-1)), flat_NE.shape[1])
    shape = {"L": str(embeddings_NLD.shape[1]), "D": str(embeddings_NLD.shape[2])}
    table = pa.table({**index, "embedding": values}).replace_schema_metadata(shape)
    with replacing(out) as temporary:
        pyarrow.parquet.write_table(table, temporary, row_group_size=_ROWS, compression="none")


def _seconds(times_N: NDArray[np.int64]) -> pa.Array:
    """Times as text that pandas and audformat read as durations: `0 days 00:00:01.500000`."""
    return pa.array([f"0 days {_clock(int(time))}" for time in times_N])


def _clock(time_ns: int) -> str:
    seconds, rest_ns = divmod(time_ns, 10**9)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest_ns:09d}"
