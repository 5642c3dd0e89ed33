"""Tasks of HEAR: splits, folds, sample rates, metrics, several labels a clip, and folders that are none or are broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from miniatures import hear_tasks as small
from noss.datasets import Clip
from noss.errors import DataError
from noss.pipeline._clips import open_dataset, open_tasks
from noss.pipeline._split import folds

Files = dict[str, list[Any]]


def listed(path: Path | str) -> list[Clip]:
    return open_dataset(f"hear_tasks/{path}", roots={})[1]


def task(path: Path, target: str = "label") -> Any:
    return open_tasks(f"hear_tasks/{path}/{target}", roots={})[0]


def files(split: str, *labels: Any) -> Files:
    return {f"{split}-{row}.wav": [label] for row, label in enumerate(labels)}


def folded(root: Path) -> Path:
    labels = {f"fold{fold:02d}": files(f"f{fold}", "a", "b", "a", "b") for fold in range(3)}
    return small.write(root, labels, split_mode="new_split_kfold", task_name="tfds_crema_d")


def several(root: Path, **facts: Any) -> Path:
    labels = {
        split: {f"{split}0.wav": ["Bark", "Rain"], f"{split}1.wav": [], f"{split}2.wav": ["Bark"]}
        for split in ("train", "valid", "test")
    }
    return small.write(root, labels, prediction_type="multilabel", task_name="fsd50k", **facts)


def test_splits_labels_and_order_are_those_of_the_lists(tmp_path: Path) -> None:
    clips = listed(small.build(tmp_path).removeprefix("hear_tasks/"))
    assert [clip.split for clip in clips] == ["train"] * 12 + ["dev"] * 6 + ["test"] * 6
    assert [clip.labels["label"] for clip in clips[:3]] == ["_silence_", "no", "yes"]
    assert clips[0].path == tmp_path / "48000/train/silence-train00-nohash-0.wav"
    assert all(clip.path.is_file() and clip.speaker is None for clip in clips)


def test_a_folder_of_a_sample_rate_is_read_instead_of_the_highest(tmp_path: Path) -> None:
    small.build(tmp_path)
    assert {clip.path.parent.parent.name for clip in listed(tmp_path)} == {"48000"}
    assert {clip.path.parent.parent.name for clip in listed(tmp_path / "16000")} == {"16000"}
    assert task(tmp_path / "16000").classes == ("_silence_", "no", "yes")


def test_audio_in_another_format_is_found_by_its_stem(tmp_path: Path) -> None:
    small.build(tmp_path)
    for path in (tmp_path / "48000/test").iterdir():
        path.rename(path.with_suffix(".flac"))
    assert {clip.path.suffix for clip in listed(tmp_path) if clip.split == "test"} == {".flac"}


def test_the_card_states_counts_splits_hours_and_the_metric(tmp_path: Path) -> None:
    small.build(tmp_path)
    card = open_dataset(f"hear_tasks/{tmp_path}", roots={})[0]
    assert (card.title, card.num_clips, card.metric) == ("HEAR 2021, speech_commands v0.0.2", 24, "accuracy")
    assert card.num_by_split == {"train": 12, "dev": 6, "test": 6}
    assert card.hours == pytest.approx(24 * 0.1 / 3600)


@pytest.mark.parametrize(
    ("evaluation", "metric"),
    [
        (["top1_acc", "mAP"], "accuracy"),
        (["pitch_acc", "chroma_acc"], "accuracy"),
        (["mAP", "d_prime", "aucroc"], "average_precision"),
        (["aucroc", "mAP"], "auc"),
        (["d_prime"], "dprime"),
        (["chroma_acc"], "accuracy"),
    ],
)
def test_the_metric_is_the_first_that_is_known_here(tmp_path: Path, evaluation: list[str], metric: str) -> None:
    labels = {split: files(split, 60, 61) for split in ("train", "valid", "test")}
    card = open_dataset(f"hear_tasks/{small.write(tmp_path, labels, evaluation=evaluation)}", roots={})[0]
    assert card.metric == metric
    assert any("chroma_acc" in note for note in card.notes) == ("chroma_acc" in evaluation)


def test_labels_that_are_numbers_are_classes_in_the_vocabularys_order(tmp_path: Path) -> None:
    labels = {split: files(split, 61, 60, 100) for split in ("train", "valid", "test")}
    small.write(tmp_path, labels, task_name="nsynth_pitch")
    (tmp_path / "labelvocabulary.csv").write_bytes(b"idx,label\r\n0,60\r\n1,61\r\n2,100\r\n")
    assert task(tmp_path).classes == ("60", "61", "100")


def test_folds_are_numbered_by_their_names(tmp_path: Path) -> None:
    clips = listed(folded(tmp_path))
    assert Counter((clip.fold, clip.split) for clip in clips) == {(fold, None): 4 for fold in range(3)}
    assert clips[4].path.parent.name == "fold01"
    assert folds(task(tmp_path)).name == "published folds"


def test_of_several_labels_a_clip_each_is_a_target_that_is_present_or_absent(tmp_path: Path) -> None:
    clips = listed(several(tmp_path, evaluation=["mAP", "d_prime", "aucroc"]))
    assert [clip.labels["Bark"] for clip in clips[:3]] == ["present", "absent", "present"]
    assert [clip.labels["Rain"] for clip in clips[:3]] == ["present", "absent", "absent"]
    assert (task(tmp_path, "Rain").classes, task(tmp_path, "Rain").metric) == (("absent", "present"), "dprime")
    with pytest.raises(DataError, match="has the targets Bark, Rain: say which"):
        open_tasks(f"hear_tasks/{tmp_path}", roots={})


def test_a_task_that_labels_moments_is_refused(tmp_path: Path) -> None:
    small.build(tmp_path)
    event = {split: files(split, "a", "b") for split in ("train", "valid", "test")}
    small.write(tmp_path, event, embedding_type="event", task_name="dcase2016_task2")
    with pytest.raises(DataError, match=r"dcase2016_task2 .* labels moments .* take a task of embedding_type 'scene'"):
        listed(tmp_path)


def test_a_folder_of_tasks_names_one_of_them(tmp_path: Path) -> None:
    for name in ("esc50-v2.0.0-full", "gtzan-1.0.0-full"):
        (tmp_path / name).mkdir()
        small.build(tmp_path / name)
    with pytest.raises(DataError, match=r"holds 2 HEAR tasks and one is needed: .*esc50-v2.0.0-full"):
        listed(tmp_path)


def test_a_folder_that_is_no_task_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no task_metadata.json in .*: give the folder of one task"):
        listed(tmp_path)


def test_an_archive_without_audio_is_refused(tmp_path: Path) -> None:
    labels = {split: files(split, "a", "b") for split in ("train", "valid", "test")}
    small.write(tmp_path, labels, rates=())
    with pytest.raises(DataError, match="no folder of a sample rate such as 48000"):
        listed(tmp_path)
    (tmp_path / "48000").mkdir()
    with pytest.raises(DataError, match=r"no clip of speech_commands in .*48000: it needs train"):
        listed(tmp_path)


def test_a_file_of_the_list_that_is_not_there_keeps_its_clip(tmp_path: Path) -> None:
    small.build(tmp_path)
    gone = tmp_path / "48000/test/no-test01-nohash-0.wav"
    gone.unlink()
    assert gone in [clip.path for clip in listed(tmp_path)]


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no json": (lambda root: (root / "test.json").write_text("{"), "test.json is no JSON"),
    "no list": (lambda root: (root / "valid.json").unlink(), "cannot read .*valid.json"),
    "an array": (lambda root: (root / "test.json").write_text("[]"), "test.json holds no JSON object"),
    "two labels": (lambda root: (root / "test.json").write_text('{"a.wav": ["no", "yes"]}'), "'a.wav' has 2 labels and one"),
    "no label": (lambda root: (root / "test.json").write_text('{"a.wav": "no"}'), "'a.wav' has 'no' and a list of labels"),
    "unknown": (lambda root: (root / "test.json").write_text('{"a.wav": ["maybe"]}'), "'maybe', which labelvocabulary"),
    "twice": (lambda root: (root / "labelvocabulary.csv").write_text("idx,label\n0,no\n0,yes\n"), "csv line 3: 0,yes"),
    "gap": (lambda root: (root / "labelvocabulary.csv").write_text("idx,label\n0,no\n2,yes\n"), "numbers 2 labels and 0, 1"),
    "no vocabulary": (lambda root: (root / "labelvocabulary.csv").unlink(), "cannot read .*labelvocabulary.csv"),
    "no facts": (lambda root: (root / "task_metadata.json").write_text('{"task_name": "x"}'), "lacks embedding_type"),
}  # fmt: skip


@pytest.mark.parametrize("how", BREAKS)
def test_a_broken_task_says_which_file_and_what_is_wrong(tmp_path: Path, how: str) -> None:
    small.build(tmp_path)
    breaks, message = BREAKS[how]
    breaks(tmp_path)
    with pytest.raises(DataError, match=message):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"prediction_type": "regression"}, "prediction_type 'regression' and one of multiclass and multilabel"),
        ({"split_mode": "none"}, "split_mode 'none' with the splits"),
        ({"splits": ["train", "test"]}, "is neither train, valid and test nor folds"),
        ({"splits": "train"}, "must be lists"),
    ],
)
def test_metadata_of_another_kind_are_refused(tmp_path: Path, facts: dict[str, Any], message: str) -> None:
    labels = {split: files(split, "a", "b") for split in ("train", "valid", "test")}
    small.write(tmp_path, labels, **facts)
    with pytest.raises(DataError, match=message):
        listed(tmp_path)
