"""One part of an embedding store: an Arrow IPC file named by the hash of its own bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from noss._index import ID
from noss.errors import StoreError


@dataclass(frozen=True)
class Part:
    """A file of rows, and what is kept of it in memory; its identities and durations are read when they are asked for."""

    path: Path
    num_rows: int
    seconds: float
    audio_s: float
    device: str


def read(path: Path) -> tuple[Part, NDArray[np.bytes_]]:
    """A part and the identities (N,) of its rows, without a look at its checksum."""
    table = read_table(path)
    facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    part = Part(
        path=path,
        num_rows=table.num_rows,
        seconds=float(facts["seconds"]),
        audio_s=float(facts["audio_s"]),
        device=facts["device"],
    )
    return part, np.frombuffer(table["id"].chunk(0).buffers()[1], dtype=ID, count=table.num_rows).copy()


def durations_s(path: Path) -> NDArray[np.float64]:
    """Seconds (N,) of audio behind each of a part's rows, memory-mapped."""
    durations_N: NDArray[np.float64] = read_table(path)["duration_s"].chunk(0).to_numpy()
    return durations_N


def embeddings(path: Path, layers: int, dim: int) -> NDArray[np.float32]:
    """A part's rows (N, L, D), memory-mapped."""
    values = read_table(path)["embedding"].chunk(0).values
    rows_NLD: NDArray[np.float32] = values.to_numpy(zero_copy_only=True).reshape(-1, layers, dim)
    return rows_NLD


def read_table(path: Path) -> pa.Table:
    """The rows of a part, memory-mapped.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            return reader.read_all()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error}; open the store again") from error


def serialise(
    ids: Sequence[str], embeddings_NLD: NDArray[np.float32], durations_s: Sequence[float], facts: Mapping[str, str]
) -> pa.Buffer:
    """The bytes of a part that holds embeddings (N, L, D)."""
    size = embeddings_NLD.shape[1] * embeddings_NLD.shape[2]
    values = pa.array(np.ascontiguousarray(embeddings_NLD, dtype=np.float32).reshape(-1))
    columns = {
        "id": pa.Array.from_buffers(pa.binary(16), len(ids), [None, pa.py_buffer(to_bytes(ids).tobytes())]),
        "duration_s": pa.array(durations_s, type=pa.float64()),
        "embedding": pa.FixedSizeListArray.from_arrays(values, size),
    }
    table = pa.table(columns).replace_schema_metadata(facts)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def to_bytes(ids: Sequence[str]) -> NDArray[np.bytes_]:
    """Identities as an array (N,) of 16 bytes each, which sorts and searches fast."""
    return np.frombuffer(bytes.fromhex("".join(ids)), dtype=ID)


def to_hex(ids_N: NDArray[np.bytes_]) -> list[str]:
    """The opposite of `to_bytes`."""
    digits = ids_N.tobytes().hex()
    return [digits[first : first + 32] for first in range(0, len(digits), 32)]
