"""Fine-tuning by folds: no voice on two sides, rows beside those of frozen embeddings, the same again by the same seed."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
import torch
from torch import nn

import noss
import tiny_models
from miniatures import torgo, uaspeech
from noss.audio import chunk
from noss.datasets import Clip
from noss.errors import DataError
from noss.pipeline._clips import open_tasks
from noss.pipeline._finetune_folds import Tuning, lay_out, sides, write_table
from noss.pipeline._finetune_predict import CLASS, Net, predict_clips, probabilities
from noss.pipeline._split import Fold
from noss.pipeline._train_log import read_log
from noss.pipeline.compare import compare
from noss.pipeline.finetune import finetune
from noss.pipeline.score import read_scores

RECIPE: dict[str, Any] = {
    "student": "audiontt/512",
    "objective": "classify",
    "data": [],
    "steps": 2,
    "crop_s": 0.3,
    "batch_size": 4,
    "validation": 0.2,
    "validate_every": 1,
}
MINIATURES = {"torgo/dysarthria": torgo, "torgo/intelligibility": torgo, "uaspeech/intelligibility": uaspeech}


def recipe(folder: Path, **changes: Any) -> Path:
    path = folder / "recipe.py"
    path.write_text(f"RECIPE = {RECIPE | changes!r}\n", encoding="utf-8")
    return path


def tones(folder: Path, *, num_speakers: int = 6) -> str:
    """Two clips of each speaker, a low tone (`z`) or a high one (`a`), as a task."""
    generator = np.random.default_rng(0)
    rows = ["file,speaker,label"]
    for speaker in range(num_speakers):
        for take in range(2):
            time_T = np.arange(8_000) / 16_000
            tone_T = np.sin(2 * np.pi * (250 if speaker % 2 else 2_000) * time_T)
            name = f"{speaker}_{take}.wav"
            soundfile.write(folder / name, 0.1 * (tone_T + 0.1 * generator.standard_normal(8_000)), 16_000)
            rows.append(f"{name},s{speaker},{'z' if speaker % 2 else 'a'}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return f"csv/{folder / 'clips.csv'}/label"


def tune(path: Path, task: str, out: Path, *changes: str, **options: Any) -> Any:
    return finetune(path, tasks=[task], out=out, set=changes, device="cpu", workers=0, draws=50, **options)


def scores_in(out: Path) -> np.ndarray:
    table = pq.read_table(next(iter((out / "predictions").glob("*finetune*.parquet"))))
    names = [name for name in table.column_names if name.startswith("score_")]
    return np.stack([table[name].to_numpy() for name in names], axis=1)


def speakers_by_split(table: Path) -> dict[str, set[str]]:
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {split: {row["speaker"] for row in rows if row["split"] == split} for split in ("train", "dev")}


@pytest.mark.parametrize("name", MINIATURES)
def test_no_speaker_of_a_fold_is_in_two_of_train_dev_and_test(tmp_path: Path, name: str) -> None:
    corpus = name.partition("/")[0]
    MINIATURES[name].build(tmp_path / corpus)
    task = open_tasks(name, roots={corpus: tmp_path / corpus})[0]
    given: dict[str, Any] = {"out": tmp_path, "cache": tmp_path / "cache", "device": "cpu", "workers": 0}
    tuned = lay_out(task, Tuning(source=recipe(tmp_path), changes=[], seed=0, **given))
    tested: list[int] = []
    for place, fold in enumerate(tuned.split.folds):
        fit_N, dev_N = sides(fold, task.labels, validation=0.2)
        table = tmp_path / f"{place}.csv"
        write_table(table, task, {"train": fit_N.tolist(), "dev": dev_N.tolist()})
        found = speakers_by_split(table)
        test = {str(task.clips[row].speaker) for row in fold.test_N.tolist()}
        assert found["train"] and found["dev"] and test
        assert not found["train"] & found["dev"] and not (found["train"] | found["dev"]) & test
        tested += fold.test_N.tolist()
    assert sorted(tested) == list(range(len(task.clips)))


def test_the_speakers_that_choose_leave_every_class_to_learn_from_where_they_can() -> None:
    rows = [np.array(some) for some in ([0, 1], [2, 3], [0, 2], [1, 3])]
    fold = Fold(train_N=np.arange(4), test_N=np.array([4]), inner=((rows[0], rows[1]), (rows[2], rows[3])))
    fit_N, dev_N = sides(fold, ["a", "a", "b", "b", "a"], validation=0.2)
    assert fit_N.tolist() == [0, 2] and dev_N.tolist() == [1, 3]
    fit_N, dev_N = sides(fold, ["a", "a", "b", "b", "a"], validation=0)
    assert fit_N.tolist() == [0, 1, 2, 3] and dev_N.tolist() == []


class Counted(nn.Module):
    """The number of samples as the logit of the first class, so that windows tell."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def scores(self, waveform_BT: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
        assert waveform_BT.shape[1] == int(lengths_B[0])
        return torch.stack([lengths_B / 1600.0, torch.zeros(len(lengths_B))], dim=1)


