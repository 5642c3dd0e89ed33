"""What came of a batch: rows of clips, pieces of long ones, and what was lost."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError, NossError
from noss.pipeline._embed_plan import Job, Lost
from noss.pipeline._embed_pooling import Windows


@dataclass(frozen=True)
class Part:
    """What came of one piece of a clip: its windows, added up, or why it was lost."""

    job: Job
    windows: Windows
    lost: Lost | None = None


@dataclass(frozen=True)
class Done:
    """A batch's rows: places (N,), embeddings (N, L, D), seconds of audio (N,); what was lost; the time it took.

    `parts` are pieces of long clips, whose rows are made when all of them are there.
    """

    places: list[int]
    embeddings_NLD: NDArray[np.float32]
    durations_s: list[float]
    lost: list[Lost]
    seconds: float
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True)
class Broken:
    """The model cannot go on with any clip: why, in one line, and the kind of error that it is."""

    reason: str
    kind: type[NossError] = ModelError


def row_of(place: int, windows: Windows, lost: Lost | None) -> NDArray[np.float32] | Lost:
    """A clip's embedding (L, D) from its windows, or why there is none."""
    row_LD = windows.pooled()
    if lost is not None or row_LD is None:
        return lost or Lost(place, "read", "holds no audio: give a clip with at least one sample")
    return row_LD if np.isfinite(row_LD).all() else Lost(place, "embed", "the model returned NaN or infinity")


def died(job: Job, reason: str) -> Done:
    """What came of a batch of one job whose worker died over it."""
    nothing_NLD, lost = np.empty((0, 1, 1), np.float32), Lost(job.place, "embed", reason)
    if job.piece is None:
        return Done([], nothing_NLD, [], [lost], 0.0)
    return Done([], nothing_NLD, [], [], 0.0, [Part(job, Windows(), lost)])
