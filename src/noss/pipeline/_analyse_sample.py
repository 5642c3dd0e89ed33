"""Fewer clips of a task, drawn speaker by speaker, so that a study of many models and conditions can be afforded."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from noss.datasets import Clip
from noss.errors import Failure
from noss.identity import clip_ids
from noss.pipeline._clips import Task


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """A task, whole or with fewer clips, and the identity of each of its clips or why it has none."""

    task: Task
    ids: list[str | Failure]


def sampled(task: Task, *, most: int | None, seed: int, cache: Path) -> Sampled:
    """A task with `most` of its clips at most, and a loud line that says so.

    Every speaker of every split keeps the same share of clips, spread evenly over the labels. Which ones hangs on the clips'
    identities and the seed alone.

    Args:
        task: The task.
        most: The most clips; None for all.
        seed: The seed of the draw.
        cache: The cache folder, where hashes of files are remembered.
    """
    ids = clip_ids(task.clips, cache=cache)
    if most is None or most >= len(task.clips):
        return Sampled(task=task, ids=ids)
    rows = _drawn(task, ids, seed=seed)[:most]
    kept = sorted(rows)
    line = f"{len(kept):,} of {len(task.clips):,} clips, drawn speaker by speaker: not a score of the whole task"
    few = replace(task, clips=[task.clips[row] for row in kept], warnings=[*task.warnings, line])
    return Sampled(task=_with_present_classes(few), ids=[ids[row] for row in kept])


def _drawn(task: Task, ids: Sequence[str | Failure], *, seed: int) -> list[int]:
    """All rows, in such an order that as many as one likes from the front are an even draw."""
    chances = [_chance(f"{seed} {name}") if isinstance(name, str) else 1.0 for name in ids]
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, clip in enumerate(task.clips):
        groups[_group(clip, row)].append(row)
    places: dict[int, float] = {}
    for key, rows in groups.items():
        shift = _chance(f"{seed} {key}")
        ordered = _interleaved(rows, [task.clips[row].labels[task.target] for row in rows], chances)
        places |= {row: (place + shift) / len(rows) for place, row in enumerate(ordered)}
    return sorted(places, key=lambda row: (places[row], chances[row], row))


def _group(clip: Clip, row: int) -> tuple[object, ...]:
    speaker = clip.speaker if clip.speaker is not None else f"clip {row}"
    return (clip.split, clip.fold, speaker)


def _interleaved(rows: Sequence[int], labels: Iterable[object], chances: Sequence[float]) -> list[int]:
    """Rows in an order in which labels take turns as evenly as their numbers allow."""
    by_label: dict[object, list[int]] = defaultdict(list)
    for row, label in zip(rows, labels, strict=True):
        by_label[label].append(row)
    places: dict[int, float] = {}
    for found in by_label.values():
        ordered = sorted(found, key=lambda row: (chances[row], row))
        places |= {row: (place + chances[ordered[0]]) / len(ordered) for place, row in enumerate(ordered)}
    return sorted(rows, key=lambda row: (places[row], chances[row], row))


def _with_present_classes(task: Task) -> Task:
    if task.classes is None:
        return task
    present = {clip.labels[task.target] for clip in task.clips}
    return replace(task, classes=tuple(label for label in task.classes if label in present))


def _chance(text: str) -> float:
    """A number from 0 to 1 that hangs on a text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
