"""What compression of a student gained and cost, as a page shows it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from noss.reports._training import Training

_KINDS: Final = {"low_rank": "thin matrices", "prune": "fewer outputs", "int8": "weights in int8"}


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A student in `compression.json`: its name, its bytes, its parameters, and what a second of sound costs it."""

    model: str
    bytes: int
    parameters: int
    ms_for_1_s: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How near the vectors of the same crops are before and after."""

    cosine: float
    least_cosine: float
    crops: int
    held_out: bool


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """What is read of `compression.json`: the kind, both students, the drift, and what was filled with zeros."""

    kind: str
    before: Weighed
    after: Weighed
    drift: Drift
    zeroed: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Smaller:
    """The student before and after: a table, a line on how far its vectors moved, the line that scores both."""

    kind: str
    heading: list[str]
    rows: list[list[str]]
    note: str
    command: str


def smaller(training: Training) -> Smaller | None:
    """What `compression.json` says; None without it."""
    found = training.compression
    if not found:
        return None
    rows = [
        [
            which,
            f"{found[which]['bytes'] / 1e6:.3f}",
            f"{found[which]['parameters']:,}",
            f"{found[which]['ms_for_1_s']:.2f}",
        ]
        for which in ("before", "after")
    ]
    drift = found["drift"]
    note = (
        f"Of {drift['crops']:,} {'held-out' if drift['held_out'] else 'training'} crops, vectors before and after agree with a cosine "
        f"of {drift['cosine']:.4f} on average and {drift['least_cosine']:.4f} at least."
    )
    if found.get("zeroed"):
        note += f" Filled with zeros, so neither smaller nor faster: {', '.join(found['zeroed'])}."
    names = ",".join(found[which]["model"] for which in ("before", "after"))
    return Smaller(
        kind=_KINDS.get(found["kind"], str(found["kind"])),
        heading=["Student", "MB", "Parameters", "ms for 1 s, one thread"],
        rows=rows,
        note=note,
        command=shlex.join(["noss", "run", "--models", names, "--tasks", "TASKS", "--out", "runs/smaller"]),
    )
