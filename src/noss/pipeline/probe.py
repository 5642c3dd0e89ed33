"""Fit a probe on a model's embeddings of a task and write what it says about every test clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from noss import __version__, shelf
from noss.errors import DataError, Failure, ProbeError
from noss.identity import clip_ids
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._models import Model, open_model
from noss.pipeline._predictions import predictions_path, read_facts, write_predictions
from noss.pipeline._predictions_data import Data, data_of, source_hash
from noss.pipeline._predictions_fit import Learner
from noss.pipeline._predictions_task import facts_of, predict_task
from noss.pipeline._request import roots
from noss.pipeline._split import folds
from noss.pipeline.embed import Embedded, embed_clips
from noss.runs import cache_folder, signature

DEFAULTS: dict[Literal["classes", "numbers"], str] = {"classes": "logistic", "numbers": "ridge"}


@dataclass(frozen=True, kw_only=True)
class Probed:
    """Predictions files, one a task, and the clips that could not be used."""

    paths: list[Path]
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(map(str, self.paths))


def probe(
    model: str,
    task: str,
    *,
    out: Path | str,
    probe: str | None = None,
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    seed: int = 0,
    workers: int | None = None,
) -> Probed:
    """Fit a probe on a model's embeddings of a task and write its predictions on test clips.

    Args:
        model: Name of an embedding model.
        task: Name of a task, or of a dataset for all its targets.
        out: The run's folder; predictions go to `predictions/` in it.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers.
        root: Where corpora lie, as `NAME=DIR`.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        seed: The seed of folds and probe.
        workers: Processes that embed; None for one a core.

    Raises:
        NossError: A name is unknown, or the probe does not fit the task.
    """
    folder = cache_folder(cache)
    opened, probed = open_model(model, cache=folder), Probed(paths=[])
    for one in open_tasks(task, roots=roots(root), cache=folder):
        probe_name(one, probe)
        embedded = embed_clips(opened, one.clips, ids=clip_ids(one.clips, cache=folder), cache=folder, workers=workers)
        probed.failures.extend(failure for failure in embedded.failures if failure not in probed.failures)
        probed.paths.append(probe_task(one, embedded, model=opened, probe=probe, out=Path(out), seed=seed))
    return probed


def probe_task(
    task: Task, embedded: Embedded, *, model: Model, out: Path, probe: str | None = None, seed: int = 0
) -> Path:
    """The predictions file of a probe on a task: fitted on train, chosen on validation, a row a test clip.

    Does nothing where the file is there already and carries the same signature.

    Args:
        task: The task.
        embedded: Embeddings of the task's clips, in their order.
        model: The model they come from.
        out: The run's folder.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers.
        seed: The seed of folds and probe.

    Raises:
        ProbeError: The probe does not fit the kind of target, or the metric.
        DataError: Too few usable clips or classes.
    """
    name = probe_name(task, probe)
    path = predictions_path(out, model=model.name, task=task.name, probe=name)
    data = data_of(task, embedded.ids, failures=embedded.failures)
    key = _signature(data, model, name, seed)
    if path.exists() and _carries(path, key, root=task.root):
        return path
    protocol, learner = folds(task, seed=seed, ids=embedded.ids), learner_of(task, name, seed=seed)
    facts = facts_of(data, embedded, model, protocol=protocol, learner=learner)
    facts |= {"probe": name, "signature": key}
    x_NLD = embedded.store.lookup(data.ids)
    write_predictions(path, predict_task(data, x_NLD, protocol, learner=learner, facts=facts))
    return path


def probe_name(task: Task, probe: str | None) -> str:
    """The probe's name, or the default for the task's kind of target.

    Raises:
        UnknownPartError: No such probe.
        ProbeError: It does not fit the kind of target, or gives no probabilities and the metric needs them.
    """
    kind: Literal["classes", "numbers"] = "numbers" if task.classes is None else "classes"
    name = probe or DEFAULTS[kind]
    part = shelf.load("probes", name).Probe
    if kind != part.TARGET:
        fitting = [other for other in shelf.names("probes") if kind == shelf.load("probes", other).Probe.TARGET]
        raise ProbeError(f"{task.name} has {kind} and probe {name} predicts {part.TARGET}: use {', '.join(fitting)}")
    takes = shelf.load("metrics", task.metric).METRIC.takes
    if (takes == "numbers") != (kind == "numbers"):
        raise DataError(f"{task.name} has {kind} and its metric {task.metric} takes {takes}: declare another metric")
    if takes == "probabilities" and not part.PROBABILITIES:
        raise ProbeError(f"{task.name} is scored by {task.metric}, which needs probabilities, and {name} gives none")
    return name


def learner_of(task: Task, name: str, *, seed: int) -> Learner:
    """How a probe of that name is fitted on a task."""
    return Learner(
        probe=shelf.load("probes", name).Probe,
        metric=shelf.load("metrics", task.metric),
        num_classes=None if task.classes is None else len(task.classes),
        seed=seed,
    )


def _signature(data: Data, model: Model, name: str, seed: int) -> str:
    task = data.task
    sources = [source_hash(shelf.load("probes", name)), source_hash(shelf.load("metrics", task.metric))]
    facts = [model.name, model.revision, task.name, task.classes, task.metric, data.revision]
    return signature([*facts, name, sources, seed, __version__])


def _carries(path: Path, key: str, *, root: Path) -> bool:
    try:
        facts = read_facts(path)
    except DataError:
        return False
    return bool(facts["signature"] == key and facts["root"] == str(root.absolute()))
