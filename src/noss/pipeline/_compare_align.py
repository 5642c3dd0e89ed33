"""A contest on common ground: the clips that every entrant has, their truth, and every entrant's scores of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.errors import DataError
from noss.metrics import Metric
from noss.pipeline._average import averaged
from noss.pipeline._compare_files import Contest
from noss.pipeline._predictions import Predictions, read_predictions

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What an entrant answered in one seed: scores (N, K) of the common clips, and the metric as its protocol takes it."""

    seed: int
    measure: Any
    scores_NK: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """A contest on the clips that all entrants have.

    Attributes:
        name: The contest's name.
        way: Protocol and variant: a suite is of one.
        corpus: The dataset; contests on one share speakers.
        target: What is predicted.
        metric: Name of the metric.
        num_classes: Classes; 0 for numbers.
        ids: What tells each clip (or trial) apart.
        speakers: Who speaks in each.
        partners: Who speaks in the second clip of each trial; None where rows are clips.
        places: Where each is: file below the corpus's root, and start in seconds.
        true_N: Their labels (N,).
        entrants: Every entrant's answers, a seed each; as many for each, the same seeds where all have some in common.
        spare: Answers in further seeds, for the noise of seeds only.
        notes: Loud lines.
    """

    name: str
    way: str
    corpus: str
    target: str
    metric: str
    num_classes: int
    ids: list[str]
    speakers: list[str | None]
    partners: list[str | None] | None
    places: list[tuple[str, float]]
    true_N: NDArray[Any]
    entrants: Mapping[str, list[Answers]]
    spare: Mapping[str, list[Answers]]
    notes: list[str]

    @property
    def facts(self) -> Metric:
        """The facts of the metric."""
        facts: Metric = shelf.load("metrics", self.metric).METRIC
        return facts

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1."""
        return 1 if self.facts.higher_is_better else -1


def align(contest: Contest) -> Aligned:
    """Read a contest's predictions and keep the clips that all entrants have.

    Raises:
        DataError: A file cannot be read, entrants disagree about metric, classes or labels, or nothing is common or measured.
    """
    read = {
        label: {seed: read_predictions(file.path) for seed, file in sorted(files.items())}
        for label, files in contest.entrants.items()
    }
    everything = [one for seeds in read.values() for one in seeds.values()]
    _check_alike(contest, everything)
    rows = _common(everything)
    if not len(rows[0]):
        raise DataError(f"{contest.name}: no clip is common to {', '.join(read)}: score them on the same recordings")
    by_id = dict(zip(map(id, everything), rows, strict=True))
    true_N, first = everything[0].true_N[rows[0]], everything[0]
    _check_truth(contest, everything, rows)
    metric = shelf.load("metrics", str(first.facts["metric"]))
    answers = {
        label: {seed: _answers(one, by_id[id(one)], metric, seed=seed) for seed, one in seeds.items()}
        for label, seeds in read.items()
    }
    _check_measured(contest, answers, true_N)
    taken, notes = _seeds(answers)
    kept = rows[0].tolist()
    return Aligned(
        name=contest.name,
        way=contest.first.way,
        corpus=str(first.facts["dataset"]),
        target=str(first.facts["target"]),
        metric=str(first.facts["metric"]),
        num_classes=len(first.classes or ()),
        ids=[first.ids[row] for row in kept],
        speakers=[first.speakers[row] for row in kept],
        partners=None if first.partners is None else [first.partners[row] for row in kept],
        places=[(first.files[row], float(first.start_s[row])) for row in kept],
        true_N=true_N,
        entrants={label: [answers[label][seed] for seed in seeds] for label, seeds in taken.items()},
        spare={
            label: [one for seed, one in found.items() if seed not in taken[label]] for label, found in answers.items()
        },
        notes=[*_left_out(read, rows[0]), *notes, *_absent(first, true_N)],
    )


def _answers(predictions: Predictions, rows_N: Rows, metric: Any, *, seed: int) -> Answers:
    measure = averaged(metric, predictions, rows=rows_N)
    return Answers(seed=seed, measure=measure, scores_NK=predictions.scores_NK[rows_N])


def _check_alike(contest: Contest, everything: Sequence[Predictions]) -> None:
    for fact in ("metric", "classes", "average"):
        found = list(dict.fromkeys(str(one.facts.get(fact)) for one in everything))
        if len(found) > 1:
            raise DataError(
                f"{contest.name}: {fact} differs between files ({found[0]}; {found[1]}): score both in the same way"
            )


def _check_truth(contest: Contest, everything: Sequence[Predictions], rows: Sequence[Rows]) -> None:
    for one, rows_N in zip(everything[1:], rows[1:], strict=True):
        differ = int((one.true_N[rows_N] != everything[0].true_N[rows[0]]).sum())
        if differ:
            pair = f"{everything[0].facts['model']} and {one.facts['model']}"
            raise DataError(f"{contest.name}: {differ} clips have another label for {pair}: score both on one table")


def _check_measured(contest: Contest, answers: Mapping[str, Mapping[int, Answers]], true_N: NDArray[Any]) -> None:
    for label, seeds in answers.items():
        for one in seeds.values():
            try:
                one.measure.score(true_N, one.scores_NK)
            except ValueError as error:
                raise DataError(f"{contest.name}: {label} cannot be measured on the common clips: {error}") from error


def _keys(predictions: Predictions) -> list[Hashable]:
    """What tells rows apart: the clip, and its fold where folds are averaged over, or else which time it comes up."""
    if predictions.facts.get("average") == "folds":
        return list(zip(predictions.ids, predictions.folds, strict=True))
    times: Counter[str] = Counter()
    keys: list[Hashable] = []
    for name in predictions.ids:
        keys.append((name, times[name]))
        times[name] += 1
    return keys


def _common(everything: Sequence[Predictions]) -> list[Rows]:
    """Rows (N,) of each that hold the clips all have, in the order of the first."""
    places = [{key: row for row, key in enumerate(_keys(one))} for one in everything]
    shared = [key for key in places[0] if all(key in place for place in places[1:])]
    return [np.array([place[key] for key in shared], dtype=np.int64) for place in places]


def _left_out(read: Mapping[str, Mapping[int, Predictions]], rows_N: Rows) -> list[str]:
    lacking = {label: max(len(one.ids) for one in seeds.values()) for label, seeds in read.items()}
    largest = max(lacking.values())
    if largest == len(rows_N):
        return []
    return [f"compared on the {len(rows_N):,} clips that all have, of {largest:,}"]


def _absent(first: Predictions, true_N: NDArray[Any]) -> list[str]:
    absent = [] if first.classes is None else sorted(set(range(len(first.classes))) - set(true_N.tolist()))
    if not absent or first.classes is None:
        return []
    named = ", ".join(first.classes[place] for place in absent[:3])
    return [f"{len(absent)} of {len(first.classes)} classes have no test clip ({named})"]


def _seeds(answers: Mapping[str, Mapping[int, Answers]]) -> tuple[dict[str, list[int]], list[str]]:
    """The seeds taken of every entrant: those that all have, or else as many as all have."""
    shared = sorted(set.intersection(*(set(seeds) for seeds in answers.values())))
    if shared:
        fewer = any(len(seeds) > len(shared) for seeds in answers.values())
        notes = [f"compared over the {len(shared)} seeds that all have"] if fewer and len(shared) > 1 else []
        return dict.fromkeys(answers, shared), notes
    num = min(len(seeds) for seeds in answers.values())
    note = f"no seed is common to all: the first {num} of each are compared, and their noise is in every difference"
    return {label: sorted(seeds)[:num] for label, seeds in answers.items()}, [note]
