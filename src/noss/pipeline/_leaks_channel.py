"""Whether a single fact of the files, or all of them together, tells the label of a speaker who was not heard.

Every property is tried by itself, so that a finding names it: a table of label counts by its value, or by up to
sixteen parts of its range, is learned on each training set of the task and read on its test set. The unweighted average recall is then set
against chance, one over the number of classes. Their difference is a sum of what each speaker adds (hits less those that
a guess of the same habits would make), and speakers are independent, so its error is that of a mean over speakers: an
interval by Student's t, at a level divided by the number of properties (Bonferroni), and no narrower than chance alone
would make it. Folds learn from each other's
speakers, which makes their mean less sure than it looks: intervals over folds are widened after Nadeau and Bengio,
"Inference for the Generalization Error", Machine Learning 52, 2003. A property counts if the interval lies above chance.
A number as target is cut into fifths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.pipeline._bootstrap import clusters
from noss.pipeline._clips import Task
from noss.pipeline._leaks_properties import CATEGORIES, CAUSED_BY_VOICE, NUMBERS, Facts
from noss.pipeline._leaks_sides import Sides
from noss.pipeline._split import Fold
from noss.pipeline._verdict import Verdict

_LEVEL: Final = 0.05
_NUM_BINS: Final = 16
_NUM_SHOWN: Final = 6
_TOGETHER: Final = "all together"
_ROUNDING: Final = 1e-9
_SETTING: Final = {"c": 0.1}

Guess = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a property tells: its name, the recall it reaches alone, the interval of that, and chance."""

    name: str
    value: float
    low: float
    high: float
    chance: float

    @property
    def tells(self) -> bool:
        """Whether its interval lies above chance."""
        return self.low > self.chance + _ROUNDING

    def __str__(self) -> str:
        return f"{self.name} {100 * self.value:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


def check_channel(task: Task, sides: Sides, facts: Sequence[Facts]) -> Iterator[Verdict]:
    """Try every property of the files, and all together; clips without facts are left out.

    Args:
        task: The task.
        sides: How it is split.
        facts: The properties of each clip; empty for one that could not be decoded.
    """
    name = f"{task.target}: channel"
    found = told(task, sides, facts)
    if found and found[0].chance == 1:
        yield Verdict(name, None, "test holds one class only: nothing can be told")
        return
    if not found:
        yield Verdict(name, True, "no property of the files differs between clips")
        return
    tell = [one for one in found if one.tells]
    chance = f"chance {100 * found[0].chance:.1f}"
    if not tell:
        best = max(found, key=lambda one: one.value)
        yield Verdict(name, True, f"none of {len(found) - 1} properties tells it: most by {best}, {chance}")
        return
    tell.sort(key=lambda one: -one.value)
    more = f" and {len(tell) - _NUM_SHOWN} more" if len(tell) > _NUM_SHOWN else ""
    shown = "; ".join(str(one) for one in tell[:_NUM_SHOWN]) + more
    own = [one.name for one in tell if one.name in CAUSED_BY_VOICE]
    may = f"; the voice itself may move {', '.join(own)}" if own else ""
    yield Verdict(name, False, f"recall % by {shown}; {chance}{may}", [("", f"{one}, {chance}") for one in tell])


def check_sentence(task: Task, sides: Sides) -> Iterator[Verdict]:
    """Try whether what is said tells the label; a task about words is meant to."""
    if not all(clip.sentence for clip in task.clips) or task.card.families.get(task.target) == "words":
        return
    y_N, num_classes = _classes(task)
    code_N = _codes([str(clip.sentence) for clip in task.clips])
    if code_N.max() == 0:
        return
    one = _told("sentence", task, sides, y_N=y_N, guess=_table(code_N, y_N, num_classes), num_tests=1)
    name, what = f"{task.target}: sentence alone", f"recall % by {one}; chance {100 * one.chance:.1f}"
    yield Verdict(name, not one.tells, what)