def test_probabilities_are_in_the_order_of_the_task_and_average_windows_by_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(2_400), 16_000)
    net = Net(Counted(), 16_000, chunk.Policy(window_s=0.1), classes=("b", "a"))
    found_K, duration_s = probabilities(net, Clip(path=tmp_path / "a.wav", labels={}), classes=("a", "b", "never seen"))
    first_b, last_b = (1 / (1 + np.exp(-logit)) for logit in (1.0, 0.5))
    wanted_b = (1_600 * first_b + 800 * last_b) / 2_400
    assert found_K == pytest.approx([1 - wanted_b, wanted_b, 0.0])
    assert duration_s == pytest.approx(0.15)


def test_a_clip_that_cannot_be_read_is_told_and_the_others_are_scored(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1_600), 16_000)
    clips = [Clip(path=tmp_path / name, labels={}) for name in ("gone.wav", "a.wav")]
    net = Net(Counted(), 16_000, chunk.Policy(window_s=0.1), classes=("a", "b"))
    (lost, kept), heard_s = predict_clips(net, clips, classes=("a", "b"))
    assert "gone.wav" in lost.reason and lost.stage == "read"  # type: ignore[union-attr]
    assert kept.sum() == pytest.approx(1.0) and heard_s == pytest.approx(0.1)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "task", "told"),
    [
        ({"objective": "triplet"}, "torgo/dysarthria", "gives no scores of classes"),
        ({}, "uaspeech/percent", "no task with"),
        ({"compress": {"int8": {}}}, "torgo/dysarthria", "makes no net smaller"),
    ],
)
def test_what_learns_no_classes_or_makes_nets_smaller_is_refused(
    tmp_path: Path, change: dict[str, Any], task: str, told: str
) -> None:
    corpus = task.partition("/")[0]
    {"torgo": torgo, "uaspeech": uaspeech}[corpus].build(tmp_path / corpus)
    with pytest.raises(DataError, match=told):
        tune(recipe(tmp_path, **change), task, tmp_path / "out", root=[f"{corpus}={tmp_path / corpus}"])


