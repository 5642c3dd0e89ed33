"""What a worker does with a batch: decode, cut, run the model, pool; every output is checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.audio import chunk, read
from noss.errors import AudioError, ModelError, NossError
from noss.pipeline._embed_buffer import Buffer, Chunk
from noss.pipeline._embed_caught import Caught, one_line
from noss.pipeline._embed_done_batch import Broken, Done, Part, row_of
from noss.pipeline._embed_forward import Forward
from noss.pipeline._embed_machine import check_room
from noss.pipeline._embed_plan import Job, Lost
from noss.pipeline._embed_pooling import Windows
from noss.pipeline._embed_torch import DoesNotFit
from noss.pipeline._models import Model

WHOLE_S = 60.0  # longer clips are streamed, so that a day of audio takes no more memory than a minute


@dataclass(frozen=True)
class Loaded:
    """A job whose audio (T,) is in memory already, or that of each of its windows; or that could not be read."""

    job: Job
    audio: NDArray[np.float32] | list[NDArray[np.float32]] | AudioError


@dataclass
class Sums:
    """What has been added up of one clip, or why it was lost."""

    windows: Windows
    lost: Lost | None = field(default=None)


class Worker:
    """A built model and all that stands around it.

    Args:
        model: The model to build.
        device: Where it runs.
        batch_s: Seconds of audio it sees at once, padding counted.
        forward: The model, where it is built already.
    """

    def __init__(
        self, model: Model, *, device: str = "cpu", batch_s: float = 60.0, forward: Forward | None = None
    ) -> None:
        self.card = model.card
        self.alteration = model.alteration
        self.windows = model.pooling.clip
        self.budget = round(batch_s * self.card.sample_rate)
        self.policy = model.policy
        self.forward = forward or Forward(model, device=device)
        if device == "cuda":
            self.budget = min(self.budget, self.forward.room())

    def prepare(self, batch: Sequence[Job]) -> list[Job | Loaded]:
        """Decode a batch ahead of its turn, but for clips that are streamed from end to end."""
        return [job if self._streams(job) and job.piece is None else self._load(job) for job in batch]

    def __call__(self, batch: Sequence[Job | Loaded]) -> Done | Broken:
        """Embed a batch; where the model raises, clip by clip, so that only the guilty one is lost."""
        began = time.perf_counter()
        with Caught() as caught:
            sums = self._embed(batch)
        if isinstance(caught.error, ModelError):
            return Broken(str(caught.error))
        if caught.error is not None and len(batch) > 1:
            outcomes = [self([item]) for item in batch]
            return next((one for one in outcomes if isinstance(one, Broken)), None) or self._merge(outcomes, began)
        if caught.error is not None:
            reason = str(caught.error) if isinstance(caught.error, DoesNotFit) else one_line(caught.error)
            sums = [Sums(self.windows(), lost=Lost(job_of(batch[0]).place, "embed", reason))]
        return self._done(batch, sums, time.perf_counter() - began)

    def _embed(self, batch: Sequence[Job | Loaded]) -> list[Sums]:
        sums = [Sums(self.windows()) for _ in batch]
        buffer = Buffer(budget=self.budget, equal=not self.card.masks_padding)
        for slot, item in enumerate(batch):
            try:
                for place, (piece_T, weight) in enumerate(self._pieces(item), start=first_window(job_of(item))):
                    for group in buffer.add(Chunk(slot, piece_T, weight, place)):
                        self._run(group, sums)
            except AudioError as error:
                sums[slot].lost = Lost(job_of(item).place, "read", str(error))
        for group in buffer.drain():
            self._run(group, sums)
        return sums

    def _pieces(self, item: Job | Loaded) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Windows (T,) of a clip, padded to the model's minimum, each with its own length in samples."""
        rate = self.card.sample_rate
        windows: Iterable[NDArray[np.float32]]
        if isinstance(item, Job) and self._streams(item):
            windows = self._stream(item)
        else:
            audio = (self._load(item) if isinstance(item, Job) else item).audio
            if isinstance(audio, AudioError):
                raise audio
            windows = audio if isinstance(audio, list) else chunk.windows(audio, sample_rate=rate, policy=self.policy)
        shortest = chunk.num_samples(self.policy.min_s, rate)
        for window_T in windows:
            yield chunk.pad(window_T, shortest, padding=self.policy.padding), len(window_T)

    def _streams(self, job: Job) -> bool:
        if self.alteration is not None:
            return False  # it is altered as a whole
        return self.card.window_s is not None and job.duration_s > max(WHOLE_S, self.card.window_s)

    def _stream(self, job: Job) -> Iterator[NDArray[np.float32]]:
        assert self.card.window_s is not None
        return read.stream(
            job.path,
            sample_rate=self.card.sample_rate,
            window_s=self.card.window_s,
            hop_s=self.policy.hop_s,
            start_s=job.start_s,
            end_s=job.end_s,
            first_window=first_window(job),
            num_windows=None if job.piece is None else job.piece.num_windows,
        )

    def _load(self, job: Job) -> Loaded:
        rate, alteration = self.card.sample_rate, self.alteration
        try:
            if alteration is not None:
                return Loaded(job, alteration.read(job.path, sample_rate=rate, start_s=job.start_s, end_s=job.end_s))
            if job.piece is not None:
                return Loaded(job, list(self._stream(job)))
            check_room(job, card=self.card)
            return Loaded(job, read.read(job.path, sample_rate=rate, start_s=job.start_s, end_s=job.end_s)[0])
        except AudioError as error:
            return Loaded(job, error)

    def _run(self, group: Sequence[Chunk], sums: Sequence[Sums]) -> None:
        vectors_BLE = self.forward([piece.waveform_T for piece in group])
        for piece, vector_LE in zip(group, vectors_BLE, strict=True):
            sums[piece.slot].windows.add(vector_LE, place=piece.place, samples=piece.weight)

    def _done(self, batch: Sequence[Job | Loaded], sums: Sequence[Sums], seconds: float) -> Done:
        done = Done([], np.empty((0, self.card.layers, self.card.dim), np.float32), [], [], seconds)
        rows = []
        for item, one in zip(batch, sums, strict=True):
            job = job_of(item)
            if job.piece is not None:
                done.parts.append(Part(job, one.windows, one.lost))
                continue
            row = row_of(job.place, one.windows, one.lost)
            if isinstance(row, Lost):
                done.lost.append(row)
            else:
                rows.append(row)
                done.places.append(job.place)
                done.durations_s.append(one.windows.samples / self.card.sample_rate)
        return replace(done, embeddings_NLD=np.stack(rows)) if rows else done

    def _merge(self, outcomes: Sequence[Done | Broken], began: float) -> Done:
        parts = [one for one in outcomes if isinstance(one, Done)]
        return Done(
            [place for one in parts for place in one.places],
            np.concatenate([one.embeddings_NLD for one in parts]),
            [seconds for one in parts for seconds in one.durations_s],
            [lost for one in parts for lost in one.lost],
            time.perf_counter() - began,
            [part for one in parts for part in one.parts],
        )


def make_worker(model: Model, device: str, batch_s: float, make: Callable[..., Worker] | None = None) -> Any:
    """A worker, or, where the model cannot be built, a stand-in that says so of every batch."""
    with Caught() as caught:
        return (make or Worker)(model, device=device, batch_s=batch_s)
    return _Unbuilt(_why_unbuilt(model, caught.error))


class _Unbuilt:
    def __init__(self, reason: str) -> None:
        self.reason = reason

    def prepare(self, batch: Sequence[Job]) -> Sequence[Job]:
        return batch

    def __call__(self, batch: Sequence[Job]) -> Broken:
        return Broken(self.reason)


def _why_unbuilt(model: Model, error: Exception | None) -> str:
    if isinstance(error, NossError):
        return str(error)
    return f"{model.name} cannot be built ({one_line(error)}): check its weights and its options"


def job_of(item: Job | Loaded) -> Job:
    """The job, whether its audio is in memory or not."""
    return item.job if isinstance(item, Loaded) else item


def first_window(job: Job) -> int:
    """The number of the first window that is to be done of a clip."""
    return 0 if job.piece is None else job.piece.first_window
