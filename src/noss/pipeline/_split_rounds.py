"""Train, dev and test rows of a task, by the first rule that fits: published split, published folds, folds made here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from os import fspath

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._clips import Task
from noss.pipeline._stratify import Rows, stratified

NUM_FOLDS = 5


@dataclass(frozen=True, kw_only=True)
class Round:
    """Rows to train on, to choose on (empty where no dev split is published) and to score."""

    train_N: Rows
    dev_N: Rows
    test_N: Rows


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Every round of a task, the name of its splits in words, and loud lines; `fold_N` is the fold of each row, if there are folds."""

    name: str
    rounds: list[Round]
    fold_N: Rows | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What decides where a clip goes, a row (N,) a clip; integer codes only tell things apart.

    Attributes:
        task: The task.
        y_N: Class indices, or the fifth of the range a number is in.
        split_N: `train`, `dev`, `test` or nothing.
        fold_N: The published fold; -1 for none.
        speakers: Who speaks; None where that is not known.
        voice_N: Codes of the speaker; where there is none, of the session, or else of the file.
        file_N: Codes of the file.
        twin_N: Codes of the audio bytes.
    """

    task: Task
    y_N: Rows
    split_N: NDArray[np.str_]
    fold_N: Rows
    speakers: list[str | None]
    voice_N: Rows
    file_N: Rows
    twin_N: Rows

    @property
    def shared(self) -> bool:
        """Whether the same speakers belong on both sides."""
        return self.task.speakers == "shared"

    def named(self, rows: Rows) -> set[str]:
        """The known speakers of some rows."""
        return {speaker for speaker in (self.speakers[row] for row in rows) if speaker is not None}

    def groups(self, rows: Rows) -> Rows:
        """Codes of what to keep together among some rows: speakers, or else files, or else equal bytes.

        Groups that hold the same bytes are one, unless too few are left for the folds: then training goes without them.
        """
        for group_N in (self.file_N,) if self.shared else (self.voice_N, self.file_N):
            num_groups = len(np.unique(group_N[rows]))
            if num_groups > 1:
                joined_N = _joined(group_N[rows], self.twin_N[rows])
                enough = len(np.unique(joined_N)) >= min(NUM_FOLDS, num_groups)
                return joined_N if enough else group_N[rows]
        return self.twin_N[rows]


def columns(task: Task, order_N: Rows, *, ids: Sequence[object] | None) -> Columns:
    """The columns of a task's clips, in a given order; an id that is not text is like no other."""
    clips = [task.clips[row] for row in order_N]
    names = [(ids[row] if ids is not None and isinstance(ids[row], str) else int(row)) for row in order_N]
    return Columns(
        task=task,
        y_N=_classes(task, [clip.labels[task.target] for clip in clips]),
        split_N=np.array([clip.split or "" for clip in clips]),
        fold_N=np.array([-1 if clip.fold is None else clip.fold for clip in clips], dtype=np.int64),
        speakers=[clip.speaker for clip in clips],
        voice_N=_codes((clip.speaker, clip.speaker is None and (clip.session or fspath(clip.path))) for clip in clips),
        file_N=_codes(fspath(clip.path) for clip in clips),
        twin_N=_codes(names),
    )


def rounds(table: Columns, *, seed: int) -> Rounds:
    """The rounds of a task.

    Raises:
        DataError: A published split or fold leaks speakers and nothing else is published, or there is one clip only.
    """
    split, notes = _published_split(table)
    if split is not None:
        name = "published split, same speakers on both sides" if table.shared else "published split"
        return Rounds(name=name, rounds=[split], warnings=notes)
    if not table.shared and len(np.unique(table.fold_N[table.fold_N >= 0])) > 1:
        return _published_folds(table, notes)
    return _made(table, notes, seed=seed)


def _published_split(table: Columns) -> tuple[Round | None, list[str]]:
    names = set(table.split_N.tolist()) - {""}
    if not names:
        return None, []
    test = "test" if "test" in names else "dev"
    if not {"train", test} <= names:
        return None, [f"the split says {' and '.join(sorted(names))} only: it is left aside"]
    train_N, test_N = (np.flatnonzero(table.split_N == name) for name in ("train", test))
    dev_N = np.flatnonzero((table.split_N == "dev") & (test != "dev"))
    if table.shared:
        if not set(table.y_N[test_N]) <= set(table.y_N[train_N]):
            return None, ["the published split keeps speakers apart, which cannot tell who speaks: it is left aside"]
    elif _leaks(table, [train_N, dev_N, test_N]):
        return None, []
    notes = [] if test == "test" else ["there is no test split: dev is scored in its place"]
    return Round(train_N=train_N, dev_N=dev_N, test_N=test_N), [*notes, *_outside(table.split_N == "", "split")]