def told(task: Task, sides: Sides, facts: Sequence[Facts]) -> list[Told]:
    """What each property that differs tells, and the last, all together."""
    known_N = np.array([bool(one) for one in facts])
    columns = _columns(facts)
    if not columns:
        return []
    y_N, num_classes = _classes(task)
    guesses = {name: _table(column_N, y_N, num_classes) for name, column_N in columns.items()}
    guesses[_TOGETHER] = _linear(_features(columns), y_N)
    return [
        _told(name, task, sides, y_N=y_N, guess=guess, num_tests=len(guesses), known_N=known_N)
        for name, guess in guesses.items()
    ]


def _told(
    name: str,
    task: Task,
    sides: Sides,
    *,
    y_N: NDArray[np.int64],
    guess: Guess,
    num_tests: int,
    known_N: NDArray[np.bool_] | None = None,
) -> Told:
    known_N = np.ones(len(y_N), np.bool_) if known_N is None else known_N
    rows = [_known(fold, known_N) for fold in sides.splits.folds]
    rows = [(train_N, test_N) for train_N, test_N in rows if len(train_N) and len(test_N)]
    test_N = np.concatenate([test_N for _, test_N in rows])
    guess_N = np.concatenate([guess(train_N, test_N) for train_N, test_N in rows])
    num_train = float(np.mean([len(train_N) for train_N, _ in rows]))
    widened = sqrt(1 + len(test_N) / num_train) if len(rows) > 1 else 1.0
    return _recall(name, y_N[test_N], guess_N, _units(task)[test_N], num_tests=num_tests, widened=widened)


