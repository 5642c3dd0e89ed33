"""A dataset's facts in words, for people: what is in it, and how to get it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from noss.datasets import Dataset

Lines = Sequence[tuple[str, str]]
_WIDTH: Final = 100
_MOST: Final = 40  # classes that are named
_PLAIN: Final = (
    "title", "source", "licence", "citation", "metric", "num_clips", "hours", "num_speakers", "speakers", "access",
)  # fmt: skip


def facts_of_dataset(card: Dataset) -> Lines:
    """What a dataset states about itself, a fact a line."""
    plain = [(name, _number(getattr(card, name))) for name in _PLAIN if getattr(card, name) not in (None, "")]
    targets = [(f"target {target}", _classes(card, target)) for target in card.targets]
    others = [("language", ", ".join(card.language)), ("clips by split", _counts(card.num_by_split))]
    notes = [("note", note) for note in card.notes]
    return [*plain, *targets, *((name, value) for name, value in others if value), *notes]


def ways_to_get(card: Dataset, name: str) -> Mapping[str, Lines]:
    """Where to ask for a corpus or how to fetch it, and the tree that its folder should then have."""
    sections: dict[str, Lines] = {}
    if card.ask:
        sections["where to ask"] = _wrapped(card.ask)
    elif card.downloads:
        size = sum(download.size or 0 for download in card.downloads)
        about = f"{size / 1e9:.1f} GB: " if all(download.size for download in card.downloads) else ""
        sections["how to get it"] = [("", f"{about}noss fetch {name}"), *(("", file.url) for file in card.downloads)]
    if card.layout:
        sections["what its folder should hold"] = [("", line) for line in card.layout.strip("\n").splitlines()]
        sections["then"] = [("", f"noss check dataset {name} --root {name}=DIR")]
    return sections


def few(labels: Sequence[str]) -> str:
    """Labels in a line; of very many the first three and the last."""
    return ", ".join(labels) if len(labels) <= _MOST else f"{', '.join(labels[:3])} ... {labels[-1]}"


def _classes(card: Dataset, target: str) -> str:
    classes = card.targets[target]
    shared = "same speakers in train and test" if target in card.shared_targets else ""
    metric = f"metric {card.metrics[target]}" if target in card.metrics else ""
    facts = "; ".join(fact for fact in (card.families.get(target), metric, shared) if fact)
    about = f" ({facts})" if facts else ""
    if classes is None:
        return f"numbers{about}"
    counts = card.num_by_label.get(target, {})
    labels = [f"{label} {counts[label]:,}" if label in counts else label for label in classes]
    return f"{len(classes):,} classes{about}: {few(labels)}"


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{key} {count:,}" for key, count in counts.items())


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _wrapped(text: str) -> Lines:
    paragraphs = [line for line in textwrap.dedent(text).splitlines() if line.strip()]
    return [("", line) for paragraph in paragraphs for line in textwrap.wrap(paragraph, _WIDTH, break_long_words=False)]
