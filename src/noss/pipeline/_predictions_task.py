"""The predictions of a probe on a task: every fold fitted, every test clip scored once, every fact noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import __version__
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._models import Model
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_fit import Choice, Embeddings, Fitted, Learner, choice_of, fit_rows, tables_each
from noss.pipeline._predictions_layers import layer_curve, mean_mix
from noss.pipeline._split import Fold, Splits


@dataclass(frozen=True, kw_only=True)
class FittedFold:
    """One fold: its place among the splits, its test rows (N,), the probe fitted on its training rows, and how."""

    fold: int
    test_N: NDArray[np.int64]
    fitted: Fitted
    choice: Choice
    num_train: int


@dataclass(frozen=True, kw_only=True)
class FittedTask:
    """Every fold of a task that has test rows, and what validation said: a table (S, L) a fold, and what it chose."""

    folds: list[FittedFold]
    tables: list[NDArray[np.float64] | None]
    choices: list[Choice]


def fit_task(data: Data, x_NLD: Embeddings, split: Splits, *, learner: Learner) -> FittedTask:
    """Choose settings and layer on validation and fit a probe on the training rows of every fold.

    Args:
        data: The usable clips.
        x_NLD: Their embeddings (N, L, D); no test row is looked at.
        split: The folds, over all clips of the task.
        learner: What to fit.
    """
    pairs = [[(data.places(fit_N), data.places(dev_N)) for fit_N, dev_N in fold.inner] for fold in split.folds]
    tables = tables_each(learner, x_NLD, data.y_N, pairs)
    choices = [choice_of(learner, table_SL) for table_SL in tables]
    folds = [fold for fold in enumerate(split.folds) if len(data.places(fold[1].test_N))]
    fitted = [_fit(data, x_NLD, fold, place, learner=learner, choice=choices[place]) for place, fold in folds]
    return FittedTask(folds=fitted, tables=tables, choices=choices)


def predict_task(
    data: Data, x_NLD: Embeddings, split: Splits, *, learner: Learner, facts: Mapping[str, Any], curve: bool = False
) -> Predictions:
    """Fit a probe on every fold of a task and score every test clip once.

    Args:
        data: The usable clips.
        x_NLD: Their embeddings (N, L, D).
        split: The folds, over all clips of the task.
        learner: What to fit.
        facts: What is known before fitting; returned with the predictions.
        curve: Whether to score every layer of several by itself as well.
    """
    task = fit_task(data, x_NLD, split, learner=learner)
    scores = [one.fitted.scores(x_NLD[one.test_N]) for one in task.folds]
    found: dict[str, Any] = {}
    if learner.mixes:
        found["layers"] = mean_mix([one.fitted.mix.weights_L for one in task.folds if one.fitted.mix is not None])
    elif curve and x_NLD.shape[1] > 1:
        known = {one.fold: (one.test_N, of_fold) for one, of_fold in zip(task.folds, scores, strict=True)}
        tables, choices = task.tables, task.choices
        found["layers"] = layer_curve(data, x_NLD, split, learner=learner, tables=tables, choices=choices, known=known)
    rows = [one.test_N for one in task.folds]
    return predictions_of_folds(data, {**facts, **found}, task, rows=rows, scores=scores, num_layers=x_NLD.shape[1])


def predictions_of_folds(
    data: Data,
    facts: Mapping[str, Any],
    task: FittedTask,
    *,
    rows: Sequence[NDArray[np.int64]],
    scores: Sequence[NDArray[np.float64]],
    num_layers: int,
) -> Predictions:
    """Predictions from the scores (N, K) that each fitted fold gave some rows (N,) of usable clips, in the task's order."""
    test_N = np.concatenate(rows)
    order_N = np.argsort(test_N, kind="stable")
    fold_N = np.concatenate([np.full(len(of_fold), one.fold) for one, of_fold in zip(task.folds, rows, strict=True)])
    found = {
        "probe_options": [_options(one, num_layers=num_layers) for one in task.folds],
        "num_train": round(float(np.mean([one.num_train for one in task.folds]))),
        "warnings": [*facts["warnings"], *_warnings(task.folds)],
    }
    return predictions_of(
        data,
        {**facts, **found},
        rows_N=test_N[order_N],
        folds=[int(fold) for fold in fold_N[order_N]] if len(task.folds) > 1 else [None] * len(fold_N),
        scores_NK=np.concatenate(scores)[order_N],
    )