def _leaks(table: Columns, sides: list[Rows]) -> bool:
    both = _in_two(table, sides)
    if both and not table.task.card.shared_targets and not (table.fold_N >= 0).any():
        raise DataError(_leak(both, "splits", task=table.task))
    return bool(both)


def _published_folds(table: Columns, notes: list[str]) -> Rounds:
    known_N = np.flatnonzero(table.fold_N >= 0)
    fold_N = table.fold_N[known_N]
    both = _in_two(table, [known_N[fold_N == fold] for fold in np.unique(fold_N)])
    if both:
        raise DataError(_leak(both, "folds", task=table.task))
    disjoint = ", speaker-disjoint" if table.task.speakers == "disjoint" else ""
    return Rounds(
        name=f"published folds{disjoint}",
        rounds=_cross(known_N, fold_N),
        fold_N=table.fold_N,
        warnings=[*notes, *_outside(table.fold_N < 0, "fold")],
    )


def _made(table: Columns, notes: list[str], *, seed: int) -> Rounds:
    every_N = np.arange(len(table.y_N))
    group_N = table.groups(every_N)
    num_groups = len(np.unique(group_N))
    if len(np.unique(table.twin_N)) < 2:
        raise DataError(f"{table.task.name} has one clip, or the same bytes in every clip: folds need two that differ")
    num_folds = min(NUM_FOLDS, num_groups)
    fold_N = stratified(table.y_N, group_N, num_folds=num_folds, seed=seed)
    if len(np.unique(table.file_N)) == 1:
        notes = [*notes, "all clips are pieces of one file: the same recording is in train and test"]
    return Rounds(name=_name(table, num_folds), rounds=_cross(every_N, fold_N), fold_N=fold_N, warnings=notes)


def _name(table: Columns, num_folds: int) -> str:
    num_speakers = len(set(table.speakers) - {None})
    if table.shared:
        return f"{num_folds} folds over clips, same speakers on both sides"
    if table.task.speakers == "disjoint":
        return f"{num_folds} folds by speaker" + (", one speaker each" if num_folds == num_speakers else "")
    if num_speakers > 1:
        return f"{num_folds} folds by speaker where known"
    return f"{num_folds} folds over clips ({'one speaker' if num_speakers else 'no speakers'})"


def _cross(rows: Rows, fold_N: Rows) -> list[Round]:
    folds = [fold_N == fold for fold in np.unique(fold_N)]
    return [Round(train_N=rows[~of_fold], dev_N=rows[:0], test_N=rows[of_fold]) for of_fold in folds]


def _in_two(table: Columns, sides: list[Rows]) -> list[str]:
    """The speakers on two sides; none where one speaker says everything, as the task's warning tells already."""
    times = Counter(speaker for rows in sides for speaker in table.named(rows))
    return sorted(speaker for speaker, count in times.items() if count > 1) if len(times) > 1 else []


def _leak(both: list[str], where: str, *, task: Task) -> str:
    many = "1 speaker is" if len(both) == 1 else f"{len(both)} speakers are"
    return (
        f"{task.name}: {many} in two {where} (first: {both[0]}), so a score would tell who speaks: "
        f"mend the {where}, or drop that column to get folds by speaker"
    )


def _outside(out_N: NDArray[np.bool_], what: str) -> list[str]:
    num_out = int(np.sum(out_N))
    return [f"{num_out} of {len(out_N)} clips are in no {what}: they take no part"] if num_out else []


def _classes(task: Task, labels: Sequence[str | float]) -> Rows:
    if task.classes is not None:
        places = {name: place for place, name in enumerate(task.classes)}
        return np.array([places[str(label)] for label in labels], dtype=np.int64)
    numbers = np.array(labels, dtype=np.float64)
    return np.searchsorted(np.quantile(numbers, (0.2, 0.4, 0.6, 0.8)), numbers).astype(np.int64)


def _codes(things: Iterable[Hashable]) -> Rows:
    places: dict[Hashable, int] = {}
    return np.array([places.setdefault(thing, len(places)) for thing in things], dtype=np.int64)


def _joined(group_N: Rows, twin_N: Rows) -> Rows:
    """Groups with those that hold the same bytes made one."""
    if len(np.unique(twin_N)) == len(twin_N):
        return group_N
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    num_groups, num_twins = int(group_N.max()) + 1, int(twin_N.max()) + 1
    size = num_groups + num_twins
    links = coo_array((np.ones(len(group_N)), (group_N, num_groups + twin_N)), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return np.asarray(component[group_N], dtype=np.int64)
