"""Frames as a table with audformat's index: file, start, end, a row a frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import DataError
from noss.frame_store import FrameStore, Window
from noss.runs import replacing

_ROWS = 2048


def check_frames_suffix(out: Path) -> None:
    """Make sure that frames can be written under this name.

    Raises:
        DataError: It has another suffix than `.parquet`.
    """
    if out.suffix.lower() != ".parquet":
        raise DataError(f"cannot write frames as {out.name}: give --out a name that ends in .parquet")


def write_frames(out: Path, clips: Sequence[tuple[Clip, str]], store: FrameStore, *, frame_rate: float) -> int:
    """Write one row a frame: file, start, end and its vector, all L layers in a row; give how many there are.

    Frame number s of a window starts s / frame_rate after the window does, and lasts until the next one. A model that
    gives one vector a window (a frame rate of 0) has rows as long as windows. Never more than a few thousand rows are in
    memory.

    Args:
        out: A `.parquet` file.
        clips: Whose frames, with their identities.
        store: Where they are.
        frame_rate: Frames a second, by the model's card.
    """
    value = pa.list_(pa.float32(), store.layers * store.dim)
    schema = pa.schema(
        [("file", pa.string()), ("start", pa.duration("ns")), ("end", pa.duration("ns")), ("embedding", value)],
        metadata={"L": str(store.layers), "D": str(store.dim), "frame_rate": repr(frame_rate)},
    )
    num_frames = 0
    with replacing(out) as temporary, pyarrow.parquet.ParquetWriter(temporary, schema, compression="none") as writer:
        for table in _gathered(_tables(clips, store, schema, frame_rate), schema):
            writer.write_table(table, row_group_size=_ROWS)
            num_frames += table.num_rows
    return num_frames


def _tables(
    clips: Sequence[tuple[Clip, str]], store: FrameStore, schema: pa.Schema, frame_rate: float
) -> Iterator[pa.Table]:
    for clip, name in clips:
        for window in store.windows(name):
            size, starts_S, ends_S = len(window.frames_SLD), *_times(clip, window, frame_rate)
            values = pa.array(np.ascontiguousarray(window.frames_SLD).reshape(-1))
            columns = [
                pa.array([str(clip.path)] * size, pa.string()),
                pa.array(starts_S, pa.duration("ns")),
                pa.array(ends_S, pa.duration("ns")),
                pa.FixedSizeListArray.from_arrays(values, schema.field("embedding").type.list_size),
            ]
            yield pa.table(columns, schema=schema)


def _times(clip: Clip, window: Window, frame_rate: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where frames start and end (S,), in nanoseconds from the start of the file."""
    number_S = np.arange(len(window.frames_SLD))
    step_s = 1.0 / frame_rate if frame_rate else window.duration_s
    starts_S = clip.start_s + window.start_s + number_S * step_s
    return np.round(starts_S * 1e9).astype(np.int64), np.round((starts_S + step_s) * 1e9).astype(np.int64)


def _gathered(tables: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    """Tables of a few thousand rows: short clips share one."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(one.num_rows for one in held) >= _ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)
