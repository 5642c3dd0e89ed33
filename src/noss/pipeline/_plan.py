"""What a run is about to do: every name resolved and checked before any work starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from noss import shelf
from noss.datasets import Clip
from noss.errors import DataError, Failure
from noss.identity import clip_ids
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._models import Model, open_model
from noss.pipeline._probe_choice import needs_frames
from noss.pipeline._protocol import DEFAULT, load_protocol
from noss.pipeline._request import roots, words
from noss.pipeline._split import folds
from noss.pipeline._trust import check_trusted, trust
from noss.runs import cache_folder

Key = tuple[Path, float, float | None]
Found = TypeVar("Found", bound=Embedded | EmbeddedFrames)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The clips that several tasks share, each once, with its identity or the reason it has none."""

    name: str
    clips: list[Clip]
    ids: list[str | Failure]
    tasks: list[Task]

    def _rows(self, task: Task) -> list[int]:
        places = {_key(clip): row for row, clip in enumerate(self.clips)}
        return [places[_key(clip)] for clip in task.clips]

    def view(self, embedded: Found, task: Task) -> Found:
        """What was embedded of the corpus, as seen from one of its tasks."""
        there = {(str(clip.path), clip.start_s, clip.end_s) for clip in task.clips}
        failures = [row for row in embedded.failures if (row.file, row.start_s, row.end_s) in there]
        return replace(embedded, ids=[embedded.ids[row] for row in self._rows(task)], failures=failures)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Models, corpora with their tasks, protocols and probes of one run, all known to exist."""

    models: list[Model]
    corpora: list[Corpus]
    protocols: list[str]
    probes: list[str]
    metrics: list[str]
    cache: Path

    @property
    def tasks(self) -> list[Task]:
        """Every task of every corpus."""
        return [task for corpus in self.corpora for task in corpus.tasks]

    @property
    def clips(self) -> tuple[list[Clip], list[str | Failure]]:
        """Every clip of every corpus, and its identity or the reason it has none."""
        clips = [clip for corpus in self.corpora for clip in corpus.clips]
        return clips, [name for corpus in self.corpora for name in corpus.ids]

    def ways(self, task: Task, *, frames: bool = False) -> list[tuple[str, str | None]]:
        """Every protocol, with each probe that fits the task where it has none of its own: of vectors, or of frames."""
        return [
            (name, probe)
            for name in self.protocols
            for probe in ([None] if load_protocol(name).PROBE else self.probes_for(task))
            if needs_frames(probe) == frames
        ]

    def probes_for(self, task: Task) -> list[str | None]:
        """The probes that fit the kind of a task's target; None stands for the default one."""
        kind = "numbers" if task.classes is None else "classes"
        fitting = [name for name in self.probes if kind == shelf.load("probes", name).Probe.TARGET]
        return list(fitting) or [None]


def make_plan(request: Mapping[str, Any]) -> Plan:
    """Resolve every name of a request.

    Raises:
        NossError: A name is unknown, a corpus is not where it should be, or nothing is asked for.
    """
    models, tasks = words(request["models"]), words(request["tasks"])
    if not models or not tasks:
        raise DataError("nothing to score: name --models and --tasks, or give a recipe such as recipes/demo.py")
    cache = cache_folder(request["cache"])
    probes, metrics = words(request["probes"]), words(request["metrics"])
    protocols = words(request["protocols"]) or [DEFAULT]
    for name in protocols:
        load_protocol(name)
    for name in probes:
        shelf.load("probes", name)
    for name in metrics:
        shelf.load("metrics", name)
    given = roots(request["root"])
    trusted = request.get("trust_remote_code", ())
    check_trusted(trusted, models)
    opened = [open_model(name, cache=cache, **trust(name, trusted)) for name in models]
    found = [task for name in tasks for task in open_named(name, roots=given, cache=cache)]
    for task in found:
        folds(task, seed=request["seed"])  # a split that leaks is refused before anything is embedded
    corpora = _corpora(found, cache)
    return Plan(models=opened, corpora=corpora, protocols=protocols, probes=probes, metrics=metrics, cache=cache)


def open_named(name: str, *, roots: Mapping[str, Path], cache: Path) -> list[Task]:
    """The tasks of a name; `NAME=TASK` calls the task's dataset by another name.

    Raises:
        NossError: There is no such task, or its corpus is not where it should be.
    """
    alias, equals, rest = name.partition("=")
    if not equals or "/" in alias:
        return open_tasks(name, roots=roots, cache=cache)
    tasks = open_tasks(rest, roots=roots, cache=cache)
    return [replace(task, dataset=alias, name=f"{alias}/{task.target}") for task in tasks]


def _corpora(tasks: Sequence[Task], cache: Path) -> list[Corpus]:
    by_root: dict[tuple[str, Path], list[Task]] = {}
    for task in tasks:
        by_root.setdefault((task.dataset, task.root), []).append(task)
    return [_corpus(name, members, cache) for (name, _), members in by_root.items()]


def _corpus(name: str, tasks: list[Task], cache: Path) -> Corpus:
    clips = list({_key(clip): clip for task in tasks for clip in task.clips}.values())
    return Corpus(name=name, clips=clips, ids=clip_ids(clips, cache=cache), tasks=tasks)


def _key(clip: Clip) -> Key:
    return (clip.path, clip.start_s, clip.end_s)
