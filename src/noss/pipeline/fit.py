"""Fit a classifier on one's own clips: scored honestly first, then fitted on everything and saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss import __version__
from noss.errors import DataError, Failure
from noss.identity import clip_ids
from noss.pipeline._classifier_file import is_current, save_classifier
from noss.pipeline._classifier_train import train
from noss.pipeline._classifier_warnings import score_warnings, table_warnings
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._embed_done import Embedded
from noss.pipeline._models import Model, open_model
from noss.pipeline._predictions import read_facts
from noss.pipeline._predictions_data import Data, data_of
from noss.pipeline._probe_choice import check_pooled, learner_of, probe_name
from noss.pipeline._request import roots, words
from noss.pipeline._run_files import write_failures
from noss.pipeline._split import folds
from noss.pipeline.embed import embed_clips
from noss.pipeline.probe import probe_task
from noss.pipeline.score import score_predictions, write_scores
from noss.places.outgoing import folder_here
from noss.reports import Score
from noss.runs import cache_folder, signature

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A saved classifier: its folder, how well it does on speakers it has not heard, and what to doubt."""

    path: Path
    scores: list[Score]
    warnings: list[str]
    failures: list[Failure] = field(default_factory=list)

    def __rich__(self) -> Table:
        """The honest scores as a table for the terminal, the warnings below."""
        from noss.pipeline._leaderboard import leaderboard

        lines = [*(f"! {line}" for line in self.warnings), f"classifier: {self.path}"]
        return leaderboard(self.scores).table(caption="\n".join(lines))


def fit(
    table: str,
    *,
    target: str,
    out: Path | str,
    model: str = "logmel_stats",
    probe: str | None = None,
    controls: Sequence[str] = ("trivial", "logmel_stats"),
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    seed: int = 0,
    draws: int = 2000,
    workers: int | None = None,
) -> Fit:
    """Score a classifier on one's own clips honestly, then fit it on all of them and save it.

    The honest scores come from clips, and where they are known speakers, that the probe has not seen, with every
    setting chosen inside the training folds. `out` is a run's folder too: `noss report` shows it.

    Args:
        table: The clips: `csv/./calls.csv`, `folder/./wavs`, or any dataset.
        target: The label to predict.
        out: The classifier's folder.
        model: Name of the embedding model.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers.
        controls: Models to score beside it, which show what is given away without listening closely.
        root: Where corpora lie, as `NAME=DIR`.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        seed: The seed of folds, probe and bootstrap draws.
        draws: Bootstrap draws behind an interval.
        workers: Processes that embed; None for one a core.

    Raises:
        NossError: A name is unknown, the table is not what it should be, or the clips do not suffice.
    """
    folder, out = cache_folder(cache), folder_here(out)
    task = _task(f"{table}/{target}", root, folder)
    check_pooled(probe_name(task, probe), what="a saved classifier")
    models = [open_model(name, cache=folder) for name in dict.fromkeys([model, *words(controls)])]
    ids = clip_ids(task.clips, cache=folder)
    embedded = [embed_clips(one, task.clips, ids=ids, cache=folder, workers=workers) for one in models]
    pairs = zip(models, embedded, strict=True)
    paths = [probe_task(task, vectors, model=one, out=out, probe=probe, seed=seed) for one, vectors in pairs]
    scores = [one for path in paths for one in score_predictions(path, draws=draws, seed=seed)]
    write_scores(out / "scores.jsonl", scores)
    write_failures(out / "failures.csv", {one.name: each.failures for one, each in zip(models, embedded, strict=True)})
    data = data_of(task, embedded[0].ids)
    main = [one for one in scores if one.main]
    warnings = [*main[0].warnings, *table_warnings(data), *score_warnings(main, run=out, draws=draws)]
    facts = _facts(data, models[0], paths[0], scores=[one for one in scores if one.model == model], warnings=warnings)
    if not is_current(out, facts["signature"]):
        _save(out, data, embedded[0], facts=facts, seed=seed, mixes=models[0].mixed)
    return Fit(path=out, scores=scores, warnings=warnings, failures=embedded[0].failures)


def _task(name: str, root: Sequence[str], cache: Path) -> Task:
    tasks = open_tasks(name, roots=roots(root), cache=cache)
    if len(tasks) != 1:
        raise DataError(f"{name} names {len(tasks)} tasks and fit takes one: give the target by name")
    return tasks[0]


def _facts(data: Data, model: Model, path: Path, *, scores: Sequence[Score], warnings: Sequence[str]) -> dict[str, Any]:
    """What `classifier.json` says beside the fitted probe."""
    honest = read_facts(path)
    return {
        "signature": signature([honest["signature"], [one.signature for one in scores], __version__]),
        "noss_version": __version__,
        "model": {"name": model.name, "revision": model.revision, "card": asdict(model.card)},
        "dataset": data.task.dataset,
        "dataset_revision": data.revision,
        "target": data.task.target,
        "classes": data.task.classes,
        "num_clips": len(data.clips),
        "num_failed": data.num_failed,
        "probe": honest["probe"],
        "seed": honest["seed"],
        "scores": [asdict(one) for one in scores],
        "warnings": list(warnings),
    }


def _save(out: Path, data: Data, embedded: Embedded, *, facts: dict[str, Any], seed: int, mixes: bool) -> None:
    learner = learner_of(data.task, facts["probe"], seed=seed, mixes=mixes)
    split = folds(data.task, seed=seed, ids=embedded.ids)
    pairs = [(data.places(fold.train_N), data.places(fold.test_N)) for fold in split.folds]
    trained = train(learner, embedded.store.lookup(data.ids), data.y_N, pairs)
    save_classifier(out, trained, facts=facts)
