"""Frames into the store of frames: workers write them themselves, so that only news of clips travels between processes."""

from __future__ import annotations

import functools
import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import _frame_parts
from noss._frame_parts import END, Row
from noss.errors import Failure, ModelError, StoreError
from noss.frame_store import FrameStore
from noss.pipeline._embed_buffer import Chunk
from noss.pipeline._embed_done_batch import Broken, Done, Part
from noss.pipeline._embed_engine import LOCAL, Engine
from noss.pipeline._embed_machine import Spread, device_name
from noss.pipeline._embed_plan import Job, Lost
from noss.pipeline._embed_pooling import pooled_alone
from noss.pipeline._embed_progress import Bar
from noss.pipeline._embed_run import Run
from noss.pipeline._embed_worker import Loaded, Sums, Worker, first_window, job_of
from noss.pipeline._models import Model

PART_BYTES = 32e6
_SHARED = "give a --cache that every machine sees"


def frame_facts(model: Model) -> dict[str, Any]:
    """What shapes a model's frames, or the vectors of its windows: what the store of frames is opened with.

    Raises:
        ModelError: The model has no frames, or its name asks for a pooling.
    """
    if model.per_window:
        return dict(model.facts)
    if model.lookup is not None:
        raise ModelError(f"{model.name} looks up vectors that were made elsewhere: it has no frames")
    if model.pooling.name != "mean":
        raise ModelError(f"{model.name} asks for a pooling and frames are not pooled: leave +{model.pooling.name} out")
    return {**model.facts, "pooling": "none: every frame of every window"}


def run_frames(
    model: Model,
    store: FrameStore,
    jobs: Iterable[Job],
    *,
    ids: Sequence[str | Failure],
    spread: Spread,
    strict: bool,
    bar: Bar,
    engine: Engine = LOCAL,
) -> list[Lost]:
    """Embed every job into a store of frames and give those that were lost.

    Args:
        model: The model.
        store: Where frames go; it must be refreshed afterwards.
        jobs: What to embed.
        ids: The identity of a job's clip, by its place.
        spread: How the model runs on this machine.
        strict: Raise at the first clip that is lost.
        bar: Shows how far it is.
        engine: Where workers run.
    """
    kind = WindowWorker if model.per_window else FrameWorker
    make = functools.partial(kind, ids=ids, folder=store.folder, workers=max(spread.workers, 1))
    run = Run(model, store, id_of=lambda place: str(ids[place]), spread=spread, strict=strict, make=make, engine=engine)
    return run(jobs, bar=bar)


