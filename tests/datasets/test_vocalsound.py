"""VocalSound: names taken apart, the published lists, facts of speakers, broken lists."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from miniatures import vocalsound as miniature
from noss.datasets import vocalsound
from noss.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    miniature.build(tmp_path)
    return tmp_path


def test_the_split_is_that_of_the_lists(root: Path) -> None:
    assert Counter(clip.split for clip in vocalsound.clips(root)) == {"train": 30, "dev": 12, "test": 18}


def test_a_speaker_who_came_twice_is_one_speaker(root: Path) -> None:
    names = {clip.path.name for clip in vocalsound.clips(root) if clip.speaker == "f0005"}
    assert {"f0005_0_cough.wav", "f0005_1_cough.wav"} < names
    assert len(names) == 12


def test_a_clip_carries_its_sound_and_the_facts_of_its_speaker(root: Path) -> None:
    clip = next(clip for clip in vocalsound.clips(root) if clip.path.name == "m0004_0_throatclearing.wav")
    assert clip.labels == {"sound": "throatclearing"}
    assert clip.facts == {
        "gender": "m", "age": "22", "country": "Korea, South", "language": "English", "health": "no",
    }  # fmt: skip


def test_without_the_lists_of_people_the_gender_is_told_by_the_name(root: Path) -> None:
    for path in (root / "meta").iterdir():
        path.unlink()
    assert {clip.facts["gender"] for clip in vocalsound.clips(root)} == {"f", "m"}


def test_the_recordings_at_44_khz_serve_where_the_others_are_not_there(root: Path) -> None:
    (root / "audio_16k").rename(root / "audio_44k")
    assert {clip.path.parent.name for clip in vocalsound.clips(root)} == {"audio_44k"}


def test_lists_whose_paths_are_of_windows_are_read(root: Path) -> None:
    before = list(vocalsound.clips(root))
    for path in (root / "datafiles").iterdir():
        path.write_text(path.read_text().replace("/data/sls/audio/vocalsound/", r"C:\\vs\\audio_16k\\"))
    assert list(vocalsound.clips(root)) == before


def test_a_listed_file_that_is_not_there_keeps_its_clip(root: Path) -> None:
    (root / "audio_16k" / "f0003_0_cough.wav").unlink()
    missing = [clip.path.name for clip in vocalsound.clips(root) if not clip.path.exists()]
    assert missing == ["f0003_0_cough.wav"]


def test_a_file_that_is_in_no_list_is_left_out(root: Path) -> None:
    num_clips = len(list(vocalsound.clips(root)))
    (root / "audio_16k" / "f9999_0_cough.wav").touch()
    assert len(list(vocalsound.clips(root))) == num_clips


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"tr\.json is not a list of clips .*: unpack the archive again"),
        ("[]", r"tr\.json is not a list of clips"),
        (json.dumps({"data": [{"path": "a.wav"}]}), r"tr\.json is not a list of clips .*'wav'"),
        (json.dumps({"data": [{"wav": "f0003_0_yawn.wav"}]}), r"tr\.json entry 0: 'f0003_0_yawn' is no clip's name"),
    ],
)
def test_a_list_that_makes_no_sense_is_named(root: Path, content: str, message: str) -> None:
    (root / "datafiles" / "tr.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list(vocalsound.clips(root))


def test_a_line_about_a_speaker_that_lacks_cells_is_named(root: Path) -> None:
    (root / "meta" / "te_meta.csv").write_text("f0009,female,31\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"te_meta\.csv line 1: 3 cells where 6 are needed"):
        list(vocalsound.clips(root))


def test_a_wrong_root_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no clip of vocalsound in .*: it needs .*; give --root vocalsound=DIR"):
        list(vocalsound.clips(tmp_path))


def test_the_declared_counts_agree_with_each_other() -> None:
    card = vocalsound.DATASET
    assert sum(card.num_by_split.values()) == sum(card.num_by_label["sound"].values()) == card.num_clips
