"""One part of a store of frames: an Arrow IPC file named by the hash of its own bytes.

A row is the frames of one window of a clip, or the end of a clip, which says how many windows it has. Rows of a clip may
stand in several parts, so that a part is small however long the clip; a clip is there when its end and all windows are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from noss import _mirror, _parts, runs
from noss._index import ID

END = -1


@dataclass(frozen=True, kw_only=True)
class Row:
    """The frames (S, L, D) of window `place` of a clip, which starts and lasts so many seconds; or the end of the clip.

    Where `place` is `END` there are no frames, and `count` is the number of windows.
    """

    id: str
    place: int
    start_s: float
    duration_s: float
    frames_SLD: NDArray[np.float32]
    count: int = 0


@dataclass(frozen=True)
class FramePart:
    """A file of rows, and what is kept of it in memory, an entry a row."""

    path: Path
    ids: NDArray[np.bytes_]
    places: NDArray[np.int32]
    counts: NDArray[np.int32]
    starts_s: NDArray[np.float64]
    durations_s: NDArray[np.float64]
    edges: NDArray[np.int64]
    seconds: float
    audio_s: float
    device: str

    def values(self) -> NDArray[np.float32]:
        """The frames of all rows (F,), one after the other, memory-mapped."""
        flat: NDArray[np.float32] = _parts.read_table(self.path)["frames"].chunk(0).values.to_numpy(zero_copy_only=True)
        return flat


def write(folder: Path, rows: Sequence[Row], *, seconds: float, audio_s: float, device: str) -> Path:
    """Write rows as one part, whole or not at all.

    Raises:
        StoreError: The disk is full, or the folder cannot be written.
    """
    content = _serialise(rows, {"seconds": repr(seconds), "audio_s": repr(audio_s), "device": device})
    path = folder / f"part-{hashlib.sha256(content).hexdigest()[:32]}.arrow"
    with runs.replacing(path) as temporary:
        temporary.write_bytes(content)
    _mirror.send(path)
    return path


def read(path: Path) -> FramePart:
    """A part, without a look at its checksum."""
    table = _parts.read_table(path)
    facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    return FramePart(
        path=path,
        ids=np.frombuffer(table["id"].chunk(0).buffers()[1], dtype=ID, count=table.num_rows).copy(),
        places=table["place"].to_numpy().copy(),
        counts=table["count"].to_numpy().copy(),
        starts_s=table["start_s"].to_numpy().copy(),
        durations_s=table["duration_s"].to_numpy().copy(),
        edges=table["frames"].chunk(0).offsets.to_numpy().copy(),
        seconds=float(facts["seconds"]),
        audio_s=float(facts["audio_s"]),
        device=facts["device"],
    )


def _serialise(rows: Sequence[Row], facts: Mapping[str, str]) -> pa.Buffer:
    flat = [np.ascontiguousarray(row.frames_SLD, dtype=np.float32).reshape(-1) for row in rows]
    edges = np.cumsum([0, *map(len, flat)])
    columns = {
        "id": pa.Array.from_buffers(
            pa.binary(16), len(rows), [None, pa.py_buffer(_parts.to_bytes([row.id for row in rows]).tobytes())]
        ),
        "place": pa.array([row.place for row in rows], pa.int32()),
        "count": pa.array([row.count for row in rows], pa.int32()),
        "start_s": pa.array([row.start_s for row in rows], pa.float64()),
        "duration_s": pa.array([row.duration_s for row in rows], pa.float64()),
        "frames": pa.LargeListArray.from_arrays(pa.array(edges, pa.int64()), pa.array(np.concatenate(flat))),
    }
    table = pa.table(columns).replace_schema_metadata(facts)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()
