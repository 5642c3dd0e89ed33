"""What is embedded in which order: clips of like length together, long ones first."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss import _remote_ids
from noss.audio import read
from noss.datasets import Clip
from noss.errors import AudioError
from noss.places import Place, path_of

WINDOWS = (128, 256, 512, 1024, 2048)  # the first ones are small: no worker starts before a window is measured
MAX_BATCH = 512


@dataclass(frozen=True)
class Piece:
    """Which of the pieces of a long clip: its number, how many there are, and its windows; None for all up to the end."""

    number: int
    count: int
    first_window: int
    num_windows: int | None


@dataclass(frozen=True)
class Job:
    """One clip to embed: its place in the list it came from, its segment, and what the header tells of its length.

    `seeks` says whether the file can be entered in the middle; a `piece` is what of the clip is to be done.
    """

    place: int
    path: Path
    start_s: float
    end_s: float | None
    duration_s: float = 0.0
    seeks: bool = True
    piece: Piece | None = None


class Jobs:
    """Jobs for the clips at some places, kept in a few flat arrays.

    A fork shares memory with its parent until either side touches it, and Python touches what it merely looks at: a
    run over the clips themselves would double them.

    Args:
        clips: All clips; not looked at any more once this is made.
        places_N: Which of them (N,) to embed.
    """

    def __init__(self, clips: Sequence[Clip], places_N: NDArray[np.int64]) -> None:
        paths = [os.fsencode(clips[place].path) for place in places_N]
        self._places_N = places_N
        self._starts_N = np.array([clips[place].start_s for place in places_N])
        self._ends_N = np.array([clips[place].end_s for place in places_N], dtype=np.float64)
        self._edges_N = np.cumsum([0, *map(len, paths)])
        self._paths = b"".join(paths)

    def __iter__(self) -> Iterator[Job]:
        for number, place in enumerate(self._places_N):
            first, last = self._edges_N[number : number + 2]
            end_s = None if np.isnan(self._ends_N[number]) else float(self._ends_N[number])
            yield Job(int(place), path_of(os.fsdecode(self._paths[first:last])), float(self._starts_N[number]), end_s)


@dataclass(frozen=True)
class Lost:
    """A clip that was not embedded: where it was lost and why."""

    place: int
    stage: str
    reason: str


Batch = tuple[Job, ...]


class Plan:
    """Batches of jobs, made a window at a time, and the jobs whose header cannot be read.

    Args:
        jobs: Read lazily, so that memory does not grow with their number.
        batch_s: Seconds of audio in a batch, padding counted; a longer clip is a batch of its own.
        share: Workers that should all have something to do even where there are few jobs.
        cut: Gives the jobs that a measured one is done as, where that is several.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        *,
        batch_s: float,
        share: int = 1,
        cut: Callable[[Job], Sequence[Job]] | None = None,
    ) -> None:
        self._lost: list[Lost] = []
        self._jobs = iter(jobs)
        self._batch_s = batch_s
        self._share = share
        self._cut = cut

    def batches(self) -> Iterator[Batch]:
        """Batches of one window after the other, longest clips first.

        Headers are read by no thread of their own: a worker forked while another thread holds a lock inside the
        decoder would inherit it locked.
        """
        sizes = itertools.chain(WINDOWS, itertools.repeat(WINDOWS[-1]))
        while measured := [measure(job) for job in itertools.islice(self._jobs, next(sizes))]:
            self._lost.extend(job for job in measured if isinstance(job, Lost))
            whole = [job for job in measured if isinstance(job, Job)]
            yield from self._pack(whole if self._cut is None else [one for job in whole for one in self._cut(job)])

    def take_lost(self) -> list[Lost]:
        """The jobs whose header could not be read since this was last asked."""
        lost, self._lost = self._lost, []
        return lost

    def _pack(self, jobs: Sequence[Job]) -> Iterator[Batch]:
        ordered = sorted(jobs, key=lambda job: job.duration_s, reverse=True)
        total_s = sum(job.duration_s for job in ordered)
        most_s = min(self._batch_s, max(1.0, total_s / self._share))
        most = min(MAX_BATCH, max(1, math.ceil(len(ordered) / self._share)))
        while ordered:
            fits = int(most_s / max(ordered[0].duration_s, 1e-3))
            size = max(1, min(fits, most))
            yield tuple(ordered[:size])
            ordered = ordered[size:]


def measure(job: Job) -> Job | Lost:
    """A job with its length, from the header alone; of a file on an object store, from what its hash left behind."""
    if isinstance(job.path, Place):
        whole_s = _remote_ids.duration_s(job.path)
        end_s = whole_s if job.end_s is None else min(job.end_s, whole_s)
        return replace(job, duration_s=max(0.0, end_s - job.start_s), seeks=False)
    try:
        info = read.info(job.path)
    except AudioError as error:
        return Lost(job.place, "read", str(error))
    end_s = info.duration_s if job.end_s is None else min(job.end_s, info.duration_s)
    return replace(job, duration_s=max(0.0, end_s - job.start_s), seeks=info.seeks)
