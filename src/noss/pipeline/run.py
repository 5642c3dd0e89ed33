"""Score models on tasks: embed, probe, score and report in one go.

Every step leaves its result on disk and does nothing where it finds it, so the same command run again goes on where
it was stopped, and a finished run answers at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss.errors import Failure, NossError
from noss.pipeline._clips import Task
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._leaderboard import leaderboard
from noss.pipeline._models import Model
from noss.pipeline._plan import Corpus, Plan, make_plan
from noss.pipeline._protocol import run_protocol
from noss.pipeline._request import merged
from noss.pipeline._run_files import write_failures, write_manifest
from noss.pipeline._ties import gaps
from noss.pipeline.embed import embed_clips, embed_frames
from noss.pipeline.report import report
from noss.pipeline.score import read_scores, score_predictions, write_scores
from noss.places.outgoing import folder_here
from noss.reports import Score

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished run: its folder, its scores, its page, and what failed."""

    out: Path
    scores: list[Score]
    page: Path
    failures: list[Failure] = field(default_factory=list)

    def __rich__(self) -> Table:
        """The leaderboard as a table for the terminal."""
        return leaderboard(self.scores, gaps=gaps(self.out, self.scores)).table(caption=f"page: {self.page}")


def run(
    recipe: Path | str | None = None,
    *,
    out: Path | str,
    models: Sequence[str] = (),
    tasks: Sequence[str] = (),
    probes: Sequence[str] = (),
    metrics: Sequence[str] = (),
    protocols: Sequence[str] = (),
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    seed: int = 0,
    draws: int = 2000,
    workers: int | None = None,
    device: str | None = None,
    strict: bool = False,
    trust_remote_code: Sequence[str] = (),
) -> Run:
    """Score every model on every task; write scores, predictions and a page.

    Args:
        recipe: A Python file whose `SUITE` sets any of the options below; those given here win.
        out: The run's folder.
        models: Names of embedding models, separated by commas.
        tasks: Names of tasks, separated by commas; `NAME=TASK` gives a task's dataset another name in the report.
        probes: Names of probes; by default `logistic` for classes and `ridge` for numbers.
        metrics: Names of metrics beside the tasks' own; by default every one that fits.
        protocols: Names of protocols, by default `clean`; numbers of different protocols are never ranked together.
        root: Where corpora lie, as `NAME=DIR`.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        seed: The seed of folds, probes and bootstrap draws.
        draws: Bootstrap draws behind an interval.
        workers: Processes that embed; None for one a core, 0 for none beside this one.
        device: Where models run: `cpu` or `cuda`; None for the best there is.
        strict: Stop at the first clip that fails, in place of listing it and going on.
        trust_remote_code: Names of models that may run the code of their repository; read that code first.

    Raises:
        NossError: The request is wrong, or nothing at all could be scored.
    """
    request = merged(run, recipe, {name: value for name, value in locals().items() if name != "recipe"})
    folder, plan = folder_here(out), make_plan(request)
    write_manifest(folder / "run.json", plan, request=request)
    work = _Work(plan, request, folder=folder)
    scores = list(work.scores())
    write_failures(folder / "failures.csv", work.failures)
    failed = [row for rows in work.failures.values() for row in rows]
    if not scores:
        raise NossError(f"nothing could be scored: {failed[0].reason}")
    write_scores(folder / "scores.jsonl", scores)
    return Run(out=folder, scores=scores, page=report(folder), failures=failed)


class _Work:
    """Everything between the plan and the records; what fails is noted under its model, and the rest goes on."""

    def __init__(self, plan: Plan, request: Mapping[str, Any], *, folder: Path) -> None:
        self.failures: dict[str, list[Failure]] = {model.name: [] for model in plan.models}
        self._plan, self._request, self._folder = plan, request, folder
        path = folder / "scores.jsonl"
        self._known = read_scores(path) if path.is_file() else []

    def scores(self) -> Iterator[Score]:
        """The records of every model, probe and task that could be scored."""
        for model in self._plan.models:
            for corpus in self._plan.corpora:
                for frames in (False, True):
                    if not any(self._plan.ways(task, frames=frames) for task in corpus.tasks):
                        continue
                    with self._noting(model, corpus.name, stage="embed"):
                        embedded = self._embed(model, corpus, frames=frames)
                        for task in corpus.tasks:
                            yield from self._task(model, task, corpus.view(embedded, task))

    def _embed(self, model: Model, corpus: Corpus, *, frames: bool) -> Embedded | EmbeddedFrames:
        options = {name: self._request[name] for name in ("workers", "device", "strict")}
        step = embed_frames if frames else embed_clips
        embedded = step(model, corpus.clips, ids=corpus.ids, cache=self._plan.cache, **options)
        told = self.failures[model.name]
        told += [failure for failure in embedded.failures if failure not in told]
        return embedded

    def _task(self, model: Model, task: Task, embedded: Embedded | EmbeddedFrames) -> Iterator[Score]:
        seed, draws = self._request["seed"], self._request["draws"]
        given = {"model": model, "out": self._folder, "seed": seed}
        for protocol, probe in self._plan.ways(task, frames=isinstance(embedded, EmbeddedFrames)):
            with self._noting(model, task.name, stage="probe"):
                for path in run_protocol(task, embedded, protocol=protocol, probe=probe, **given):
                    metrics = self._plan.metrics or None
                    yield from score_predictions(path, metrics=metrics, draws=draws, seed=seed, known=self._known)

    @contextmanager
    def _noting(self, model: Model, what: str, *, stage: str) -> Iterator[None]:
        try:
            yield
        except NossError as error:
            if self._request["strict"]:
                raise
            row = Failure(file=what, start_s=0.0, end_s=None, stage=stage, reason=str(error))
            self.failures[model.name].append(row)
