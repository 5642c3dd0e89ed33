"""ESC-50: the list taken apart, recordings in one fold, the human sounds, broken lists."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from miniatures import esc50 as miniature
from noss.datasets import esc50
from noss.errors import DataError
from noss.pipeline._clips import open_tasks
from noss.pipeline._split import folds

LIST = "meta/esc50.csv"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    miniature.build(tmp_path)
    return tmp_path


def test_fifty_classes_in_five_groups_of_ten() -> None:
    assert [len(sounds) for sounds in esc50.GROUPS.values()] == [10] * 5
    assert len(set(esc50.SOUNDS)) == 50
    assert (esc50.SOUNDS[21], esc50.SOUNDS[39], esc50.SOUNDS[49]) == ("sneezing", "glass_breaking", "hand_saw")


def test_a_line_of_the_list_is_taken_apart(root: Path) -> None:
    clip = next(clip for clip in esc50.clips(root) if clip.path.name == "2-2021-B-21.wav")
    assert clip.labels == {"sound": "sneezing", "human_sound": "sneezing"}
    assert (clip.fold, clip.session, clip.speaker) == (1, "2021", None)
    assert clip.facts == {"group": "human", "esc10": "true", "take": "B"}


def test_only_human_sounds_have_the_second_target(root: Path) -> None:
    (task,) = open_tasks("esc50/human_sound", roots={"esc50": root})
    assert task.classes == esc50.HUMAN
    assert {clip.facts["group"] for clip in task.clips} == {"human"}
    assert len(task.clips) == 55


@pytest.mark.parametrize("target", ["sound", "human_sound"])
def test_the_five_folds_are_the_published_ones_and_keep_recordings_together(root: Path, target: str) -> None:
    (task,) = open_tasks(f"esc50/{target}", roots={"esc50": root})
    protocol = folds(task)
    assert (protocol.name, len(protocol.folds), task.speakers) == ("published folds", 5, "unknown")
    where = defaultdict(set)
    for number, fold in enumerate(protocol.folds):
        for row in fold.test_N:
            where[task.clips[row].session].add(number)
    assert all(len(numbers) == 1 for numbers in where.values())


def test_a_listed_file_that_is_missing_keeps_its_clip(root: Path) -> None:
    (root / "audio/1-1000-A-0.wav").unlink()
    clips = list(esc50.clips(root))
    assert len(clips) == 255
    assert [clip.path.name for clip in clips if not clip.path.is_file()] == ["1-1000-A-0.wav"]


def test_the_archives_own_folder_may_stand_in_the_root(root: Path) -> None:
    (root / "ESC-50-master").mkdir()
    for name in ("audio", "meta"):
        (root / name).rename(root / "ESC-50-master" / name)
    assert len(list(esc50.clips(root))) == 255


def test_the_ends_of_lines_do_not_matter(root: Path) -> None:
    before = list(esc50.clips(root))
    (root / LIST).write_bytes((root / LIST).read_bytes().replace(b"\n", b"\r\n"))
    assert list(esc50.clips(root)) == before


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (",dog,", ",wolf,", "'wolf' is none of the 50 classes"),
        (".wav,1,0,", ".wav,6,0,", "fold '6' is none of 1 to 5"),
        (",1000,A", ",1000", "6 cells where 7 are needed"),
    ],
)
def test_the_line_that_makes_no_sense_is_named(root: Path, old: str, new: str, what: str) -> None:
    (root / LIST).write_text((root / LIST).read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=rf"esc50\.csv line 2: {what}.*: download the list again"):
        list(esc50.clips(root))


@pytest.mark.parametrize("gone", ["meta", "audio"])
def test_a_wrong_root_says_what_is_needed(root: Path, gone: str) -> None:
    (root / gone).rename(root / "elsewhere")
    with pytest.raises(DataError, match=r"no clip of esc50 in .*: it needs meta/esc50\.csv.*; give --root esc50=DIR"):
        list(esc50.clips(root))