class FrameWorker(Worker):
    """A worker that writes the frames of a batch into the store.

    Rows of a clip that is lost are dropped, but for those of a long clip that were written before: without an end they
    are never read.

    Args:
        model: The model to build.
        device: Where it runs.
        batch_s: Seconds of audio it sees at once, padding counted.
        ids: Identities by the place of a job.
        folder: The store's folder.
        workers: Workers whose time is shared.
    """

    def __init__(
        self,
        model: Model,
        *,
        device: str = "cpu",
        batch_s: float = 60.0,
        ids: Sequence[str | Failure],
        folder: Path,
        workers: int,
    ) -> None:
        super().__init__(model, device=device, batch_s=batch_s)
        self._ids, self._folder, self._workers, self._device = ids, folder, workers, device
        self._manner = model.manner
        if not (folder / "store.json").is_file():
            raise StoreError(f"{folder} is not there on {platform.node()}, and workers write frames: {_SHARED}")
        self._begin([])

    def __call__(self, batch: Sequence[Job | Loaded]) -> Done | Broken:
        """Embed a batch and write its frames; what it gives back holds no embeddings."""
        self._begin(batch)
        outcome = super().__call__(batch)
        return self._broken or outcome

    def _begin(self, batch: Sequence[Job | Loaded]) -> None:
        self._names = [str(self._ids[job_of(item).place]) for item in batch]
        self._counts = [0] * len(batch)
        self._ends = [0] * len(batch)
        self._broken: Broken | None = None
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Row] = []
        self._bytes = 0
        self._since = time.perf_counter()

    def _run(self, group: Sequence[Chunk], sums: Sequence[Sums]) -> None:
        rate = self.card.sample_rate
        hop = 0 if self.policy.window_s is None else self.policy.sizes(rate)[1]
        for piece, frames_SLD in zip(group, self._frames(group), strict=True):
            one, start, name = sums[piece.slot], piece.place * hop, self._names[piece.slot]
            one.windows.samples += piece.weight
            self._counts[piece.slot] += 1
            self._ends[piece.slot] = max(self._ends[piece.slot], start + piece.weight)
            if not np.isfinite(frames_SLD).all():
                one.lost = Lost(-1, "embed", "the model returned NaN or infinity")
            copied_SLD = np.ascontiguousarray(frames_SLD)  # a view would keep the whole batch in memory
            row = Row(
                id=name, place=piece.place, start_s=start / rate, duration_s=piece.weight / rate, frames_SLD=copied_SLD
            )
            self._rows.append(row)
            self._bytes += copied_SLD.nbytes
            if self._bytes >= PART_BYTES:
                self._flush()

    def _frames(self, group: Sequence[Chunk]) -> list[NDArray[np.float32]]:
        """What is kept (S, L, D) of each window."""
        return self.forward.frames([piece.waveform_T for piece in group])

    def _done(self, batch: Sequence[Job | Loaded], sums: Sequence[Sums], seconds: float) -> Done:
        nothing_NLD = np.empty((0, self.card.layers, self.card.dim), np.float32)
        done, lost_names = Done([], nothing_NLD, [], [], seconds), set()
        for slot, (item, one) in enumerate(zip(batch, sums, strict=True)):
            job = job_of(item)
            if one.lost is None and not self._counts[slot] and not first_window(job):
                one.lost = Lost(job.place, "read", "holds no audio: give a clip with at least one sample")
            lost = None if one.lost is None else Lost(job.place, one.lost.stage, one.lost.reason)
            if job.piece is not None:
                done.parts.append(Part(job, one.windows, lost))
            elif lost is not None:
                done.lost.append(lost)
            else:
                done.places.append(job.place)
                done.durations_s.append(self._ends[slot] / self.card.sample_rate)
            if lost is not None:
                lost_names.add(self._names[slot])
            elif job.piece is None or job.piece.num_windows is None:
                self._rows.append(self._end(slot, job))
        self._rows = [row for row in self._rows if row.id not in lost_names]
        self._flush()
        return done

    def _end(self, slot: int, job: Job) -> Row:
        """The row that says how many windows a clip has; pieces before the last one have written theirs themselves."""
        before, rate = first_window(job), self.card.sample_rate
        end = self._ends[slot] or (before * self.policy.sizes(rate)[1] if before else 0)
        nothing_SLD = np.empty((0, self.card.layers, self.card.dim), np.float32)
        count = before + self._counts[slot]
        return Row(
            id=self._names[slot],
            place=END,
            start_s=0.0,
            duration_s=end / rate,
            frames_SLD=nothing_SLD,
            count=count,
        )

    def _flush(self) -> None:
        """Write what there is as one part; a disk that is full ends the run, and is no fault of the model."""
        if self._rows and self._broken is None:
            seconds = (time.perf_counter() - self._since) / self._workers
            audio_s = sum(row.duration_s for row in self._rows if row.place != END)
            try:
                _frame_parts.write(
                    self._folder,
                    self._rows,
                    seconds=seconds,
                    audio_s=audio_s,
                    device=f"{device_name(self._device)}{self._manner}",
                )
            except StoreError as error:
                self._broken = Broken(str(error), StoreError)
        self._clear()


class WindowWorker(FrameWorker):
    """A worker that writes one vector a window into a store of frames."""

    def _frames(self, group: Sequence[Chunk]) -> list[NDArray[np.float32]]:
        vectors_BLE = self.forward([piece.waveform_T for piece in group])
        return [
            pooled_alone(self.windows, vector_LE, samples=piece.weight)[None]
            for vector_LE, piece in zip(vectors_BLE, group, strict=True)
        ]