def test_classes_called_by_numbers_stay_classes_in_the_table_of_a_fold(tmp_path: Path) -> None:
    task = open_tasks(tones(tmp_path), roots={})[0]
    names = [str(number // 2) for number in range(60)]
    places = enumerate(names)
    clips = [dataclasses.replace(task.clips[0], start_s=row / 1_000, labels={"label": name}) for row, name in places]
    task = dataclasses.replace(task, clips=clips, classes=tuple(dict.fromkeys(names)))
    write_table(tmp_path / "train.csv", task, {"train": range(60)})
    found = open_tasks(f"csv/{tmp_path}/train.csv/label", roots={})[0].classes
    assert found is not None and {name.removeprefix(CLASS) for name in found} == set(names)


def test_what_each_fold_sets_by_itself_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"seed=3 .* give --seed"):
        tune(recipe(tmp_path), "torgo/dysarthria", tmp_path / "out", "seed=3")


def test_the_root_of_the_suite_holds_for_tasks_that_are_named(tmp_path: Path) -> None:
    path = recipe(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + "\nSUITE = {'root': ['torgo=./gone']}\n", encoding="utf-8")
    with pytest.raises(DataError, match="the root of torgo is gone, which does not exist"):
        tune(path, "torgo/dysarthria", tmp_path / "out")


@pytest.mark.slow
def test_a_net_tells_tones_of_voices_it_never_heard(tmp_path: Path) -> None:
    path = recipe(tmp_path, steps=10, validation=0, lr=3e-4, validate_every=5)
    done = tune(path, tones(tmp_path, num_speakers=4), tmp_path / "out")
    main = next(score for score in done.scores if score.main)
    assert main.value == 1.0 and done.failures == []
    assert [one["step"] for one in main.probe_options] == [10] * 4, "with nothing held out the last checkpoint counts"


@pytest.mark.slow
def test_held_out_speakers_choose_the_checkpoint_and_the_same_again_is_the_same(tmp_path: Path) -> None:
    task, path, out = tones(tmp_path), recipe(tmp_path), tmp_path / "out"
    done = tune(path, task, out)
    options = next(score for score in done.scores if score.main).probe_options
    logs = sorted(out.glob("finetune/*/fold-*/run"))
    assert len(logs) == len(options) == 5
    for folder, chosen in zip(logs, options, strict=True):
        held_out = {step: value for step, name, value in read_log(folder) if name == "held_out/loss"}
        assert chosen["step"] == min(held_out, key=lambda step: held_out[step])
    rows = pq.read_table(next(iter((out / "predictions").glob("*.parquet"))), columns=["fold", "speaker"]).to_pylist()
    for fold in range(5):
        tested = {row["speaker"] for row in rows if row["fold"] == fold}
        seen = speakers_by_split(logs[fold].parent / "train.csv")
        assert tested and not tested & (seen["train"] | seen["dev"]) and not seen["train"] & seen["dev"]
    before = {
        file: file.stat().st_mtime_ns for file in out.rglob("*") if file.is_file() and file.name != "scores.jsonl"
    }
    assert tune(path, task, out).scores == done.scores
    assert {file: file.stat().st_mtime_ns for file in before} == before
    tune(path, task, tmp_path / "again")
    assert np.array_equal(scores_in(out), scores_in(tmp_path / "again"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torgo/dysarthria", "uaspeech/intelligibility"])
def test_three_ways_stand_side_by_side_on_the_same_clips(tmp_path: Path, name: str) -> None:
    corpus = name.partition("/")[0]
    MINIATURES[name].build(tmp_path / corpus)
    root, out = [f"{corpus}={tmp_path / corpus}"], tmp_path / "out"
    asr = f"transformers/{tiny_models.transformer('whisper', tmp_path)}"
    noss.run(
        models=["logmel_stats", asr], tasks=[name], probes=["nearest_centroid"], root=root, out=out, draws=50, workers=0
    )
    tune(recipe(tmp_path, steps=1), name, out, root=root)
    main = [score for score in read_scores(out / "scores.jsonl") if score.main]
    assert {score.model for score in main} == {"logmel_stats", asr, "audiontt/512"}
    assert len({(score.dataset_revision, score.num_test, score.num_speakers, score.protocol) for score in main}) == 1
    found = compare([out, "logmel_stats", asr, "audiontt/512"], by=["material"], draws=20, permutations=20)
    assert [len(result.standings) for result in found.contests] == [3]
    assert {group.name.partition(" ")[0] for group in found.groups} == {"logmel_stats", asr, "audiontt/512"}
    assert noss.report(out, style="markdown").read_text(encoding="utf-8").count("finetune") >= 1
