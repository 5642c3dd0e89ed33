"""A run that never happened: five models on five tasks, with labels that try to break the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from noss.pipeline._details_audio import Heard, data_uris
from noss.pipeline._details_page import model_page
from noss.pipeline._predictions import Predictions
from noss.reports import Details, Gap, Map, Score, Unit

HTML = "<img src=x onerror=alert(1)>"
FORMULA = "=cmd()"
EMOTIONS = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]
DIGITS = ["jackson", "nicolas", "theo", "yweweler", "george", "lucas"]
LANGUAGES = [
    "ar",
    "br",
    "cy",
    "de",
    "en",
    "es",
    "et",
    "eu",
    "fr",
    "it",
    "kab",
    "ky",
    "nl",
    "pl",
    "pt",
    "ru",
    "ta",
    "tr",
    "zh",
]
TASKS: dict[str, dict[str, Any]] = {
    "ravdess/emotion": {"metric": "uar", "classes": EMOTIONS, "num": 1440, "speakers": 24},
    "fsdd/speaker": {"metric": "uar", "classes": DIGITS, "num": 300, "speakers": 6, "kind": "shared"},
    "languages/language": {"metric": "uar", "classes": LANGUAGES, "num": 380, "speakers": 120},
    "csv/./calls.csv/mood": {
        "metric": "uar",
        "classes": [HTML, FORMULA],
        "num": 120,
        "speakers": None,
        "kind": "unknown",
    },
    "csv/./calls.csv/age": {"metric": "mae", "classes": None, "num": 200, "speakers": 40},
}
MODELS: dict[str, dict[str, Any]] = {
    "transformers/facebook/wav2vec2-base@6": {
        "skill": 1.45,
        "size": 378.0,
        "dim": 768,
        "embed_s": 2480.0,
        "num": 94_371_712,
    },
    "yamnet": {"skill": 1.4, "size": 4.1, "dim": 1024, "embed_s": 95.0, "num": 3_751_369},
    "onnx/./embedding_model.onnx": {"skill": 0.9, "size": 1.3, "dim": 96, "embed_s": 60.0, "num": 330_000},
    "logmel_stats": {"skill": 0.75, "size": None, "dim": 448, "embed_s": 14.0, "num": None},
    "trivial": {"skill": 0.2, "size": None, "dim": 4, "embed_s": 9.0, "num": None, "ranked": False},
}


def draws(true_N: Any, scores_NK: Any, weights_RN: Any) -> Any:
    """Accuracy, or mean absolute error of numbers, by weights."""
    numbers = scores_NK.shape[1] == 1
    each_N = np.abs(scores_NK[:, 0] - true_N) if numbers else (scores_NK.argmax(1) == true_N).astype(float)
    return weights_RN @ each_N / weights_RN.sum(1)


def predictions(task: str, model: str, seed: int = 0) -> Predictions:
    facts = TASKS[task]
    rng = np.random.default_rng([seed, *task.encode(), len(model)])
    truth_rng = np.random.default_rng([*task.encode()])
    num, classes = facts["num"], facts["classes"]
    speakers = [None if facts["speakers"] is None else f"s{i % facts['speakers']:03d}" for i in range(num)]
    skill = MODELS[model]["skill"]
    if classes is None:
        true_N = truth_rng.uniform(20, 80, num)
        scores_NK = (50 + (true_N - 50) * min(skill / 2, 1) + rng.normal(0, 9 / (0.4 + skill), num))[:, None]
    else:
        true_N = truth_rng.integers(0, len(classes), num)
        offset_S = rng.normal(0, 0.6, max(1, facts["speakers"] or 1))
        logits = rng.normal(0, 1, (num, len(classes)))
        logits[np.arange(num), true_N] += skill * 1.9 + offset_S[np.arange(num) % len(offset_S)]
        scores_NK = np.exp(1.4 * logits)
        scores_NK /= scores_NK.sum(1, keepdims=True)
    return Predictions(
        facts={"classes": classes, "signature": f"{task}{model}"},
        ids=[f"{i:032x}" for i in range(num)],
        files=[f"wavs/03-01-05-{i:04d}.wav" for i in range(num)],
        start_s=np.zeros(num),
        end_s=[None] * num,
        speakers=speakers,
        folds=[None] * num,
        true_N=true_N,
        scores_NK=scores_NK,
    )


def score(task: str, model: str, *, value: float, low: float, high: float) -> Score:
    facts, card = TASKS[task], MODELS[model]
    dataset, _, target = task.rpartition("/")
    classes = facts["classes"]
    return Score(
        model=model, model_revision="0" * 32, dataset=dataset, dataset_revision="1" * 32, target=target,
        protocol="clean", splits="5 folds by speaker" if facts["speakers"] else "5 folds over clips (no speakers)",
        probe="logistic" if classes else "ridge", probe_options=[{"c": 0.1}, {"c": 1.0}], metric=facts["metric"], main=True,
        higher_is_better=facts["metric"] != "mae", value=value, low=low, high=high,
        interval=f"95 % BCa bootstrap over {facts['speakers'] or facts['num']} {'speakers' if facts['speakers'] else 'clips'}, 2000 draws",
        num_train=facts["num"] * 4 // 5, num_test=facts["num"], num_failed=0, num_speakers=facts["speakers"],
        speakers=facts.get("kind", "disjoint"), num_classes=len(classes) if classes else None,
        chance=1 / len(classes) if classes else None, ranked=card.get("ranked", True), seed=0, signature="2" * 32,
        noss_version="0.1.0", date="2026-01-02T03:04:05Z", embed_s=card["embed_s"], audio_s=7200.0, device="x86_64, 2 cores",
        size_mb=card["size"], num_parameters=card["num"], dim=card["dim"],
        predictions=f"predictions/{model.replace('/', '_')}--{task.replace('/', '_')}.parquet",
    )  # fmt: skip


def measured(task: str, model: str) -> Score:
    """The score of made-up predictions, with a rough interval over clips."""
    made = predictions(task, model)
    each = draws(made.true_N, made.scores_NK, np.eye(len(made.ids)))
    value, half = float(each.mean()), float(2.2 * each.std() / np.sqrt(len(each) / 4))
    return score(
        task, model, value=value, low=max(0.0, value - half), high=min(1.0, value + half) if value < 1 else value + half
    )


@pytest.fixture(scope="session")
def scores() -> list[Score]:
    """Main scores of every model on every task, and a second metric for one."""
    main = [measured(task, model) for task in TASKS for model in MODELS]
    return [*main, replace(main[0], metric="accuracy", main=False)]


@pytest.fixture(scope="session")
def details(scores: list[Score], tmp_path_factory: pytest.TempPathFactory) -> Details:
    """What such a run would show, with sounds that can be played."""
    folder = tmp_path_factory.mktemp("sounds")
    main = [one for one in scores if one.main]
    made = {one.predictions: predictions(one.task, one.model) for one in main}
    metric: Any = SimpleNamespace(draws=draws)
    pages = {
        task: [model_page(one.predictions, made[one.predictions], metric=metric) for one in main if one.task == task]
        for task in TASKS
    }
    mistakes = [mistake for models in pages.values() for page in models for mistake in page["mistakes"]]
    heard = [
        Heard(str(name), _tone(folder, str(name)), 0.0, None) for name in dict.fromkeys(m["audio"] for m in mistakes)
    ]
    audio, _ = data_uris(heard[:150])
    return Details(
        run="first", settings={"command": ["noss", "run", "--models", "yamnet", "--out", "runs/first; rm"], "python": "3.12", "label": HTML},
        failures=[{"model": "yamnet", "file": f"{HTML}.wav", "start_s": "0.0", "end_s": "", "stage": "read", "reason": FORMULA}],
        units={"uar": Unit(title="Unweighted average recall", percent=True), "accuracy": Unit(title="Accuracy", percent=True),
               "mae": Unit(title="Mean absolute error", percent=False)},
        gaps=gaps(main), classes={task: facts["classes"] or [] for task, facts in TASKS.items()}, pages=pages,
        maps=[_map("ravdess", EMOTIONS), _map("languages", LANGUAGES)], audio=audio, notes=["no sound of a.wav: it is empty"],
    )  # fmt: skip


def gaps(main: list[Score]) -> dict[str, Gap]:
    """Distances to the best: tied when below two points (or 0.3 years)."""
    found = {}
    for task in TASKS:
        rivals = [one for one in main if one.task == task and one.ranked]
        sign = 1 if rivals[0].higher_is_better else -1
        top = max(rivals, key=lambda one: sign * one.value)
        for one in rivals:
            behind = sign * (top.value - one.value)
            room = 0.03 if sign > 0 else 0.4
            if one is not top:
                found[one.predictions] = Gap(
                    behind=behind, low=behind - room, high=behind + room, p=0.4 if behind <= room else 0.001
                )
    return found


def _map(dataset: str, labels: list[str]) -> Map:
    rng = np.random.default_rng(1)
    group = rng.integers(0, len(labels), 500)
    centre = rng.uniform(150, 850, (len(labels), 2))
    places = {
        model: [(int(x), int(y)) for x, y in np.clip(centre[group] + rng.normal(0, 60, (500, 2)), 0, 999)]
        for model in list(MODELS)[:3]
    }
    colours = {"label": [labels[g] for g in group], "speaker": [f"s{i % 24:02d}" for i in range(500)]}
    return Map(dataset=dataset, files=[f"wavs/{i:04d}.wav" for i in range(500)], colours=colours, places=places)


def _tone(folder: Path, name: str) -> Path:
    path = folder / f"{name}.wav"
    hz = 200 + int(name, 16) % 700
    time_T = np.arange(16000 * 2) / 16000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * time_T * (1 + 0.05 * np.sin(9 * time_T))), 16000)
    return path


@pytest.fixture(scope="session")
def make_score() -> Any:
    """Makes a record from a task, a model and three numbers."""
    return score
