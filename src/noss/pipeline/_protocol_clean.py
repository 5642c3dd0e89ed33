"""Everything is chosen on validation clips, or in folds nested inside the training folds; test is read once."""

from __future__ import annotations

from collections.abc import Iterable

from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_task import facts_of, predict_task
from noss.pipeline._probe_choice import learner_of
from noss.pipeline._protocol import Job, Variant
from noss.pipeline._split import folds

PROBE: str | None = None


def variants(job: Job) -> list[Variant]:
    """One number, for every task."""
    del job
    return [Variant()]


def predict(job: Job) -> Iterable[Predictions]:
    """A probe fitted on train, chosen on validation, a row a test clip."""
    assert job.probe is not None
    split = folds(job.task, seed=job.seed, ids=job.embedded.ids)
    learner = learner_of(job.task, job.probe, seed=job.seed, mixes=job.model.mixed)
    facts = facts_of(job.data, job.embedded, job.model, split=split, learner=learner)
    return [predict_task(job.data, job.inputs, split, learner=learner, facts=facts, curve=True)]
