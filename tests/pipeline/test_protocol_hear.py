"""HEAR's protocol: its kit's score on a whole task, its rounds of folds, and tasks that it does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_task
import numpy as np
import pytest

from golden import hear_mlp as golden
from noss.datasets import Clip
from noss.errors import DataError, ProbeError
from noss.pipeline._clips import Task
from noss.pipeline._predictions import Predictions, read_predictions
from noss.pipeline._protocol import run_protocol
from noss.pipeline.score import score
from noss.probes.hear_mlp import Probe

KIT = json.loads((Path(__file__).parent.parent / "golden/hear_mlp.json").read_text())["grid_points"]
SMALL = tuple({**setting, "hidden_dim": 64, "max_epochs": 90} for setting in Probe.SETTINGS[1:3])


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probe, "SETTINGS", SMALL)


def predicted(task: Task, x_NLD: Any, out: Path, *, layers: int = 1, failed: tuple[int, ...] = ()) -> Predictions:
    embedded = made_task.embedded(task, x_NLD, failed=failed)
    model = made_task.model(dim=x_NLD.shape[2], layers=layers)
    paths = run_protocol(task, embedded, model=model, out=out, protocol="hear")
    assert len(paths) == 1
    return read_predictions(paths[0])


def task_of(clips: list[Clip], **facts: Any) -> Task:
    return made_task.task(clips, speakers="unknown", **facts)


def split_task(num: int = 90) -> tuple[Task, Any]:
    """Moods in three clusters; every third clip in train, the next in dev, the next in test."""
    splits = ["train", "dev", "test"]
    return _clustered(num, split=[splits[row // 3 % 3] for row in range(num)])


def folded_task(num: int = 120, *, num_folds: int = 4) -> tuple[Task, Any]:
    return _clustered(num, fold=[row // 3 % num_folds for row in range(num)])


def _clustered(num: int, **columns: Any) -> tuple[Task, Any]:
    y_N = np.arange(num) % 3
    x_ND = 2 * np.eye(3, 8)[y_N] + np.random.default_rng(0).standard_normal((num, 8))
    clips = made_task.clips([made_task.CLASSES[y] for y in y_N], num_speakers=None, **columns)
    return task_of(clips, metric="accuracy"), x_ND[:, None].astype(np.float32)


@pytest.mark.long
def test_a_whole_task_scores_what_the_kit_scores_at_its_best_grid_point(tmp_path: Path) -> None:
    made, splits = golden.task(), {"train": "train", "valid": "dev", "test": "test"}
    rows = [(split, y) for split, (_, y_N) in made.items() for y in y_N]
    clips = [
        Clip(path=Path(f"/data/{row:05d}.wav"), labels={"mood": golden.CLASSES[y]}, split=splits[split])  # type: ignore[arg-type]
        for row, (split, y) in enumerate(rows)
    ]
    x_ND = np.concatenate([x_ND for x_ND, _ in made.values()])
    found = predicted(task_of(clips, classes=golden.CLASSES, metric="accuracy"), x_ND[:, None], tmp_path)
    best = max(KIT, key=lambda point: point["validation"])
    assert found.facts["probe_options"][0]["lr"] == best["lr"]
    assert found.facts["probe_options"][0]["hidden_layers"] == best["hidden_layers"]
    accuracy = float((found.scores_NK.argmax(axis=1) == found.true_N).mean())
    assert accuracy == pytest.approx(best["test"], abs=0.02)


def test_the_test_split_is_scored_once_and_the_record_says_how(quick: None, tmp_path: Path) -> None:
    task, x_NLD = split_task()
    found = predicted(task, x_NLD, tmp_path)
    assert len(found.ids) == 30
    assert set(found.folds) == {None}
    assert found.facts["splits"] == "published split; settings chosen and training stopped on the published dev split"
    assert (found.facts["protocol"], found.facts["probe"]) == ("hear", "hear_mlp")
    assert (found.facts["num_train"], found.facts["average"]) == (30, None)
    assert (found.scores_NK.argmax(axis=1) == found.true_N).mean() > 0.7


def test_every_fold_is_tested_and_the_next_one_is_watched(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, x_NLD = folded_task()
    folds = np.array([clip.fold for clip in task.clips])
    fitted: list[set[int]] = []
    original = Probe.fit_watched

    def spied(self: Probe, x_ND: Any, y_N: Any, *, value: Any) -> Probe:
        rows = [int(np.flatnonzero((x_NLD[:, 0] == x_D).all(axis=1))[0]) for x_D in x_ND]
        fitted.append(set(folds[rows].tolist()))
        return original(self, x_ND, y_N, value=value)

    monkeypatch.setattr(Probe, "fit_watched", spied)
    found = predicted(task, x_NLD, tmp_path)
    assert fitted == [{2, 3}, {2, 3}, {0, 3}, {0, 1}, {1, 2}]  # two settings in the first round, one in the others
    assert sorted(found.folds) == sorted(folds.tolist())
    assert found.facts["splits"].endswith("on the next fold, chosen in the first round")


def test_the_score_of_folds_is_the_mean_over_folds(quick: None, tmp_path: Path) -> None:
    task, x_NLD = folded_task(num=129)  # the folds are not of one size
    found = predicted(task, x_NLD, tmp_path)
    folds, hits = np.array(found.folds), found.scores_NK.argmax(axis=1) == found.true_N
    records = score(next(tmp_path.rglob("*.parquet")), draws=20).scores
    assert records[0].value == pytest.approx(np.mean([hits[folds == fold].mean() for fold in range(4)]))


def test_clips_that_failed_take_no_part(quick: None, tmp_path: Path) -> None:
    task, x_NLD = split_task()
    found = predicted(task, x_NLD, tmp_path, failed=(0, 8))  # one of train, one of test
    assert (len(found.ids), found.facts["num_train"], found.facts["num_failed"]) == (29, 29, 2)


def test_a_class_that_training_lacks_scores_lowest(quick: None, tmp_path: Path) -> None:
    task, x_NLD = split_task()
    kept = [row for row, clip in enumerate(task.clips) if clip.split == "test" or clip.labels["mood"] != "sad"]
    fewer = task_of([task.clips[row] for row in kept], metric="accuracy")
    found = predicted(fewer, x_NLD[kept], tmp_path)
    assert (found.scores_NK[:, 2] == 0.0).all()


def test_a_task_that_publishes_no_validation_is_refused(tmp_path: Path) -> None:
    task, x_NLD = made_task.mood_task(num=60)
    with pytest.raises(DataError, match="needs a published dev split, or 3 published folds: use clean"):
        predicted(task, x_NLD, tmp_path)
    task, x_NLD = folded_task(num_folds=2)
    with pytest.raises(DataError, match="or 3 published folds: use clean"):
        predicted(task, x_NLD, tmp_path)


def test_numbers_and_several_layers_are_refused(tmp_path: Path) -> None:
    task, x_NLD = split_task()
    with pytest.raises(DataError, match="made has 2 layers, and the protocol hear takes one: add @LAYER"):
        predicted(task, np.repeat(x_NLD, 2, axis=1), tmp_path, layers=2)
    clips = made_task.clips([float(row) for row in range(30)], num_speakers=None)
    with pytest.raises(ProbeError, match="has numbers and probe hear_mlp predicts classes"):
        predicted(task_of(clips, classes=None, metric="mae"), x_NLD[:30], tmp_path)