def predictions_of(
    data: Data,
    facts: Mapping[str, Any],
    *,
    rows_N: NDArray[np.int64],
    folds: Sequence[int | None],
    scores_NK: NDArray[np.float64],
) -> Predictions:
    """Predictions from scores (N, K) of usable clips, whose rows (N,) say which, with the fold each was scored in."""
    clips = [data.clips[row] for row in rows_N]
    return Predictions(
        facts=facts,
        ids=[data.ids[row] for row in rows_N],
        files=[_below(clip.path, data.task.root) for clip in clips],
        start_s=np.array([clip.start_s for clip in clips], dtype=np.float64),
        end_s=[clip.end_s for clip in clips],
        speakers=[clip.speaker for clip in clips],
        folds=folds,
        true_N=data.y_N[rows_N],
        scores_NK=scores_NK,
    )


def facts_of(
    data: Data, embedded: Embedded | EmbeddedFrames, model: Model, *, split: Splits, learner: Learner
) -> dict[str, Any]:
    """What a score needs to know about a model and a task, before anything is fitted."""
    facts = plain_facts(data, model, split=split, seed=learner.seed, speed=embedded.store.speed())
    return {**facts, "probabilities": learner.probe.PROBABILITIES}


def plain_facts(
    data: Data, model: Model, *, split: Splits, seed: int, speed: tuple[float, float, str]
) -> dict[str, Any]:
    """As `facts_of`, whatever the scores come from; `speed` is seconds of computing, seconds of audio, and the machine."""
    task, card = data.task, model.card
    embed_s, audio_s, device = speed
    return {
        "model": model.name,
        "model_revision": model.revision,
        "dataset": task.dataset,
        "dataset_revision": data.revision,
        "target": task.target,
        **({"condition": model.condition} if model.condition else {}),
        "classes": task.classes,
        "splits": f"{split.name}; settings chosen on {split.selection}",
        "metric": task.metric,
        "num_failed": data.num_failed,
        "speakers": task.speakers,
        "warnings": [*task.warnings, *split.warnings, *_failed(data), *([model.drift] if model.drift else [])],
        "ranked": card.ranked,
        "seed": seed,
        "noss_version": __version__,
        "embed_s": embed_s,
        "audio_s": audio_s,
        "device": device,
        "size_mb": card.size_mb,
        "num_parameters": card.num_parameters,
        "dim": card.dim,
        "root": str(task.root.absolute()),
    }


def _fit(data: Data, x_NLD: Embeddings, fold: Fold, place: int, *, learner: Learner, choice: Choice) -> FittedFold:
    train_N, test_N = data.places(fold.train_N), data.places(fold.test_N)
    fitted = fit_rows(learner, x_NLD, data.y_N, train_N, choice=choice)
    return FittedFold(fold=place, test_N=test_N, fitted=fitted, choice=choice, num_train=len(train_N))


def _below(path: Path, root: Path) -> str:
    """The path as text below the root where it can be; bytes of a name that are no UTF-8 are written as escapes."""
    text = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path.absolute())
    return text.encode("utf-8", "backslashreplace").decode()


def _options(one: FittedFold, *, num_layers: int) -> dict[str, Any]:
    if one.fitted.mix is not None:
        return {**one.choice.setting, "mix": [round(float(weight), 6) for weight in one.fitted.mix.weights_L]}
    return {**one.choice.setting, **({"layer": one.choice.layer} if num_layers > 1 else {})}


def _failed(data: Data) -> list[str]:
    if not data.num_failed:
        return []
    return [f"{data.num_failed} of {len(data.task.clips)} clips could not be read or embedded and are left out"]


def _warnings(scored: Sequence[FittedFold]) -> list[str]:
    if all(one.choice.chosen for one in scored):
        return []
    return ["validation clips could not tell the probe's settings apart: the middle one was taken"]
