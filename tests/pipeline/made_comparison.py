"""Models on clips whose speakers they understand differently well, as arrays, as contests and as runs on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from noss import __version__, shelf
from noss.pipeline._compare_align import Aligned, Answers
from noss.pipeline._predictions import Predictions, predictions_path, write_predictions

CLASSES = ["calm", "angry"]


def speech(generator: Any, *, num_models=2, num_speakers=30, num_clips=20, own=1.0, lead=0.0):
    """Speakers (N,), truths (N,) and scores by model (N, 2): each model understands each speaker in its own way.

    `own` is how far models differ by speaker, in log odds, `lead` how much better the first model is for all.
    """
    speaker_N = np.repeat(np.arange(num_speakers), num_clips)
    ease_J1 = generator.normal(0.5, 1.0, (num_speakers, 1))
    odds_JM = ease_J1 + own * generator.standard_normal((num_speakers, num_models)) + lead * np.eye(1, num_models)
    true_N = generator.integers(2, size=len(speaker_N))
    logit_NM = odds_JM[speaker_N] + generator.logistic(size=(len(speaker_N), num_models))
    sign_N = 2 * true_N - 1
    scores = [np.stack([-sign_N * logit_N, sign_N * logit_N], axis=1) / 2 for logit_N in logit_NM.T]
    return speaker_N, true_N, scores


def aligned(speaker_N, true_N, scores, *, metric="accuracy", name="made/mood", corpus="made", **facts) -> Aligned:
    """A contest of models a, b, c ... on clips of speakers; a speaker of None says nothing."""
    module, num = shelf.load("metrics", metric), len(true_N)
    entrants = {chr(97 + m): [Answers(seed=0, measure=module, scores_NK=s)] for m, s in enumerate(scores)}
    given = {
        "ids": [f"{row:032x}" for row in range(num)],
        "speakers": [None if one is None else f"s{one}" for one in speaker_N],
        "partners": None,
        "way": "",
        "places": [(f"{row}.wav", 0.0) for row in range(num)],
        "num_classes": 0 if module.METRIC.takes == "numbers" else 2,
        "target": "mood",
        "spare": {},
        "notes": [],
    }
    return Aligned(name=name, corpus=corpus, metric=metric, true_N=true_N, entrants=entrants, **{**given, **facts})


def write_model(
    run: Path,
    model: str,
    speaker_N,
    true_N,
    scores_NK,
    *,
    task: str = "made/mood",
    rows=None,
    seed: int = 0,
    **facts,
) -> Path:
    """The predictions file of a model in a run's folder; `rows` keeps some of the clips."""
    dataset, target = task.split("/")
    kept = np.arange(len(true_N)) if rows is None else np.asarray(rows)
    known: dict[str, Any] = {
        "model": model, "model_revision": f"revision of {model}", "dataset": dataset, "dataset_revision": "1", "target": target,
        "classes": CLASSES, "protocol": "clean", "splits": "folds by speaker", "variant": "", "aside": False, "average": None,
        "probe": "logistic", "probe_options": [], "probabilities": False, "metric": "accuracy", "num_train": 9, "num_failed": 0,
        "speakers": "disjoint", "warnings": [], "ranked": True, "seed": seed, "signature": f"{model} {task} {seed} {run.name}",
        "noss_version": __version__, "embed_s": 1.0, "audio_s": 1.0, "device": "made", "size_mb": None, "num_parameters": None,
        "dim": 4, "root": str(run),
    }  # fmt: skip
    predictions = Predictions(
        facts={**known, **facts},
        ids=[f"{row:032x}" for row in kept],
        files=[f"{row:04d}.wav" for row in kept],
        start_s=np.zeros(len(kept)),
        end_s=[None] * len(kept),
        speakers=[None if speaker_N is None else f"s{speaker_N[row]}" for row in kept],
        folds=[None] * len(kept),
        true_N=true_N[kept],
        scores_NK=scores_NK[kept],
    )
    path = predictions_path(run, model=model, task=task, probe=str(predictions.facts["probe"]))
    write_predictions(path, predictions)
    return path
