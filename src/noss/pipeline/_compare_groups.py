"""Scores of sub-groups: one gender, one age group, one speaker, one value of any column a corpus has for its clips."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError, NossError
from noss.pipeline._average import Averaged
from noss.pipeline._bootstrap import clusters, intervals
from noss.pipeline._clips import open_dataset
from noss.pipeline._compare_align import Aligned, Answers
from noss.pipeline._compare_files import File

_FEW_SPEAKERS, _FEW_CLIPS, _MOST_GROUPS = 5, 20, 40


@dataclass(frozen=True, kw_only=True)
class Group:
    """An entrant on the clips of one sub-group.

    Attributes:
        contest: The contest.
        column: The column that groups clips.
        group: The column's value.
        name: The entrant.
        value: Its score; None where the group's clips do not define the metric.
        low: Lower end of the 95 % interval; None where the group is too small for one.
        high: Upper end.
        num_clips: Clips in the group.
        num_speakers: Speakers in the group; None where unknown.
        note: What to say about it; empty where nothing.
    """

    contest: str
    column: str
    group: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    num_clips: int
    num_speakers: int | None
    note: str


class Columns:
    """The columns of clips, read again from their corpora: predictions carry only speakers."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], dict[tuple[str, float], Mapping[str, str]]] = {}

    def column(self, name: str, aligned: Aligned, file: File) -> list[str | None]:
        """A column's value for each clip of a contest; None where a clip has none.

        Raises:
            NossError: The corpus cannot be read, or no clip of the contest has such a column.
        """
        if aligned.partners is not None:
            raise DataError("its rows are trials of two clips each")
        if name == "speaker":
            found = aligned.speakers
        else:
            clips = self._clips(file)
            root = Path(str(file.facts["root"]))
            facts = [clips.get((str(root / place), start_s), {}) for place, start_s in aligned.places]
            found = [fact.get(name) for fact in facts]
        if not any(value is not None for value in found):
            there = sorted({key for fact in self._clips(file).values() for key in fact}) if name != "speaker" else []
            raise DataError("no such column" + (f", there are {', '.join(there)}" if there else ""))
        return found

    def _clips(self, file: File) -> dict[tuple[str, float], Mapping[str, str]]:
        name, root = dataset_name(file), str(file.facts["root"])
        if (name, root) not in self._read:
            _, clips, _ = open_dataset(name, roots={name: Path(root)})
            self._read[name, root] = {
                (str(clip.path.absolute()), clip.start_s): {
                    **{key: str(label) for key, label in clip.labels.items()},
                    **clip.facts,
                    **{key: word for key in ("sentence", "session") if (word := getattr(clip, key)) is not None},
                }
                for clip in clips
            }
        return self._read[name, root]


def group_scores(
    aligned: Aligned, file: File, *, by: Sequence[str], columns: Columns, draws: int, seed: int
) -> tuple[list[Group], list[str]]:
    """Every entrant on every sub-group of a contest; and a line for each column that cannot be used.

    Args:
        aligned: The contest.
        file: One of its predictions files.
        by: Names of columns; `speaker` for one group a speaker.
        columns: Where columns are read.
        draws: Bootstrap draws behind an interval.
        seed: The seed of the draws.
    """
    rows: list[Group] = []
    notes: list[str] = []
    for name in by:
        try:
            values = columns.column(name, aligned, file)
            rows += _by_column(aligned, name, values, draws=draws, seed=seed)
        except NossError as error:
            notes.append(f"{aligned.name}: no sub-groups by {name}: {error}")
    return rows, notes


def _by_column(
    aligned: Aligned, column: str, values: Sequence[str | None], *, draws: int, seed: int
) -> Iterator[Group]:
    counts = Counter(value for value in values if value is not None)
    if len(counts) > _MOST_GROUPS and column != "speaker":
        raise DataError(f"{column} has {len(counts)} values: group by a column of {_MOST_GROUPS} or fewer")
    for group in sorted(counts):
        rows_N = np.flatnonzero([value == group for value in values])
        for name, seeds in aligned.entrants.items():
            yield _group(aligned, rows_N, seeds, column=column, group=group, name=name, draws=draws, seed=seed)


def _group(
    aligned: Aligned,
    rows_N: NDArray[np.int64],
    seeds: Sequence[Answers],
    *,
    column: str,
    group: str,
    name: str,
    draws: int,
    seed: int,
) -> Group:
    speakers = [aligned.speakers[row] for row in rows_N.tolist()]
    known = {speaker for speaker in speakers if speaker is not None}
    measure: Any = _OverSeeds(seeds, rows_N)
    true_N = aligned.true_N[rows_N]
    value, note = measure.value(true_N), _too_small(len(rows_N), len(known), alone=column == "speaker")
    low = high = None
    if value is None:
        note = f"{aligned.metric} is not defined on these clips"
    elif not note:
        cluster_N, unit = clusters([None] * len(rows_N) if column == "speaker" else speakers)
        found = intervals(
            [measure],
            true_N,
            measure.scores_NK,
            cluster_N=cluster_N,
            unit=unit,
            draws=draws,
            seed=seed,
        )[0]
        low, high, note = found.low, found.high, "; ".join(found.warnings)
    return Group(
        contest=aligned.name,
        column=column,
        group=group,
        name=name,
        value=value,
        low=low,
        high=high,
        num_clips=len(rows_N),
        num_speakers=len(known) or None,
        note=note,
    )


def _too_small(num_clips: int, num_speakers: int, *, alone: bool) -> str:
    if 0 < num_speakers < _FEW_SPEAKERS and not alone:
        return f"too small for an interval: {num_speakers} {'speaker' if num_speakers == 1 else 'speakers'}"
    if num_clips < _FEW_CLIPS:
        return f"too small for an interval: {num_clips} clips"
    return ""


class _OverSeeds:
    """An entrant's metric on some rows, the mean over its seeds."""

    def __init__(self, seeds: Sequence[Answers], rows_N: NDArray[np.int64]) -> None:
        self._answers = [(_on(one.measure, rows_N), one.scores_NK[rows_N]) for one in seeds]
        self.scores_NK = self._answers[0][1]

    def value(self, true_N: NDArray[Any]) -> float | None:
        """The score on labels (N,); None where they do not define it."""
        try:
            return float(np.mean([measure.score(true_N, scores_NK) for measure, scores_NK in self._answers]))
        except ValueError:
            return None

    def draws(
        self, true_N: NDArray[Any], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]
    ) -> NDArray[np.float64]:
        """The score (R,) for weightings (R, N) of labels (N,); the scores (N, K) are those of the seeds."""
        del scores_NK
        found = [measure.draws(true_N, own_NK, weights_RN) for measure, own_NK in self._answers]
        return np.asarray(np.mean(found, axis=0))


def _on(measure: Any, rows_N: NDArray[np.int64]) -> Any:
    return replace(measure, group_N=measure.group_N[rows_N]) if isinstance(measure, Averaged) else measure


def dataset_name(file: File) -> str:
    """What opens the dataset: its name, or what the run's request calls by that name (`NAME=TASK`)."""
    name = str(file.facts["dataset"])
    try:
        request = json.loads((file.run / "run.json").read_text(encoding="utf-8"))["request"]["tasks"]
        named = dict(str(word).split("=", 1) for word in request if "=" in str(word))
    except (OSError, ValueError, KeyError, TypeError):
        return name
    return named.get(name, name)
