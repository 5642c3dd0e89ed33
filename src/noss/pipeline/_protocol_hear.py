"""HEAR's own way with its own probe; for comparison with its leaderboard.

The probe (`probes/hear_mlp.py`) is stopped where its metric on validation is best, and of eight settings the one that is
then best there is scored on test. Validation is the published dev split; of published folds it is the fold behind the one
that is tested, in turn, and the score is the mean over folds.

One clause of the original is kept although it is odd: of folds, settings are chosen in the first round alone, so the fold
that chose them is tested in the second. A task without a published dev split or three folds has no such validation, and
is refused. Clips of the same bytes are kept from both sides, which the original does not look for.

Source: Turian et al., HEAR: Holistic Evaluation of Audio Representations (2022), and its kit heareval 2021.1.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from noss.errors import DataError, ProbeError
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_fit import Fitted, Learner, value_of
from noss.pipeline._predictions_task import facts_of, predictions_of
from noss.pipeline._probe_choice import learner_of, probe_name
from noss.pipeline._protocol import Job, Variant
from noss.pipeline._split import Splits, folds
from noss.pipeline._stratify import Rows

PROBE: str | None = "hear_mlp"
PROBES = ("hear_mlp",)
MIN_FOLDS = 3


@dataclass(frozen=True, kw_only=True)
class _Round:
    """Usable rows to fit on, to watch and to score."""

    fit_N: Rows
    dev_N: Rows
    test_N: Rows


def variants(job: Job) -> list[Variant]:
    """One number, for every task that publishes what to validate on.

    Raises:
        DataError: Neither a dev split nor three folds are published, or the embeddings have several layers.
        ProbeError: The target is a number.
    """
    probe_name(job.task, PROBE)
    if job.model.card.layers > 1:
        raise DataError(
            f"{job.model.name} has {job.model.card.layers} layers, and the protocol hear takes one: add @LAYER"
        )
    _rounds(job, _split(job))
    return [Variant()]


def predict(job: Job) -> Iterable[Predictions]:
    """Predictions of the setting that was best on validation, a row a test clip."""
    split, learner = _split(job), learner_of(job.task, "hear_mlp", seed=job.seed)
    rounds = _rounds(job, split)
    tried = [(setting, *_watched(job, rounds[0], setting, learner)) for setting in learner.probe.SETTINGS]
    setting, best, _ = max(tried, key=lambda one: one[2])  # the first of equals, as in the original
    fitted = [best, *(_watched(job, one, setting, learner)[0] for one in rounds[1:])]
    facts = facts_of(job.data, job.embedded, job.model, split=split, learner=learner)
    return [_predictions(job, rounds, fitted, {**facts, **_own(split, rounds, setting)})]


def _split(job: Job) -> Splits:
    return folds(job.task, seed=job.seed, ids=job.embedded.ids)


def _rounds(job: Job, split: Splits) -> list[_Round]:
    """Every round in the order of the folds; rounds without a usable clip to fit on, to watch or to score are left out."""
    if split.selection == "published dev split":
        sides = [(*split.folds[0].inner[0], split.folds[0].test_N)]
    elif split.name.startswith("published folds") and len(split.folds) >= MIN_FOLDS:
        nexts = [*split.folds[1:], split.folds[0]]
        pairs = [(one, after.test_N) for one, after in zip(split.folds, nexts, strict=True)]
        sides = [(np.setdiff1d(one.train_N, dev_N), dev_N, one.test_N) for one, dev_N in pairs]
    else:
        raise DataError(
            f"{job.task.name} has {split.name} with {split.selection}, and the protocol hear needs a published dev split, "
            f"or {MIN_FOLDS} published folds: use clean"
        )
    places = [tuple(job.data.places(rows) for rows in three) for three in sides]
    rounds = [_Round(fit_N=fit, dev_N=dev, test_N=test) for fit, dev, test in places if min(map(len, (fit, dev, test)))]
    if not rounds:
        raise DataError(f"{job.task.name} has no usable clip on one side of its split: see which clips failed")
    return rounds


def _watched(job: Job, one: _Round, setting: Mapping[str, Any], learner: Learner) -> tuple[Fitted, float]:
    """A setting fitted on a round and how good it is on its validation clips, at the best moment."""
    x_ND, y_N = job.embeddings[:, 0], np.asarray(job.data.y_N, dtype=np.int64)
    present_K, targets_N = np.unique(y_N[one.fit_N], return_inverse=True)
    if len(present_K) == 1:
        raise ProbeError(f"the training clips of {job.task.name} hold one class only: a probe needs two; add clips")
    dev_ND, true_N = job.embeddings[one.dev_N], y_N[one.dev_N]

    def whole(probe: Any) -> Fitted:
        return Fitted(probe=probe, layer=0, present_K=present_K, num_classes=learner.num_classes)

    def value(probe: Any) -> float:
        return value_of(learner.metric, true_N, whole(probe).scores(dev_ND))

    probe = learner.probe(seed=learner.seed, **setting).fit_watched(x_ND[one.fit_N], targets_N, value=value)
    return whole(probe), value(probe)


def _own(split: Splits, rounds: Sequence[_Round], setting: Mapping[str, Any]) -> dict[str, Any]:
    """What the records of this protocol say that others do not."""
    watched = "the published dev split" if len(split.folds) == 1 else "the next fold, chosen in the first round"
    return {
        "splits": f"{split.name}; settings chosen and training stopped on {watched}",
        "average": "folds" if len(rounds) > 1 else None,
        "probe_options": [dict(setting)] * len(rounds),
        "num_train": round(float(np.mean([len(one.fit_N) for one in rounds]))),
    }


def _predictions(job: Job, rounds: Sequence[_Round], fitted: Sequence[Fitted], facts: Mapping[str, Any]) -> Predictions:
    test_N = np.concatenate([one.test_N for one in rounds])
    fold_N = np.concatenate([np.full(len(one.test_N), place) for place, one in enumerate(rounds)])
    scores = [probe.scores(job.embeddings[one.test_N]) for one, probe in zip(rounds, fitted, strict=True)]
    order_N = np.argsort(test_N, kind="stable")
    return predictions_of(
        job.data,
        facts,
        rows_N=test_N[order_N],
        folds=[int(fold) for fold in fold_N[order_N]] if len(rounds) > 1 else [None] * len(test_N),
        scores_NK=np.concatenate(scores)[order_N],
    )
