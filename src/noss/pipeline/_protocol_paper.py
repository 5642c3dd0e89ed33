"""The grid of the NOSS benchmark's papers on one train, dev and test split; for comparison with published numbers.

Five classifiers, each with and without L2 normalisation, and where speakers are known each of those with and without
speaker normalisation: twenty fits (`_protocol_paper_grid.py`). All are fitted on train; the metric is accuracy, unless the
task's own is an error rate of detection. Four numbers come of it, and only the first is ranked:

- the test score of the setting that is best on dev, speaker normalisation left out: it knows one clip at a time;
- `transductive`: the same with speaker normalisation in the grid, for which the mean and deviation of a test speaker's own
  clips must be known. What the papers chose from;
- `inductive`: the same, but dev and test clips are normalised by the mean and deviation of all training clips, as for a
  speaker never heard before; the fits are those of `transductive`;
- `best-on-test`: the best of the grid on test, as the FRILL model card reports. Too high by construction.

Two clauses of the originals are kept although they are odd: dev is never trained on, and logistic regression is stopped
after 100 steps (`_protocol_paper_logistic.py`). Where nothing is published that splits into train, dev and test, the
same is done in every fold with one of the folds inside its training set for dev, and a warning says that it is a deviation:
settings are then chosen fold by fold, and `best-on-test` is one setting for all folds.

Source: Shor et al., Towards learning a universal non-semantic representation of speech (2020); Peplinski et al., FRILL
(2021), whose model card says that the best test score is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.errors import DataError
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_fit import value_of
from noss.pipeline._predictions_task import facts_of, predictions_of
from noss.pipeline._probe_choice import learner_of
from noss.pipeline._protocol import Job, Variant
from noss.pipeline._protocol_paper_grid import Sides, Trial, grid, settings
from noss.pipeline._split import Fold, Splits, folds

PROBE: str | None = "noss_grid"
PROBES = ("lda", "forest")
_KINDS = {"": ("none",), "transductive": ("none", "transductive"), "inductive": ("none", "inductive")}
_BEST = "best-on-test"
_SAID = {
    "transductive": "chosen with speaker normalisation in the grid, which needs the other test clips of the same speaker",
    "inductive": "chosen with speaker normalisation in the grid, test clips normalised by all training clips",
    _BEST: "chosen on test, as the FRILL card reports: too high by construction, never ranked",
}


@dataclass(frozen=True, kw_only=True)
class _Round:
    """One train, dev and test split: which fold it is, its rows, and every setting tried, in the grid's order."""

    fold: int
    sides: Sides
    trials: list[Trial]


def variants(job: Job) -> list[Variant]:
    """The number chosen on dev, those with speaker normalisation where speakers are known, and the best on test.

    Raises:
        DataError: The target is a number, or the embeddings have several layers.
    """
    if job.task.classes is None:
        raise DataError(f"{job.task.name} is about numbers, and the protocol paper has classifiers only: use clean")
    if job.model.card.layers > 1:
        raise DataError(
            f"{job.model.name} has {job.model.card.layers} layers, and the protocol paper takes one: add @LAYER"
        )
    kinds = list(_KINDS) if _speakers_known(job.data) else [""]
    return [*(Variant(name=name, aside=bool(name)) for name in kinds), Variant(name=_BEST, aside=True)]


def predict(job: Job) -> Iterator[Predictions]:
    """Predictions of the settings chosen, a row a test clip; the whole grid stands in the facts."""
    split = folds(job.task, seed=job.seed, ids=job.embedded.ids)
    metric = _metric(job)
    rounds = [_round(job, place, fold, metric=metric) for place, fold in enumerate(split.folds)]
    rounds = [one for one in rounds if len(one.sides.test_N)]
    facts = _facts(job, split, rounds, metric=metric)
    tried = _table(job.data, rounds, metric=metric)
    for variant in variants(job):
        if variant.name == _BEST:
            best = _best(
                [_test_value(job.data, rounds, place, metric=metric) for place in range(len(rounds[0].trials))]
            )
            chosen = [best] * len(rounds)
        else:
            chosen = [_best(_dev_values(one, _KINDS[variant.name])) for one in rounds]
        grid = {} if variant.name else {"grid": tried}
        yield _chosen(job.data, rounds, chosen, facts={**facts, **grid}, name=variant.name)


def _metric(job: Job) -> str:
    own = shelf.load("metrics", job.task.metric).METRIC
    return job.task.metric if own.binary_only else "accuracy"


def _speakers_known(data: Data) -> bool:
    """Whether there are speakers to normalise by; a task about who speaks would be told its labels by them."""
    return data.task.speakers == "disjoint" and all(clip.speaker is not None for clip in data.clips)


