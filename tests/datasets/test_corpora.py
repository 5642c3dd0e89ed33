"""RAVDESS, FSDD and speechocean762: names taken apart, published splits and folds, wrong roots, the real copies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from noss.datasets import Clip, fsdd, ravdess, speechocean762
from noss.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.mark.parametrize("corpus", [ravdess, fsdd, speechocean762])
@pytest.mark.parametrize("where", [".", "gone"])
def test_a_wrong_root_says_what_is_needed(tmp_path: Path, corpus: ModuleType, where: str) -> None:
    touch(tmp_path, "WAVE/other/x.txt", "recordings/x.wav", "Actor_01/x.wav")
    with pytest.raises(DataError, match=r"no clip of .* in .*: it needs .*; give --root|cannot list .*gone"):
        list(corpus.clips(tmp_path / where))


def test_ravdess_names_are_taken_apart(tmp_path: Path) -> None:
    touch(tmp_path, "Actor_12/03-01-06-02-01-02-12.opus.ogg")
    (clip,) = ravdess.clips(tmp_path)
    assert clip.labels == {"emotion": "fearful"}
    assert (clip.speaker, clip.sentence) == ("12", "Kids are talking by the door")
    assert clip.facts == {
        "gender": "f", "intensity": "strong", "statement": "kids", "repetition": "2", "actor": "12",
    }  # fmt: skip


def test_ravdess_songs_and_videos_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, *(f"Actor_01/{kind}-01-01-01-01-01.wav" for kind in ("03-01", "03-02", "01-01", "02-01")))
    assert [clip.path.name for clip in ravdess.clips(tmp_path)] == ["03-01-01-01-01-01-01.wav"]


def test_ravdess_folds_hold_every_actor_once_and_both_sexes() -> None:
    assert sorted(actor for fold in ravdess.FOLDS for actor in fold) == list(range(1, 25))
    assert all({actor % 2 for actor in fold} == {0, 1} for fold in ravdess.FOLDS)


def test_fsdd_takes_below_five_are_test_and_every_speaker_is_a_fold(tmp_path: Path) -> None:
    touch(tmp_path, "recordings/7_theo_4.wav", "recordings/7_theo_5.wav", "recordings/0_george_0.wav")
    found = [(clip.labels["digit"], clip.speaker, clip.split, clip.fold) for clip in fsdd.clips(tmp_path)]
    assert found == [("0", "george", "test", 0), ("7", "theo", "test", 4), ("7", "theo", "train", 4)]


def test_fsdd_files_may_lie_in_the_root_itself(tmp_path: Path) -> None:
    assert len(list(fsdd.clips(touch(tmp_path, "7_theo_4.wav")))) == 1


def test_fsdd_refuses_a_speaker_it_does_not_declare(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is by 'ann', who is none of george"):
        list(fsdd.clips(touch(tmp_path, "recordings/7_ann_4.wav")))


def speechocean(root: Path, *, lists: bool) -> Path:
    for speaker, gender, age in (("0001", "m", 6), ("9649", "f", 43)):
        touch(root, *(f"WAVE/SPEAKER{speaker}/{speaker}{take:05d}.WAV" for take in range(20)))
        half = "train" if speaker == "0001" else "test"
        if lists:
            (root / half).mkdir()
            (root / half / "spk2gender").write_text(f"{speaker} {gender}\n")
            (root / half / "spk2age").write_text(f"{speaker}\t{age}\n")
    if not lists:
        table = "file,gender,age\nWAVE/SPEAKER0001/000100000.wav,m,6\nWAVE/SPEAKER9649/964900000.wav,f,43\n"
        (root / "clips.csv").write_text(table)
    return root


@pytest.mark.parametrize("lists", [True, False])
def test_speechocean_tells_gender_and_age_by_its_lists_or_by_a_table(tmp_path: Path, *, lists: bool) -> None:
    clips = list(speechocean762.clips(speechocean(tmp_path, lists=lists)))
    by_speaker = {clip.speaker: dict(clip.labels) for clip in clips}
    assert by_speaker["0001"] == {"speaker": "0001", "gender": "m", "age_group": "child"}
    assert by_speaker["9649"] == {"speaker": "9649", "gender": "f", "age_group": "adult"}


def test_speechocean_speakers_have_12_train_3_dev_and_5_test_clips_in_the_order_of_their_ids(tmp_path: Path) -> None:
    clips = [clip for clip in speechocean762.clips(speechocean(tmp_path, lists=True)) if clip.speaker == "0001"]
    ordered = sorted(clips, key=lambda clip: clip.path.name)
    assert [clip.split for clip in ordered] == ["train"] * 12 + ["dev"] * 3 + ["test"] * 5


def test_speechocean_without_gender_and_age_says_which_lists_are_missing(tmp_path: Path) -> None:
    touch(tmp_path, "WAVE/SPEAKER0001/000100000.WAV")
    with pytest.raises(DataError, match="no gender and age of speaker 0001: it needs train/spk2age"):
        list(speechocean762.clips(tmp_path))


@pytest.mark.parametrize(("name", "line"), [("spk2age", "0001 six"), ("spk2gender", "0001"), ("spk2gender", "0001 x")])
def test_a_line_of_a_speechocean_list_that_makes_no_sense_is_named(tmp_path: Path, name: str, line: str) -> None:
    root = speechocean(tmp_path, lists=True)
    (root / "train" / name).write_text(f"\r\n{line}\r\n")
    with pytest.raises(DataError, match=rf"{name} line 2: '{line}' is no speaker and value"):
        list(speechocean762.clips(root))


def counts(clips: list[Clip], target: str) -> set[int]:
    return set(Counter(clip.labels[target] for clip in clips).values())


def test_real_ravdess_is_complete(noss_data: Path) -> None:
    clips = list(ravdess.clips(noss_data / "ravdess"))
    assert len(clips) == ravdess.DATASET.num_clips
    assert counts(clips, "emotion") == {96, 192}
    assert Counter(clip.fold for clip in clips) == {0: 300, 1: 300, 2: 300, 3: 300, 4: 240}


def test_real_ravdess_emotions_agree_with_its_table(noss_data: Path) -> None:
    from noss.datasets import csv

    labels = {clip.path: clip.labels["label"] for clip in csv.clips(noss_data / "ravdess/clips.csv")}
    clips = list(ravdess.clips(noss_data / "ravdess"))
    assert all(labels[clip.path] == clip.labels["emotion"] for clip in clips)


def test_real_fsdd_is_complete(noss_data: Path) -> None:
    clips = list(fsdd.clips(noss_data / "fsdd"))
    assert (len(clips), counts(clips, "digit"), counts(clips, "speaker")) == (3000, {300}, {500})
    assert Counter(clip.split for clip in clips) == {"train": 2700, "test": 300}


def test_real_speechocean_half_has_20_clips_of_125_speakers(noss_data: Path) -> None:
    clips = list(speechocean762.clips(noss_data / "speechocean_test"))
    assert (len(clips), counts(clips, "speaker")) == (2500, {20})
    assert counts(clips, "age_group") == {1280, 1220}
    assert {clip.speaker for clip in clips} <= set(speechocean762.SPEAKERS)
