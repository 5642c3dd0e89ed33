"""What models and tasks are called in the files of other benchmarks, and which records belong together there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

from noss.errors import DataError
from noss.reports import Score

_LONGEST = 120


def file_name(text: str) -> str:
    """A part's name as a file name: `ravdess/emotion` as `ravdess_emotion`; a long one ends in its hash."""
    plain = re.sub(r"[^\w.@+=-]+", "_", text).strip("_.")
    if plain and len(plain) <= _LONGEST:
        return plain
    return f"{plain[:_LONGEST]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}".lstrip("-")


def way_name(task: str, probe: str, protocol: str, *, variant: str = "", seed: int = 0) -> str:
    """Task, probe and protocol in one name, as in `ravdess_emotion--logistic--clean`: another way is another task."""
    words = [task, probe, protocol, variant, f"seed{seed}" if seed else ""]
    return "--".join(file_name(word) for word in words if word)


def ways(scores: Iterable[Score]) -> dict[tuple[str, str, str], list[Score]]:
    """The records by model, revision and task name, the main metric first.

    Raises:
        DataError: There are two records of one metric, none of the main one, or two tasks that a file name does not tell
            apart.
    """
    found: dict[tuple[str, str, str], list[Score]] = {}
    for score in scores:
        found.setdefault((score.model, score.model_revision, _name(score)), []).append(score)
    return {key: _checked(records) for key, records in found.items()}


def _name(score: Score) -> str:
    variant = " ".join(word for word in (score.variant, score.condition) if word)
    return way_name(score.task, score.probe, score.protocol, variant=variant, seed=score.seed)


def _checked(records: Sequence[Score]) -> list[Score]:
    first, metrics = records[0], [score.metric for score in records]
    where = f"{first.model} on {first.task} ({first.probe}, {first.protocol})"
    other = next((one for one in records if (one.task, one.probe) != (first.task, first.probe)), None)
    if other is not None:
        raise DataError(f"{first.task} and {other.task} would share the file {_name(first)}.json: rename one of them")
    if len(set(metrics)) < len(metrics):
        twice = next(name for name in metrics if metrics.count(name) > 1)
        raise DataError(f"there are two records of {twice} for {where}: write one run at a time, or drop one of them")
    if [score.main for score in records].count(True) != 1:
        raise DataError(f"no record of the main metric for {where}: score the predictions again")
    return sorted(records, key=lambda score: not score.main)
