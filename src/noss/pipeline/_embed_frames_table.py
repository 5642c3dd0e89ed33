"""Frames as a table with audformat's index: file, start, end, a row a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import DataError
from noss.frame_store import FrameStore, Window
from noss.pipeline._embed_table import check_suffix, csv_schema, parquet_schema, table_columns, table_writer
from noss.runs import replacing

_ROWS = 2048


def check_rows(out: Path, *, frames: bool, per_window: bool, sizes: tuple[float | None, float | None]) -> None:
    """Make sure that what is asked for can be written under this name, and is one thing.

    Args:
        out: The table.
        frames: Whether rows are frames.
        per_window: Whether they are windows.
        sizes: Length of a window and hop, None where they are not given.

    Raises:
        DataError: Frames and windows together, lengths without windows, or a suffix that is not known; frames go into
            `.parquet` only.
    """
    if frames and per_window:
        raise DataError("--frames and --per-window are two kinds of rows: give one of them")
    if not per_window and sizes != (None, None):
        raise DataError("--window-s and --hop-s are lengths of windows: give --per-window with them")
    if not frames:
        check_suffix(out)
    elif out.suffix.lower() != ".parquet":
        raise DataError(f"cannot write frames as {out.name}: give --out a name that ends in .parquet")


def write_frames(out: Path, clips: Iterable[tuple[Clip, str]], store: FrameStore, *, frame_rate: float) -> int:
    """Write one row a frame: file, start, end and its vector, all L layers in a row; give how many there are.

    Frame number s of a window starts s / frame_rate after the window does, and lasts until the next one. A model that
    gives one vector a window (a frame rate of 0) has rows as long as windows. Never more than a few thousand rows are in
    memory.

    Args:
        out: A `.parquet` file, or a `.csv` file.
        clips: Whose frames, with their identities.
        store: Where they are.
        frame_rate: Frames a second, by the model's card.
    """
    as_csv, num_frames = out.suffix.lower() == ".csv", 0
    schema = csv_schema(store) if as_csv else parquet_schema(store, frame_rate=repr(frame_rate))
    with replacing(out) as temporary, table_writer(temporary, schema, as_csv=as_csv) as writer:
        for table in _gathered(_tables(clips, store, schema, frame_rate, as_csv=as_csv)):
            writer.write_table(table, _ROWS)
            num_frames += table.num_rows
    return num_frames


def _tables(
    clips: Iterable[tuple[Clip, str]], store: FrameStore, schema: pa.Schema, frame_rate: float, *, as_csv: bool
) -> Iterator[pa.Table]:
    for clip, name in clips:
        for window in store.windows(name):
            size, starts_S, ends_S = len(window.frames_SLD), *_times(clip, window, frame_rate)
            flat_SE = np.ascontiguousarray(window.frames_SLD).reshape(size, -1)
            files = pa.array([str(clip.path)] * size, pa.string())
            yield pa.table(table_columns(files, starts_S, ends_S, flat_SE, as_csv=as_csv), schema=schema)


def _times(clip: Clip, window: Window, frame_rate: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where frames start and end (S,), in nanoseconds from the start of the file."""
    number_S = np.arange(len(window.frames_SLD))
    step_s = 1.0 / frame_rate if frame_rate else window.duration_s
    starts_S = clip.start_s + window.start_s + number_S * step_s
    return np.round(starts_S * 1e9).astype(np.int64), np.round((starts_S + step_s) * 1e9).astype(np.int64)


def _gathered(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables of a few thousand rows: short clips share one."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(one.num_rows for one in held) >= _ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)