def _round(job: Job, place: int, fold: Fold, *, metric: str) -> _Round:
    if not fold.inner:
        raise DataError(f"{job.task.name} has no clips to choose on: the protocol paper needs train, dev and test")
    fit_N, dev_N = fold.inner[place % len(fold.inner)]
    sides = Sides(*(job.data.places(rows) for rows in (fit_N, dev_N, fold.test_N)))
    if not len(sides.test_N):
        return _Round(fold=place, sides=sides, trials=[])
    tried = grid(
        job.data,
        job.embeddings[:, 0],
        sides,
        settings=settings(_speakers_known(job.data)),
        metric=shelf.load("metrics", metric),
        seed=job.seed,
    )
    return _Round(fold=place, sides=sides, trials=list(tried))


def _dev_values(one: _Round, kinds: Sequence[str]) -> list[float]:
    return [trial.dev if trial.setting.speaker_normalisation in kinds else -np.inf for trial in one.trials]


def _best(values: Sequence[float]) -> int:
    """The first of the best: ties go to what stands first in the grid."""
    return int(np.argmax(np.round(values, 12)))


def _test_value(data: Data, rounds: Sequence[_Round], place: int, *, metric: str) -> float:
    """The metric of one setting on the test clips of all rounds; settings no paper has are left out."""
    if rounds[0].trials[place].setting.speaker_normalisation == "inductive":
        return -np.inf
    test_N = np.concatenate([one.sides.test_N for one in rounds])
    scores_NK = np.concatenate([one.trials[place].scores_NK for one in rounds]).astype(np.float64)
    return value_of(shelf.load("metrics", metric), data.y_N[test_N], scores_NK)


def _chosen(
    data: Data, rounds: Sequence[_Round], chosen: Sequence[int], *, facts: dict[str, Any], name: str
) -> Predictions:
    trials = [one.trials[place] for one, place in zip(rounds, chosen, strict=True)]
    test_N = np.concatenate([one.sides.test_N for one in rounds])
    order_N = np.argsort(test_N, kind="stable")
    fold_N = np.concatenate([np.full(len(one.sides.test_N), one.fold) for one in rounds])[order_N]
    said = [_SAID[name]] if name else []
    own = {
        "probe_options": [trial.setting.options() for trial in trials],
        "warnings": [*facts["warnings"], *said],
    }
    return predictions_of(
        data,
        {**facts, **own},
        rows_N=test_N[order_N],
        folds=[int(fold) for fold in fold_N] if len(rounds) > 1 else [None] * len(fold_N),
        scores_NK=np.concatenate([trial.scores_NK for trial in trials])[order_N].astype(np.float64),
    )


def _facts(job: Job, split: Splits, rounds: Sequence[_Round], *, metric: str) -> dict[str, Any]:
    facts = facts_of(job.data, job.embedded, job.model, split=split, learner=learner_of(job.task, "lda", seed=job.seed))
    published = split.selection == "published dev split"
    dev = "the published dev split" if published else "one of the folds inside train, which is not fitted on"
    return {
        **facts,
        "metric": metric,
        "splits": f"{split.name}; settings chosen on {dev}",
        "num_train": round(float(np.mean([len(one.sides.fit_N) for one in rounds]))),
        "warnings": [*facts["warnings"], *([] if published else [_deviation(split)]), *_zeros(job)],
    }


def _deviation(split: Splits) -> str:
    return f"a deviation from the papers: no train, dev and test are published, so the grid ran on {split.name}"


def _zeros(job: Job) -> list[str]:
    num_zero = int((~job.embeddings[:, 0].any(axis=1)).sum())
    return [f"{num_zero} embeddings are all zeros: L2 normalisation leaves them as they are"] if num_zero else []


def _table(data: Data, rounds: Sequence[_Round], *, metric: str) -> list[dict[str, Any]]:
    """The grid, a row a round and setting; values are those of the metric, not turned."""
    sign = 1.0 if shelf.load("metrics", metric).METRIC.higher_is_better else -1.0
    return [
        {
            "fold": one.fold if len(rounds) > 1 else None,
            **trial.setting.options(),
            "metric": metric,
            "dev": _plain(sign * trial.dev),
            "test": _plain(sign * _value(data.y_N, one, trial, metric=metric)),
            "num_train": len(one.sides.fit_N),
            "num_dev": len(one.sides.dev_N),
            "num_test": len(one.sides.test_N),
        }
        for one in rounds
        for trial in one.trials
    ]


def _value(y_N: NDArray[Any], one: _Round, trial: Trial, *, metric: str) -> float:
    return value_of(shelf.load("metrics", metric), y_N[one.sides.test_N], trial.scores_NK.astype(np.float64))


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
