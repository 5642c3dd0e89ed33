"""Robustness: probes fitted on clean clips as `clean` fits them, and test clips scored under one condition after another.

Every condition is scored with the same fitted probes on the same test clips, so its distance from the clean score is paired,
clip by clip. How far the embeddings themselves moved is measured beside: the mean cosine distance between a test clip's
embedding and that of the same clip altered. Dimensions are first centred and divided by their deviation over clean test
clips, as probes do, so that 0 is an embedding that did not move and 1 one as far away as that of an unrelated clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.errors import DataError, Failure
from noss.pipeline._alteration import Alteration
from noss.pipeline._alteration_files import Recordings, open_recordings
from noss.pipeline._analyse_request import Analysed, Request
from noss.pipeline._analyse_sample import Sampled
from noss.pipeline._analyse_study import Study
from noss.pipeline._bootstrap import clusters, paired_interval
from noss.pipeline._conditions import MADE, conditions
from noss.pipeline._embed_done import Embedded
from noss.pipeline._leaderboard import units
from noss.pipeline._models import Model
from noss.pipeline._models_altered import altered
from noss.pipeline._predictions import Predictions, predictions_path, read_predictions, shared_rows, write_predictions
from noss.pipeline._predictions_data import Data, data_of
from noss.pipeline._predictions_task import FittedTask, facts_of, fit_task, predictions_of_folds
from noss.pipeline._probe_choice import check_pooled, learner_of, probe_name
from noss.pipeline._protocol import DEFAULT, Job, carries, signature_of
from noss.pipeline._request import words
from noss.pipeline._split import Splits, folds
from noss.pipeline.score import score_predictions
from noss.reports import Details, Score
from noss.reports._studies import as_text

NAME = "robustness.jsonl"


def analyse(request: Request) -> Analysed:
    """Score every model on every task under every condition; what is known already is not made again.

    Raises:
        DataError: There is no such condition, or nothing of a folder of recordings can be used.
    """
    alterations, failures = _alterations(request)
    study = Study(request.out / NAME, request)
    study.lose(*failures)
    study.run(lambda model, task: _Stressed(model, task, request, study).scores(alterations))
    text = as_text("robustness", study.scores, Details(units=units(study.scores)))
    return Analysed(path=study.path, text=text, notes=study.notes, failures=study.failures)


def _alterations(request: Request) -> tuple[list[Alteration], list[Failure]]:
    noise, rooms = (_recordings(request, option) for option in ("noise", "rooms"))
    of = noise.name if noise else str(request.own["noise"] or "pink")
    wanted = conditions(words(request.own["conditions"]), noise=of, room=rooms.name if rooms else None)
    found = []
    for one in wanted:
        source = rooms if one.kind == "room" else noise if one.kind == "noise" and one.of == of else None
        files = {"recordings": source.paths, "digest": source.digest} if source else {}
        found.append(Alteration(condition=one, seed=request.seed, **files))  # type: ignore[arg-type]
    return found, [failure for source in (noise, rooms) if source for failure in source.failures]


def _recordings(request: Request, option: str) -> Recordings | None:
    folder = request.own[option]
    if folder is None or (option == "noise" and folder in MADE):
        return None
    return open_recordings(folder, option=f"--{option}", cache=request.plan.cache)


class _Stressed:
    """One model on one task: what clean clips give, fitted once, and every condition scored with it."""

    def __init__(self, model: Model, sampled: Sampled, request: Request, study: Study) -> None:
        self.model, self.task, self.ids = model, sampled.task, sampled.ids
        self.request, self.study = request, study
        self.probe = probe_name(self.task, request.own["probe"])
        check_pooled(self.probe, what="noss analyse robustness")
        if model.mixed:
            raise DataError(f"{model.name} learns a mix of layers: analyse @all, or a single layer")

    def scores(self, alterations: Sequence[Alteration]) -> list[Score]:
        """The record of clean clips, then one a condition."""
        clean = self._score(self._predicted(self.model, self.clean))
        return [clean, *(self._altered(one, clean) for one in alterations)]

    @cached_property
    def clean(self) -> Embedded:
        """Every clip as it is, embedded."""
        return self._embed(self.model, list(range(len(self.ids))))

    @cached_property
    def data(self) -> Data:
        """The clips that can be used."""
        return data_of(self.task, self.clean.ids, failures=self.clean.failures)

    @cached_property
    def split(self) -> Splits:
        """The folds."""
        return folds(self.task, seed=self.request.seed, ids=self.clean.ids)

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        """Embeddings (N, L, D) of the usable clips as they are."""
        return self.clean.store.lookup(self.data.ids)

    @cached_property
    def fitted(self) -> FittedTask:
        """Probes fitted on clean training clips, one a fold."""
        learner = learner_of(self.task, self.probe, seed=self.request.seed)
        return fit_task(self.data, self.embeddings, self.split, learner=learner)

    def _embed(self, model: Model, rows: Sequence[int]) -> Embedded:
        embedded = self.request.embed(model, [self.task.clips[row] for row in rows], [self.ids[row] for row in rows])
        self.study.lose(*embedded.failures)
        return embedded

    def _altered(self, alteration: Alteration, clean: Score) -> Score:
        model = altered(self.model, alteration)
        rows = np.unique(np.concatenate([fold.test_N for fold in self.split.folds])).tolist()
        embedded = self._embed(model, rows)
        score = self._score(self._predicted(model, embedded))
        known = [
            one for one in self.study.known if (one.signature, one.condition) == (score.signature, score.condition)
        ]
        if known and known[0].shift and clean in self.study.known:
            return known[0]
        return replace(score, shift=self._shift(score, clean, embedded))

    def _predicted(self, model: Model, embedded: Embedded) -> Path:
        """The predictions file of a condition; made where it is not there, or not this one."""
        job = Job(data=self.data, embedded=embedded, model=model, probe=self.probe, seed=self.request.seed)
        key, names = signature_of(job, DEFAULT), {"model": model.name, "task": self.task.name, "probe": self.probe}
        path = predictions_path(self.request.out, **names, variant=model.condition)
        if not (path.exists() and carries(path, key, root=self.task.root)):
            own = {"protocol": DEFAULT, "variant": "", "aside": False, "probe": self.probe, "signature": key}
            predictions = self._predict(model, embedded)
            write_predictions(path, replace(predictions, facts={**predictions.facts, **own}))
        return path

    def _predict(self, model: Model, embedded: Embedded) -> Predictions:
        data, there = self.data, {name for name in embedded.ids if name is not None}
        there_N = np.array([name in there for name in data.ids])
        rows = [one.test_N[there_N[one.test_N]] for one in self.fitted.folds]
        lost = sum(len(one.test_N) for one in self.fitted.folds) - sum(map(len, rows))
        learner = learner_of(self.task, self.probe, seed=self.request.seed)
        facts = facts_of(data, embedded, model, split=self.split, learner=learner)
        if model.condition:
            facts["splits"] += f"; fitted on clean clips, tested under the condition {model.condition}"
        facts["num_failed"] += lost
        facts["warnings"] += [f"{lost} clips could not be altered or embedded and are left out"] if lost else []
        scores = [
            one.fitted.scores(embedded.store.lookup([data.ids[row] for row in of_fold]))
            for one, of_fold in zip(self.fitted.folds, rows, strict=True)
        ]
        layers = self.model.card.layers
        return predictions_of_folds(data, facts, self.fitted, rows=rows, scores=scores, num_layers=layers)

    def _score(self, path: Path) -> Score:
        request = self.request
        return score_predictions(path, metrics=[], draws=request.draws, seed=request.seed, known=self.study.known)[0]

    def _shift(self, score: Score, clean: Score, embedded: Embedded) -> dict[str, float]:
        a, b = (read_predictions(self.request.out / one.predictions) for one in (score, clean))
        a_N, b_N = shared_rows(a, b)
        cluster_N, _ = clusters([a.speakers[row] for row in a_N])
        how = {"draws": self.request.draws, "seed": self.request.seed}
        metric, true_N = shelf.load("metrics", score.metric), a.true_N[a_N]
        found = paired_interval(metric, true_N, a.scores_NK[a_N], b.scores_NK[b_N], cluster_N, **how)
        ids = list(dict.fromkeys(a.ids[row] for row in a_N))
        moved = cosine_distance(self.clean.store.lookup(ids), embedded.store.lookup(ids))
        return {"change": found[0], "low": found[1], "high": found[2], "cosine": moved}


def cosine_distance(clean_NLD: NDArray[np.float32], altered_NLD: NDArray[np.float32]) -> float:
    """The mean cosine distance between embeddings (N, L, D) and those of the same clips altered, from 0 to 2.

    Dimensions are centred and divided by their deviation over the clean ones; those that do not vary there are left out. The
    mean is over clips and layers.
    """
    mean_LD, deviation_LD = clean_NLD.mean(0, dtype=np.float64), clean_NLD.std(0, dtype=np.float64)
    varies_LD = deviation_LD > 1e-7 * (np.abs(mean_LD) + 1e-7)
    scale_LD = np.where(varies_LD, 1 / np.where(varies_LD, deviation_LD, 1.0), 0.0)
    a_NLD, b_NLD = ((one_NLD - mean_LD) * scale_LD for one_NLD in (clean_NLD, altered_NLD))
    lengths_NL = np.linalg.norm(a_NLD, axis=2) * np.linalg.norm(b_NLD, axis=2)
    cosine_NL = np.sum(a_NLD * b_NLD, axis=2) / np.maximum(lengths_NL, 1e-300)
    return float(np.clip(1 - np.mean(cosine_NL), 0, 2))
