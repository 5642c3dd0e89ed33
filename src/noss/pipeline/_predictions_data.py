"""The clips of a task that can be used: those with an embedding, their labels as a probe takes them, their revision."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

import noss
from noss.datasets import Clip
from noss.errors import DataError, Failure
from noss.pipeline._clips import Task
from noss.runs import signature


@dataclass(frozen=True, kw_only=True)
class Data:
    """The usable clips of a task, in its order.

    `rows_N` (N,) says where each stands in `task.clips`; `y_N` (N,) holds class indices, or numbers.
    """

    task: Task
    clips: list[Clip]
    ids: list[str]
    rows_N: NDArray[np.int64]
    y_N: NDArray[np.int64] | NDArray[np.float64]

    @property
    def num_failed(self) -> int:
        """Clips of the task that have no embedding."""
        return len(self.task.clips) - len(self.clips)

    @property
    def revision(self) -> str:
        """A hash over identities, labels, speakers, splits and folds."""
        target = self.task.target
        rows = [(c.labels[target], c.speaker, c.split, c.fold) for c in self.clips]
        return signature([self.ids, rows])

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where those of the task's clips that can be used stand among the usable ones."""
        place_N = np.full(len(self.task.clips), -1, dtype=np.int64)
        place_N[self.rows_N] = np.arange(len(self.rows_N))
        found = place_N[rows]
        return found[found >= 0]


def data_of(task: Task, ids: Sequence[str | None], *, failures: Sequence[Failure] = ()) -> Data:
    """The usable clips of a task.

    Args:
        task: The task.
        ids: The identity of each of its clips; None for one without an embedding.
        failures: Why, for the message where no clip is left.

    Raises:
        DataError: No clip is left, or clips of one class only, or a number that is not finite.
    """
    rows = [row for row, name in enumerate(ids) if name is not None]
    if not rows:
        first = f" ({failures[0].file}: {failures[0].reason})" if failures else ""
        raise DataError(f"no clip of {task.name} could be read{first}: check the files and the root")
    clips = [task.clips[row] for row in rows]
    y_N = _labels(task, clips)
    return Data(task=task, clips=clips, ids=[name for name in ids if name is not None], rows_N=np.array(rows), y_N=y_N)


def _labels(task: Task, clips: Sequence[Clip]) -> NDArray[np.int64] | NDArray[np.float64]:
    labels = [clip.labels[task.target] for clip in clips]
    if task.classes is None:
        return _finite(np.array(labels, dtype=np.float64), task.name)
    counts = Counter(labels)
    if len(counts) < 2:
        raise DataError(f"every usable clip of {task.name} is labelled {labels[0]!r}: a task needs two classes or more")
    places = {name: place for place, name in enumerate(task.classes)}
    return np.array([places[str(label)] for label in labels], dtype=np.int64)


def _finite(y_N: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if not np.isfinite(y_N).all():
        raise DataError(f"{name} has a label that is not a finite number: mend the table or drop the row")
    return y_N


def source_hash(part: ModuleType) -> str:
    """A hash of a part's source and of the private files beside it: a changed probe fits again."""
    path = Path(str(part.__file__))
    beside = sorted(path.parent.glob("_*.py")) if path.parent.parent == Path(noss.__file__).parent else []
    return hashlib.sha256(b"".join(source.read_bytes() for source in [path, *beside])).hexdigest()[:32]
