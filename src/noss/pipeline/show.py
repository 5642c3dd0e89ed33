"""Show what is known about a dataset, a task, a model, a probe or a metric."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from noss import shelf
from noss.errors import DataError, UnknownPartError
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._dataset_sheet import facts_of_dataset, few, ways_to_get
from noss.pipeline._fetch_weights import are_at_hand
from noss.pipeline._models import open_model
from noss.pipeline._request import roots
from noss.pipeline._split import folds
from noss.runs import cache_folder

_KINDS: tuple[Literal["datasets", "models", "probes", "metrics"], ...] = ("datasets", "models", "probes", "metrics")


@dataclass(frozen=True)
class Sheet:
    """Facts under headings: `sections` maps a heading to its lines of (name, value), or of text where name is empty."""

    sections: Mapping[str, Sequence[tuple[str, str]]]

    def __str__(self) -> str:
        width = max((len(name) for lines in self.sections.values() for name, _ in lines), default=0)
        blocks = [
            [heading, *(f"  {name:<{width}}  {value}" if name else f"  {value}" for name, value in lines)]
            for heading, lines in self.sections.items()
        ]
        return "\n\n".join("\n".join(block) for block in blocks)


def show(name: str, *, root: Sequence[str] = (), cache: Path | str | None = None) -> Sheet:
    """The card of a part: its facts, and for a task whose corpus is at hand its clips and splits.

    Args:
        name: A name on any shelf: `ravdess/emotion`, `yamnet`, `logistic`, `uar`.
        root: Where corpora lie, as `NAME=DIR`.
        cache: The cache folder; None for `NOSS_CACHE` or the platform's.

    Raises:
        UnknownPartError: No shelf has a part of that name.
    """
    part = shelf.parse_model(name).part
    holders = [kind for kind in _KINDS if part in shelf.names(kind)]
    if part.endswith(".py"):
        holders = ["models" if hasattr(shelf.load("models", part), "build") else "datasets"]
    if not holders:
        known = [known for kind in _KINDS for known in shelf.names(kind)]
        raise UnknownPartError(f"nothing is named {part!r}: {shelf.did_you_mean(part, known)}")
    sections: dict[str, Sequence[tuple[str, str]]] = {}
    for kind in holders:
        sections |= _SECTIONS[kind](name, root, cache_folder(cache))
    return Sheet(sections)


def _dataset_sections(name: str, root: Sequence[str], cache: Path | None) -> dict[str, Sequence[tuple[str, str]]]:
    module = shelf.load("datasets", shelf.parse(name).part)
    card = getattr(module, "DATASET", None)
    declared = {f"dataset {name}": facts_of_dataset(card)} if card else {}
    try:
        tasks = open_tasks(name, roots=roots(root), cache=cache)
    except DataError as error:
        ways = ways_to_get(card, shelf.parse(name).part) if card else {}
        return {**declared, "on this machine": [("not found", str(error))], **ways}
    if not declared:
        declared = {f"dataset {tasks[0].dataset}": facts_of_dataset(tasks[0].card)}
    return {**declared, **{f"task {task.name}": _task_lines(task) for task in tasks}}


def _task_lines(task: Task) -> list[tuple[str, str]]:
    protocol = folds(task, seed=0)
    speakers = {clip.speaker for clip in task.clips if clip.speaker is not None}
    lines = [
        ("clips", f"{len(task.clips):,}"),
        ("speakers", f"{len(speakers)}, {task.speakers}" if speakers else "unknown"),
        ("splits", protocol.name),
        ("metric", task.metric),
    ]
    if task.classes is not None:
        counts = Counter(str(clip.labels[task.target]) for clip in task.clips)
        lines.append(("classes", few([f"{label} {counts[label]:,}" for label in task.classes])))
    return [*lines, *(("warning", text) for text in (*task.warnings, *protocol.warnings))]


def _model_sections(name: str, root: Sequence[str], cache: Path | None) -> dict[str, Sequence[tuple[str, str]]]:
    del root
    parsed = shelf.parse_model(name)
    module = shelf.load("models", parsed.part)
    if parsed.choice is None and "" not in getattr(module, "CARDS", {}):
        choices = ", ".join(f"{parsed.part}/{choice}" for choice in getattr(module, "CARDS", {}))
        docstring = (module.__doc__ or "").strip()
        return {f"model {name}": [("names", choices)] if choices else [("about", " ".join(docstring.split()))]}
    if not are_at_hand(parsed.part, parsed.choice or ""):
        ways = [("weights", f"not here: noss fetch {name} brings them, as does their first use")]
        return {f"model {name}": _facts(module.CARDS[parsed.choice or ""]), "on this machine": ways}
    model = open_model(name, cache=cache)
    return {f"model {name}": [*_facts(model.card), ("revision", model.revision)]}


def _other_sections(name: str, root: Sequence[str], cache: Path | None) -> dict[str, Sequence[tuple[str, str]]]:
    del root, cache
    found: dict[str, Sequence[tuple[str, str]]] = {}
    if name in shelf.names("probes"):
        probe = shelf.load("probes", name).Probe
        settings = ", ".join(str(dict(setting)) for setting in probe.SETTINGS)
        found[f"probe {name}"] = [
            ("about", shelf.summary("probes", name)),
            ("for", probe.TARGET),
            ("settings", settings),
        ]
    if name in shelf.names("metrics"):
        found[f"metric {name}"] = _facts(shelf.load("metrics", name).METRIC)
    return found


_SECTIONS = {
    "datasets": _dataset_sections,
    "models": _model_sections,
    "probes": _other_sections,
    "metrics": _other_sections,
}


def _facts(card: Any) -> list[tuple[str, str]]:
    pairs = ((field.name, getattr(card, field.name)) for field in dataclasses.fields(card))
    return [(name, _words(value)) for name, value in pairs if value not in (None, "", (), {})]


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {'a number' if inner is None else _words(inner)}" for key, inner in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(str(inner) for inner in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
