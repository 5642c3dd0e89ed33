"""Folders of clips: classes from sub-folders, splits where the first folders are splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from noss.datasets import folder
from noss.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_the_first_folder_is_the_class_however_deep_the_file_lies(tmp_path: Path) -> None:
    touch(tmp_path, "sad/a.wav", "sad/deep/er/b.ogg", "happy/c.flac")
    card, listed = folder.describe(tmp_path), list(folder.clips(tmp_path))
    assert card.targets == {"label": ("happy", "sad")}
    assert (card.num_clips, card.speakers) == (3, "unknown")
    assert [clip.labels["label"] for clip in listed] == ["happy", "sad", "sad"]
    assert all(clip.path.exists() for clip in listed)


def test_plain_audio_without_classes_has_no_target(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    assert folder.describe(tmp_path).targets == {}
    assert [dict(clip.labels) for clip in folder.clips(tmp_path)] == [{}, {}]


def test_one_class_is_no_target(tmp_path: Path) -> None:
    card = folder.describe(touch(tmp_path, "only/a.wav"))
    assert card.targets == {}
    assert "one sub-folder a class" in card.notes[0]


def test_folders_named_like_splits_are_splits(tmp_path: Path) -> None:
    touch(tmp_path, "train/sad/a.wav", "test/sad/b.wav", "Valid/happy/c.wav")
    found = [(clip.path.name, clip.split, clip.labels["label"]) for clip in folder.clips(tmp_path)]
    assert found == [("c.wav", "dev", "happy"), ("b.wav", "test", "sad"), ("a.wav", "train", "sad")]


def test_classes_that_happen_to_include_a_split_name_stay_classes(tmp_path: Path) -> None:
    touch(tmp_path, "train/a.wav", "bus/b.wav", "test/c.wav")
    assert folder.describe(tmp_path).targets == {"label": ("bus", "test", "train")}


@pytest.mark.parametrize("name", ["gone", "empty"])
def test_no_folder_and_no_audio_are_errors(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"no folder .*gone|no audio below .*empty"):
        list(folder.clips(tmp_path / name))
