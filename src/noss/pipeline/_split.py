"""The splits of a task: which clips train, which choose a probe's settings, which are scored.

In this order, the first that fits:

1. The published split, where the task's clips carry train and test (dev stands in for a missing test) and no speaker is
   in two of them. A task that shares speakers by design uses it if train has every class of test.
2. The published folds, if no speaker is in two of them.
3. Five folds by speaker, made here, stratified by class, or by fifths of a number; one speaker a fold where there are
   fewer. Clips that do not say who speaks are kept together by session or file. A task about who speaks: over files.

A split that is the same for all clips says nothing and is left aside. A published split or fold that leaks speakers is
refused, unless the dataset declares that its split is for another target.

Settings are chosen on the published dev split, and the probe that is scored is then fitted on train alone, as published
numbers are. Without a dev split, up to four folds inside each training set choose them (the other folds where there are
folds, else folds by speaker made for it), and the probe is then fitted on the whole training set. Clips with the same bytes never stand on both sides. The result
depends on the clips and the seed, and not on the order of the clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import fspath

import numpy as np

from noss.datasets import Speakers
from noss.pipeline._clips import Task
from noss.pipeline._split_rounds import Columns, Round, columns, rounds
from noss.pipeline._stratify import Rows, stratified

NUM_INNER = 4
NUM_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One round: rows of `task.clips` to fit on and to score, and the pairs that choose the settings.

    Attributes:
        train_N: Rows the scored probe is fitted on.
        test_N: Rows that are scored.
        inner: Pairs of rows, to fit on and to choose on; none of them is a test row.
    """

    train_N: Rows
    test_N: Rows
    inner: tuple[tuple[Rows, Rows], ...]


@dataclass(frozen=True, kw_only=True)
class Splits:
    """How a task is split.

    Attributes:
        name: In words, for records and reports: `published split`, `5 folds by speaker`, ...
        selection: How settings are chosen, in words.
        folds: The rounds; a clip is scored in one of them at most.
        speakers: As in the task.
        warnings: Loud lines, beside those of the task.
    """

    name: str
    selection: str
    folds: list[Fold]
    speakers: Speakers
    warnings: list[str] = field(default_factory=list)


def folds(task: Task, *, seed: int = 0, ids: Sequence[object] | None = None) -> Splits:
    """Split a task by the rules above.

    Args:
        task: The task; rows count its clips.
        seed: The seed of folds made here.
        ids: Identity of each clip, to keep equal bytes on one side; anything but text stands for an unknown one.

    Raises:
        DataError: A published split or fold leaks speakers and nothing else is published, or there are too few clips.
    """
    places = [(fspath(clip.path), clip.start_s, clip.end_s or 0.0) for clip in task.clips]
    order_N = np.array(sorted(range(len(places)), key=places.__getitem__), dtype=np.int64)
    table = columns(task, order_N, ids=ids)
    found = rounds(table, seed=seed)
    made = [_fold(table, one, found.fold_N, seed=seed) for one in found.rounds]
    dropped = sum(len(one.train_N) - len(fold.train_N) for one, fold in zip(found.rounds, made, strict=True))
    twins = [f"{dropped} training clips have the same bytes as a test clip: they are left out"] if dropped else []
    return Splits(
        name=found.name,
        selection=_selection(found.rounds[0], made[0]),
        folds=[_renumbered(fold, order_N) for fold in made],
        speakers=task.speakers,
        warnings=[*found.warnings, *twins, *_unseen(table, made)],
    )


def _fold(table: Columns, one: Round, fold_N: Rows | None, *, seed: int) -> Fold:
    train_N, dev_N = (_without(table, rows, one.test_N) for rows in (one.train_N, one.dev_N))
    pairs = [(train_N, dev_N)] if len(dev_N) else _inner(table, train_N, fold_N, seed=seed)
    inner = tuple((_without(table, fit_N, chosen_N), chosen_N) for fit_N, chosen_N in pairs)
    return Fold(train_N=train_N, test_N=one.test_N, inner=inner)


def _selection(one: Round, fold: Fold) -> str:
    if len(one.dev_N):
        return "published dev split"
    return f"{len(fold.inner)} folds inside train" if fold.inner else "no clips to choose on"


def _without(table: Columns, rows: Rows, others: Rows) -> Rows:
    return rows[~np.isin(table.twin_N[rows], table.twin_N[others])]


def _inner(table: Columns, train_N: Rows, fold_N: Rows | None, *, seed: int) -> list[tuple[Rows, Rows]]:
    """Pairs inside train to fit and to choose on: its own folds where there are any, so that rounds share their fits."""
    group_N = table.groups(train_N) if fold_N is None else fold_N[train_N]
    num_groups = len(np.unique(group_N))
    if num_groups < 2 and fold_N is not None:
        return _inner(table, train_N, None, seed=seed)
    if num_groups < 2:
        return []
    num_folds = min(NUM_INNER, num_groups)
    inner_N = stratified(table.y_N[train_N], group_N, num_folds=num_folds, seed=seed)
    return [(train_N[inner_N != fold], train_N[inner_N == fold]) for fold in range(num_folds)]


def _unseen(table: Columns, made: Sequence[Fold]) -> list[str]:
    if table.task.classes is None:
        return []
    unseen = {int(y) for fold in made for y in np.setdiff1d(table.y_N[fold.test_N], table.y_N[fold.train_N])}
    if not unseen:
        return []
    names = [table.task.classes[index] for index in sorted(unseen)]
    more = f" and {len(names) - NUM_NAMED} more" if len(names) > NUM_NAMED else ""
    which = ", ".join(names[:NUM_NAMED]) + more
    return [f"{len(names)} of {len(table.task.classes)} classes are tested where none of their clips trains: {which}"]


def _renumbered(fold: Fold, order_N: Rows) -> Fold:
    inner = tuple((np.sort(order_N[fit_N]), np.sort(order_N[dev_N])) for fit_N, dev_N in fold.inner)
    return Fold(train_N=np.sort(order_N[fold.train_N]), test_N=np.sort(order_N[fold.test_N]), inner=inner)
