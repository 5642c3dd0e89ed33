"""What crops are cut from: a file, or a member of a tar file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Span:
    """Where a member lies in a tar file.

    Attributes:
        shard: The tar file.
        offset: Its first byte.
        size: Its bytes.
        suffix: The suffix of its name, which says what it is.
    """

    shard: Path
    offset: int
    size: int
    suffix: str


@dataclass(frozen=True)
class Recording:
    """One clip to crop from.

    Attributes:
        number: Its number among all recordings of the run, held out or not.
        path: The file; of a member of a shard, `SHARD/MEMBER`.
        start_s: Where it starts in the file, in seconds.
        duration_s: How long it is, in seconds.
        label: Its class as a number; -1 for none.
        span: Where it lies in a shard; None for a file of its own.
    """

    number: int
    path: Path
    start_s: float
    duration_s: float
    label: int = -1
    span: Span | None = None
