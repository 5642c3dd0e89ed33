"""A few clips a class: a probe is fitted on k clips of each class drawn from train, again and again.

Test clips are those of `clean`, and so are the speakers who may be drawn from: never a test speaker, unless the task is
about who speaks. There are `NUM_DRAWS` draws, the same for every model; where there are folds, a draw is one training set
a fold. The k clips are the first of a shuffled list, so those of a smaller k are among those of a larger one. The value is
the mean over draws of the metric on the test clips.

No setting is chosen: k clips leave nothing to choose on, and more labelled clips than k would be needed to do it. The
probe's middle setting is taken, whatever the model.

Two kinds of luck are kept apart. The interval is over test speakers, with the draws as they are; `draw_sd` says how far a
single training set of k clips a class may be off. Where 50 draws of all test clips would be very many rows, a sample of
the test clips, even over classes and the same in every draw, stands for them, and a loud line says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_fit import Choice, Learner, fit_rows
from noss.pipeline._predictions_task import facts_of, predictions_of
from noss.pipeline._probe_choice import learner_of
from noss.pipeline._protocol import Job, Variant
from noss.pipeline._split import Splits, folds
from noss.pipeline._stratify import Rows

PROBE: str | None = None
COUNTS = (1, 5, 10, 20)
NUM_DRAWS = 50
METRICS = ("uar", "accuracy", "macro_f1")
MAX_ROWS = 100_000
MAX_CELLS = 20_000_000


@dataclass(frozen=True, kw_only=True)
class _Side:
    """A fold: the rows (N,) that may be drawn, by class, and those that are scored."""

    pools: list[Rows]
    test_N: Rows

    @property
    def smallest(self) -> int:
        """Clips of the class that has fewest."""
        return min(len(pool) for pool in self.pools)


def variants(job: Job) -> list[Variant]:
    """A number for each count of clips that every class has in training.

    Raises:
        DataError: The target is a number, or the embeddings have several layers.
    """
    task, num_layers = job.task, job.model.card.layers
    if task.classes is None:
        raise DataError(f"{task.name} is about numbers, and the protocol few draws clips of each class: use clean")
    if num_layers > 1:
        raise DataError(f"{job.model.name} has {num_layers} layers, and the protocol few chooses none: add @LAYER")
    return [Variant(name=f"k={count}") for count in _counts(_sides(job.data, _split(job)))]


def predict(job: Job) -> Iterator[Predictions]:
    """A row a draw and test clip; the fold is the draw."""
    assert job.probe is not None
    split = _split(job)
    sides = _sides(job.data, split)
    test_rows = _sampled(job, np.concatenate([side.test_N for side in sides]))
    sides = [_Side(pools=side.pools, test_N=side.test_N[np.isin(side.test_N, test_rows)]) for side in sides]
    learner = learner_of(job.task, job.probe, seed=job.seed)
    facts = facts_of(job.data, job.embedded, job.model, split=split, learner=learner)
    for count in _counts(sides):
        own = _facts(job.data, sides, facts, split=split, count=count, learner=learner)
        yield _drawn(job, sides, {**facts, **own}, count=count, learner=learner)


def _split(job: Job) -> Splits:
    return folds(job.task, seed=job.seed, ids=job.embedded.ids)


def _sides(data: Data, split: Splits) -> list[_Side]:
    sides = []
    for fold in split.folds:
        train_N, test_N = data.places(fold.train_N), data.places(fold.test_N)
        train_N = train_N[np.argsort([data.ids[row] for row in train_N], kind="stable")]
        pools = [train_N[data.y_N[train_N] == y] for y in np.unique(data.y_N[train_N])]
        if len(test_N):
            sides.append(_Side(pools=pools, test_N=test_N))
    return sides


def _counts(sides: list[_Side]) -> list[int]:
    """The counts that every class can give; one clip always."""
    return [count for count in COUNTS if count <= max(1, min(side.smallest for side in sides))]


def _sampled(job: Job, test_N: Rows) -> Rows:
    """The test rows (N,) that are scored: all, or as many as 50 draws of them stay within bounds, even over classes."""
    assert job.task.classes is not None
    most = min(MAX_ROWS, MAX_CELLS // len(job.task.classes)) // NUM_DRAWS
    if len(test_N) <= most:
        return test_N
    by_id = test_N[np.argsort([job.data.ids[row] for row in test_N], kind="stable")]
    shuffled = np.random.default_rng(job.seed).permutation(by_id)
    ordered = shuffled[np.argsort(job.data.y_N[shuffled], kind="stable")]
    return ordered[np.linspace(0, len(ordered) - 1, most).astype(np.int64)]


def _drawn(job: Job, sides: list[_Side], facts: Mapping[str, Any], *, count: int, learner: Learner) -> Predictions:
    choice = Choice(setting=_middle(learner), layer=0)
    scores: list[NDArray[np.float64]] = []
    for draw in range(NUM_DRAWS):
        for place, side in enumerate(sides):
            train_N = _draw(side, count=count, seed=[job.seed, draw, place])
            fitted = fit_rows(learner, job.inputs, job.data.y_N, train_N, choice=choice)
            scores.append(fitted.scores(job.inputs[side.test_N]))
    rows_N = np.concatenate([side.test_N for side in sides])
    first = predictions_of(
        job.data, facts, rows_N=rows_N, folds=[0] * len(rows_N), scores_NK=np.concatenate(scores[: len(sides)])
    )
    return _repeated(first, np.concatenate(scores))


def _repeated(first: Predictions, scores_NK: NDArray[np.float64]) -> Predictions:
    """The rows of the first draw again for every draw, with the scores (N, K) of all."""
    return replace(
        first,
        ids=[*first.ids] * NUM_DRAWS,
        files=[*first.files] * NUM_DRAWS,
        start_s=np.tile(first.start_s, NUM_DRAWS),
        end_s=[*first.end_s] * NUM_DRAWS,
        speakers=[*first.speakers] * NUM_DRAWS,
        folds=np.repeat(np.arange(NUM_DRAWS), len(first.ids)).tolist(),
        true_N=np.tile(first.true_N, NUM_DRAWS),
        scores_NK=scores_NK,
    )


def _draw(side: _Side, *, count: int, seed: list[int]) -> Rows:
    """The first clips of each class's shuffled pool: those of one draw contain those of the same draw with fewer."""
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.permutation(pool)[:count] for pool in side.pools])


def _middle(learner: Learner) -> Mapping[str, Any]:
    settings = learner.probe.SETTINGS
    return dict(settings[len(settings) // 2])


def _facts(
    data: Data, sides: list[_Side], facts: Mapping[str, Any], *, split: Splits, count: int, learner: Learner
) -> dict[str, Any]:
    num_test, num_all = sum(len(side.test_N) for side in sides), sum(len(data.places(f.test_N)) for f in split.folds)
    smallest = min(side.smallest for side in sides)
    warnings = [*facts["warnings"]]
    if num_test < num_all:
        warnings.append(f"{num_test} of {num_all} test clips are scored, even over classes, the same in every draw")
    if smallest < COUNTS[-1]:
        warnings.append(f"the smallest class has {smallest} clips to draw from: no more can be tried")
    clips = "clip" if count == 1 else "clips"
    return {
        "splits": f"{split.name}; {NUM_DRAWS} draws of {count} {clips} a class from train, the probe's setting fixed",
        "probe_options": [{**_middle(learner), "k": count}],
        "num_train": round(float(np.mean([count * len(side.pools) for side in sides]))),
        "average": "folds",
        "sets_per_draw": len(sides),
        "metrics": METRICS,
        "warnings": warnings,
    }
