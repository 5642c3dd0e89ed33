"""Embeddings made elsewhere: `vectors/FILE.parquet` (file, start, end, embedding), or `vectors/FILE.npy` with a table.

Rows are joined to clips by file and segment, never by order. Files are relative to the table's folder, or absolute;
start and end are seconds or durations, an end that is null (or NaT) is the end of the file. Beside `FILE.npy`, of shape
(N, D), lies `FILE.csv` with the columns `file,start,end`, a line a row. `noss embed ... --out FILE.parquet` writes such
a file. No model runs: the file's hash stands for the model.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models import Card
from noss.models._files import existing, megabytes
from noss.models._vectors import Key, Segment, keyed, read, read_dim, segment


def card(choice: str) -> Card:
    """The facts of a file of vectors: its dimension and where it lies.

    Raises:
        ModelError: The file is missing, or is not such a table.
    """
    paths = _paths(choice)
    return Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=read_dim(paths),
        source=str(paths[0]),
        licence="unknown",
        weights=";".join(str(path) for path in paths),
        window_s=None,
        size_mb=megabytes(*paths),
        notes="Vectors made elsewhere, joined by file and segment; no audio is read.",
    )


def lookup(choice: str, keys: Sequence[Key]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The vectors (N, D) of clips given as (file, start_s, end_s), and whether each is there (N,); zeros where not.

    Raises:
        ModelError: The file is not such a table, lists a segment twice, or holds a vector that is not finite.
    """
    paths = _paths(choice)
    rows, vectors_ND = _read(tuple(paths), tuple(map(_stamp, paths)))
    wanted = [rows.get(segment(*key), -1) for key in keys]
    found_N = np.array([row >= 0 for row in wanted], dtype=np.bool_)
    picked_ND = np.zeros((len(keys), vectors_ND.shape[1]), dtype=np.float32)
    picked_ND[found_N] = vectors_ND[[row for row in wanted if row >= 0]]
    if bad := np.flatnonzero(~np.isfinite(picked_ND).all(axis=1)).tolist():
        raise ModelError(
            f"{paths[0]} holds a vector that is not finite, for {keys[bad[0]][0]}: make that embedding anew"
        )
    return picked_ND, found_N


@functools.lru_cache(maxsize=1)
def _read(paths: tuple[Path, ...], _stamps: tuple[object, ...]) -> tuple[dict[Segment, int], NDArray[np.float32]]:
    """The row of every segment and the vectors (N, D); read once for all blocks of a table, and anew where a file changes."""
    segments, vectors_ND = read(list(paths))
    return keyed(segments, folder=paths[-1].parent, name=str(paths[-1])), vectors_ND


def _stamp(path: Path) -> object:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def _paths(choice: str) -> list[Path]:
    path = existing(choice or ".", needed_by=f"vectors/{choice}")
    if path.suffix not in {".parquet", ".npy"}:
        raise ModelError(
            f"vectors/{choice} is neither .parquet nor .npy: give a Parquet of file,start,end,embedding, or an .npy beside a .csv"
        )
    return (
        [path]
        if path.suffix == ".parquet"
        else [path, existing(path.with_suffix(".csv"), needed_by=f"vectors/{choice}")]
    )
