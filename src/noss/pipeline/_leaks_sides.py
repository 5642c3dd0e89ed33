"""Which side of a task each clip stands on: its fold, or train, dev and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._clips import Task
from noss.pipeline._split import Splits, folds

_PUBLISHED = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The sides of a task.

    Attributes:
        names: What each side is called.
        side_N: The side of each of the task's clips; -1 for a clip that takes no part.
        splits: How it is scored; where its published split is refused, how it would be without it.
        refused: Why its published split is refused; empty where it is not.
    """

    names: tuple[str, ...]
    side_N: NDArray[np.int64]
    splits: Splits
    refused: str = ""

    def across(self, rows: Sequence[int]) -> bool:
        """Whether some of the task's rows stand on different sides."""
        return len({int(self.side_N[row]) for row in rows} - {-1}) > 1


def sides(task: Task, *, seed: int) -> Sides:
    """The sides that a task is scored on, or, where these are refused, those that are published.

    Raises:
        DataError: There are too few clips for any split.
    """
    try:
        splits = folds(task, seed=seed)
    except DataError as error:
        bare = replace(task, clips=[replace(clip, split=None, fold=None) for clip in task.clips])
        names, side_N = _published(task)
        return Sides(names=names, side_N=side_N, splits=folds(bare, seed=seed), refused=str(error))
    names, side_N = _scored(splits, len(task.clips))
    return Sides(names=names, side_N=side_N, splits=splits)


def _scored(splits: Splits, num_clips: int) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    side_N = np.full(num_clips, -1)
    if len(splits.folds) > 1:
        for place, fold in enumerate(splits.folds):
            side_N[fold.test_N] = place
        return tuple(f"fold {place + 1}" for place in range(len(splits.folds))), side_N
    only = splits.folds[0]
    for _, dev_N in only.inner:
        side_N[dev_N] = 1
    side_N[only.train_N], side_N[only.test_N] = 0, 2
    return _PUBLISHED, side_N


def _published(task: Task) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    split_N = [clip.split for clip in task.clips]
    if any(split_N):
        return _PUBLISHED, np.array([-1 if split is None else _PUBLISHED.index(split) for split in split_N])
    fold_N = np.array([-1 if clip.fold is None else clip.fold for clip in task.clips])
    return tuple(f"fold {fold}" for fold in range(int(fold_N.max()) + 1)), fold_N