def _known(fold: Fold, known_N: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return fold.train_N[known_N[fold.train_N]], fold.test_N[known_N[fold.test_N]]


def _units(task: Task) -> NDArray[np.int64]:
    """What is independent (N,): speakers, or clips where speakers are not known or are what is asked for."""
    return clusters([None if task.speakers == "shared" else clip.speaker for clip in task.clips])[0]


def _recall(
    name: str,
    true_N: NDArray[np.int64],
    guess_N: NDArray[np.int64],
    unit_N: NDArray[np.int64],
    *,
    num_tests: int,
    widened: float,
) -> Told:
    """The recall of guesses (N,) of labels (N,), and its interval over units (N,), so many times as wide."""
    count_K = np.bincount(true_N, minlength=int(max(true_N.max(), guess_N.max())) + 1)
    share_K = np.bincount(guess_N, minlength=len(count_K)) / len(guess_N)
    num_classes = int(np.count_nonzero(count_K))
    weight_N = 1 / (num_classes * count_K[true_N])
    added_N = weight_N * ((guess_N == true_N) - share_K[true_N])
    variance_K = share_K * (1 - share_K)
    reach = widened * _reach(added_N, weight_N, variance_K[true_N], unit_N, true_N, tail=_LEVEL / 2 / num_tests)
    value = float(np.sum(weight_N * (guess_N == true_N)))
    return Told(
        name=name, value=value, low=max(0.0, value - reach), high=min(1.0, value + reach), chance=1 / num_classes
    )


def _reach(
    added_N: NDArray[np.float64],
    weight_N: NDArray[np.float64],
    variance_N: NDArray[np.float64],
    unit_N: NDArray[np.int64],
    true_N: NDArray[np.int64],
    *,
    tail: float,
) -> float:
    """Half an interval: by what units were seen to add (N,), and at least by what chance alone would make them add.

    A few speakers who are all told right vary in nothing, which proves little. Chance is taken to move all clips of a
    unit and a class at once, each by its weight (N,) and a variance (N,).
    """
    from scipy.special import ndtri, stdtrit

    added_U = np.bincount(np.unique(unit_N, return_inverse=True)[1], added_N)
    num_units = len(added_U)
    if num_units == 1:
        return 1.0
    seen = float(added_U.std()) * num_units / sqrt(num_units - 1)
    cell_N = np.unique(unit_N * (int(true_N.max()) + 1) + true_N, return_inverse=True)[1]
    by_chance = sqrt(float(np.sum(np.bincount(cell_N, weight_N * np.sqrt(variance_N)) ** 2)))
    return max(-float(stdtrit(num_units - 1, tail)) * seen, -float(ndtri(tail)) * by_chance)


def _table(column_N: NDArray[Any], y_N: NDArray[np.int64], num_classes: int) -> Guess:
    """Guesses by the most likely class of a value, all classes being as likely before it is seen."""

    def guess(train_N: NDArray[np.int64], test_N: NDArray[np.int64]) -> NDArray[np.int64]:
        edges = _edges(column_N[train_N])
        train_bin_N, test_bin_N = (np.searchsorted(edges, column_N[rows], side="right") for rows in (train_N, test_N))
        cell_N = train_bin_N * num_classes + y_N[train_N]
        count_BK = np.bincount(cell_N, minlength=(len(edges) + 1) * num_classes).reshape(-1, num_classes)
        return np.asarray((count_BK / np.maximum(1, count_BK.sum(axis=0))).argmax(axis=1)[test_bin_N], dtype=np.int64)

    return guess


def _edges(value_N: NDArray[Any]) -> NDArray[Any]:
    """Where bins of values start: each its own for a category, for a number as many as the root of the clips."""
    if value_N.dtype == np.int64:
        return np.unique(value_N)
    num_bins = min(_NUM_BINS, max(2, round(sqrt(len(value_N)))))
    return np.unique(np.quantile(value_N, np.arange(1, num_bins) / num_bins, method="higher"))


def _linear(x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Guess:
    """Guesses by logistic regression, all classes being as likely before a clip is seen."""
    learn = shelf.load("probes", "logistic").Probe

    def guess(train_N: NDArray[np.int64], test_N: NDArray[np.int64]) -> NDArray[np.int64]:
        present_K, known_N, count_K = np.unique(y_N[train_N], return_inverse=True, return_counts=True)
        if len(present_K) == 1:
            return np.full(len(test_N), present_K[0])
        scores_NK = learn(**_SETTING).fit(x_ND[train_N], known_N.astype(np.int64)).scores(x_ND[test_N])
        return np.asarray(present_K[(scores_NK / count_K).argmax(axis=1)], dtype=np.int64)

    return guess


def _columns(facts: Sequence[Facts]) -> dict[str, NDArray[Any]]:
    """Codes (N,) of categories and numbers (N,), by the name of each property that differs; zero without facts."""
    known = [row for row, one in enumerate(facts) if one]
    columns: dict[str, NDArray[Any]] = {}
    for name in (*CATEGORIES, *NUMBERS):
        found = [facts[row][name] for row in known]
        if len(set(found)) > 1:
            column_N = np.zeros(len(facts), np.int64 if name in CATEGORIES else np.float64)
            column_N[known] = _codes(found) if name in CATEGORIES else found
            columns[name] = column_N
    return columns


def _features(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """All properties (N, D), a column a number and a column a value of a category."""
    parts = [
        (column_N[:, None] == np.unique(column_N)) if name in CATEGORIES else column_N[:, None]
        for name, column_N in columns.items()
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _classes(task: Task) -> tuple[NDArray[np.int64], int]:
    if task.classes is None:
        numbers = np.array(task.labels, dtype=np.float64)
        fifth_N = np.searchsorted(np.quantile(numbers, (0.2, 0.4, 0.6, 0.8)), numbers)
        return np.unique(fifth_N, return_inverse=True)[1].astype(np.int64), len(np.unique(fifth_N))
    return np.array([task.classes.index(str(label)) for label in task.labels], dtype=np.int64), len(task.classes)


def _codes(things: Sequence[Any]) -> NDArray[np.int64]:
    return np.unique(np.array(things), return_inverse=True)[1].astype(np.int64)
