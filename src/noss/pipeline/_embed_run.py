"""Jobs through an engine into the store; whoever kills a worker is found and listed."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from noss import shelf
from noss.engines import Died
from noss.errors import AudioError
from noss.frame_store import FrameStore
from noss.pipeline._embed_done_batch import Broken, Done, died
from noss.pipeline._embed_engine import LOCAL, Engine
from noss.pipeline._embed_machine import Spread, device_name
from noss.pipeline._embed_pieces import Puzzle, in_pieces
from noss.pipeline._embed_plan import Batch, Job, Lost, Plan
from noss.pipeline._embed_progress import Bar
from noss.pipeline._embed_worker import Worker, make_worker
from noss.pipeline._embed_writer import Writer
from noss.pipeline._models import Model
from noss.store import Store


class Run:
    """One model over many jobs.

    Args:
        model: The model.
        store: Where its rows go.
        id_of: The identity of a job's clip, by its place.
        spread: How the model runs on this machine.
        strict: Raise at the first clip that is lost.
        make: Makes a worker that puts rows into the store itself; None for one that hands them back.
        engine: Where workers run.
    """

    def __init__(
        self,
        model: Model,
        store: Store | FrameStore,
        *,
        id_of: Callable[[int], str],
        spread: Spread,
        strict: bool = False,
        make: Callable[..., Worker] | None = None,
        engine: Engine = LOCAL,
    ) -> None:
        self._engine = replace(engine, devices=set())
        self._lost: list[Lost] = []
        self._spread = spread
        self._id_of = id_of
        self._strict = strict
        self._store = store
        self._manner = model.manner
        self._puzzle = Puzzle(sample_rate=model.card.sample_rate)
        self._seconds = 0.0
        cut = functools.partial(in_pieces, policy=model.policy, sample_rate=model.card.sample_rate)
        self._cut = cut if model.alteration is None else None  # a clip is altered as a whole
        self._make = functools.partial(make_worker, model, spread.device, spread.batch_s, make)

    def __call__(self, jobs: Iterable[Job], *, bar: Bar) -> list[Lost]:
        """Embed every job and give those that were lost; after a worker's death, its batch is tried clip by clip.

        Raises:
            ModelError: The model cannot be built, or breaks its contract.
            AudioError: A clip is lost and the run is strict.
            StoreError: The store cannot be written.
        """
        name = self._engine.device_name if self._elsewhere else functools.partial(device_name, self._spread.device)
        with ExitStack() as stack:
            writer, manner = None, self._manner
            if isinstance(self._store, Store):
                writer = stack.enter_context(
                    Writer(self._store, device=lambda: f"{name()}{manner}", workers=self._spread.workers)
                )
            suspects = self._together(jobs, writer, bar)
            self._alone(suspects, writer, bar)
        return self._lost

    def _together(self, jobs: Iterable[Job], writer: Writer | None, bar: Bar) -> list[Job]:
        share = max(1, 2 * self._spread.workers)
        plan = Plan(jobs, batch_s=self._spread.batch_s, share=share, cut=self._cut)
        suspects: list[Job] = []
        for batch, outcome in self._outcomes(plan.batches()):
            if isinstance(outcome, Died):
                suspects += batch
            else:
                self._take(outcome, writer, bar)
            self._lose(plan.take_lost(), bar)
        self._lose(plan.take_lost(), bar)
        return suspects

    def _alone(self, suspects: Sequence[Job], writer: Writer | None, bar: Bar) -> None:
        for (job,), outcome in self._outcomes(((job,) for job in suspects), alone=True):
            if isinstance(outcome, Died):
                outcome = died(job, f"the worker died: {outcome.reason}")
            self._take(outcome, writer, bar)

    def _outcomes(self, batches: Iterator[Batch], *, alone: bool = False) -> Iterator[tuple[Batch, Any]]:
        """Batches and what became of them, from no more workers than there are batches; none without a batch."""
        if self._elsewhere:
            return self._engine.outcomes(self._make, batches, self._spread, alone=alone)
        engine, how = shelf.load("engines", self._engine.name), self._spread
        first = list(itertools.islice(batches, max(how.workers, 2)))
        spawn = how.device == "cuda" or not engine.forks(threads=how.threads)
        workers = min(how.workers, len(first))
        if spawn and len(first) == 1 and not alone:
            workers = 0  # a process that must first import everything is not worth it for one batch
        if not first:
            return iter(())
        if workers and not spawn:
            import torch  # noqa: F401  every fork finds it loaded
        found: Iterator[tuple[Batch, Any]] = engine.run(
            self._make,
            itertools.chain(first, batches),
            workers=workers,
            threads=how.threads,
            prefetch=0 if alone else how.prefetch,
            spawn=spawn,
        )
        return found

    @property
    def _elsewhere(self) -> bool:
        return self._engine.elsewhere and self._spread.workers > 0

    def _take(self, outcome: Done | Broken, writer: Writer | None, bar: Bar) -> None:
        if isinstance(outcome, Broken):
            raise outcome.kind(outcome.reason)
        outcome = self._puzzle.complete(outcome, rows=writer is not None)
        ids = [self._id_of(place) for place in outcome.places]
        self._seconds += outcome.seconds
        if writer is not None and ids:
            writer.add(ids, outcome.embeddings_NLD, outcome.durations_s, seconds=self._seconds)
            self._seconds = 0.0
        bar.advance(len(ids), audio_s=sum(outcome.durations_s))
        self._lose(outcome.lost, bar)

    def _lose(self, lost: list[Lost], bar: Bar) -> None:
        if lost and self._strict:
            raise AudioError(lost[0].reason)
        self._lost += lost
        bar.advance(len(lost), audio_s=0.0)
