"""Score models on tasks: embed, probe, score and report in one go.

Every step leaves its result on disk and does nothing where it finds it, so the same command run again goes on where
it was stopped, and a finished run answers at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss.errors import Failure, NossError
from noss.pipeline._clips import Task
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._embed_engine import open_engine
from noss.pipeline._embed_precision import Precision, sped_up
from noss.pipeline._leaderboard import leaderboard
from noss.pipeline._models import Model
from noss.pipeline._plan import Corpus, Plan, make_plan
from noss.pipeline._protocol import run_protocol
from noss.pipeline._request import merged
from noss.pipeline._run_files import write_failures, write_manifest
from noss.pipeline._shard import Shard, parse_shard
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
    """A finished run: its folder, its scores, its page, and what failed.

    One over a share of the clips has no scores and no page; `share` says what it embedded.
    """

    out: Path
    scores: list[Score]
    page: Path
    failures: list[Failure] = field(default_factory=list)
    share: str = ""

    def __rich__(self) -> Table | str:
        """The leaderboard as a table for the terminal; of a share of the clips, what was embedded."""
        if self.share:
            return self.share
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
    engine: str = "local",
    address: str | None = None,
    gpus_per_worker: float | None = None,
    shard: str | None = None,
    precision: Precision = "fp32",
    compile: bool = False,
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
        engine: Where workers run: `local`, this machine, or `ray`, a Ray cluster.
        address: The Ray cluster: `HOST:PORT`, `auto` or `ray://HOST:PORT`; None for one of its own on this machine.
        gpus_per_worker: GPUs for each worker on the Ray cluster, or a fraction of one, such as 0.25.
        shard: Only embed, and only a share of the clips, such as `3/8`: one command a machine, one cache. Nothing is
            scored; the same command without it finds all embeddings there and scores.
        precision: Of torch models' matrix products: `bf16` is faster on some machines and moves vectors a little, which is
            measured and shown; `auto` takes it where it is faster and too near to move a score.
        compile: Let torch compile models first, which takes up to a minute a worker and needs a C++ compiler.
        strict: Stop at the first clip that fails, in place of listing it and going on.
        trust_remote_code: Names of models that may run the code of their repository; read that code first.

    Raises:
        NossError: The request is wrong, or nothing at all could be scored.
    """
    request = merged(run, recipe, {name: value for name, value in locals().items() if name != "recipe"})
    share = None if request["shard"] is None else parse_shard(request["shard"])
    folder, plan = folder_here(out), make_plan(request)
    if share is not None:
        return _Work(plan, request, folder=folder).share(share)
    work = _Work(plan, request, folder=folder)
    write_manifest(folder / "run.json", work.plan, request=request)
    scores = list(work.scores())
    write_failures(folder / "failures.csv", work.failures)
    failed = [row for rows in work.failures.values() for row in rows]
    if not scores:
        raise NossError(f"nothing could be scored: {failed[0].reason}")
    write_scores(folder / "scores.jsonl", scores)
    return Run(out=folder, scores=scores, page=report(folder), failures=failed)


class _Work:
    """Everything between the plan and the records; what fails is noted under its model, and the rest goes on.

    `plan` holds the models as they run, at the precision that is asked for; those that cannot are noted and left out.
    """

    def __init__(self, plan: Plan, request: Mapping[str, Any], *, folder: Path) -> None:
        self.failures: dict[str, list[Failure]] = {model.name: [] for model in plan.models}
        self._request, self._folder = request, folder
        where = {name: request[name] for name in ("address", "gpus_per_worker")}
        self._engine = open_engine(request["engine"], **where)
        path = folder / "scores.jsonl"
        self._known = read_scores(path) if path.is_file() else []
        self.plan = replace(plan, models=list(self._running(plan)))

    def scores(self) -> Iterator[Score]:
        """The records of every model, probe and task that could be scored."""
        for model, corpus, frames in self._rounds():
            with self._noting(model, corpus.name, stage="embed"):
                embedded = self._embed(model, corpus, frames=frames)
                for task in corpus.tasks:
                    yield from self._task(model, task, corpus.view(embedded, task))

    def share(self, shard: Shard) -> Run:
        """Embed a share of all clips, and score nothing."""
        num, new = 0, 0
        for model, corpus, frames in self._rounds():
            clips, ids = shard.pick(corpus.clips, corpus.ids)
            with self._noting(model, corpus.name, stage="embed"):
                embedded = self._embed(model, replace(corpus, clips=clips, ids=ids), frames=frames)
                num, new = num + len(clips), new + embedded.newly_embedded
        told = (
            f"shard {shard}: {num} embeddings, {new} of them new; the command without --shard scores when all are there"
        )
        failed = [row for rows in self.failures.values() for row in rows]
        return Run(out=self._folder, scores=[], page=self._folder / "report.html", failures=failed, share=told)

    def _rounds(self) -> Iterator[tuple[Model, Corpus, bool]]:
        """Every model with every corpus, and whether it is its frames that a probe asks for."""
        for model in self.plan.models:
            for corpus in self.plan.corpora:
                for frames in (False, True):
                    if any(self.plan.ways(task, frames=frames) for task in corpus.tasks):
                        yield model, corpus, frames

    def _running(self, plan: Plan) -> Iterator[Model]:
        """The models at the precision that is asked for; those that have none are noted."""
        asked, heard = {name: self._request[name] for name in ("precision", "device", "workers")}, plan.clips
        for model in plan.models:
            with self._noting(model, plan.corpora[0].name, stage="embed"):
                yield sped_up(model, *heard, cache=plan.cache, compiled=self._request["compile"], **asked)

    def _embed(self, model: Model, corpus: Corpus, *, frames: bool) -> Embedded | EmbeddedFrames:
        options = {name: self._request[name] for name in ("workers", "device", "strict")}
        options["engine"] = self._engine
        step = embed_frames if frames else embed_clips
        embedded = step(model, corpus.clips, ids=corpus.ids, cache=self.plan.cache, **options)
        told = self.failures[model.name]
        told += [failure for failure in embedded.failures if failure not in told]
        return embedded

    def _task(self, model: Model, task: Task, embedded: Embedded | EmbeddedFrames) -> Iterator[Score]:
        seed, draws = self._request["seed"], self._request["draws"]
        given = {"model": model, "out": self._folder, "seed": seed}
        for protocol, probe in self.plan.ways(task, frames=isinstance(embedded, EmbeddedFrames)):
            with self._noting(model, task.name, stage="probe"):
                for path in run_protocol(task, embedded, protocol=protocol, probe=probe, **given):
                    metrics = self.plan.metrics or None
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
