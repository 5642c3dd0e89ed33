"""CREMA-D, SAVEE and DementiaBank: names taken apart, files left out, the published split, and what is wrong told."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import pytest

from noss.audio.read import info
from noss.datasets import Clip, Dataset, crema_d, dementiabank, savee
from noss.datasets._tfds_split import split_speakers
from noss.errors import AudioError, DataError

PITT = "dementia/English/Pitt"


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def by_split(clips: list[Clip]) -> Counter[str | None]:
    return Counter(clip.split for clip in clips)


def counted(card: Dataset, clips: list[Clip], target: str) -> bool:
    labels = Counter(clip.labels[target] for clip in clips)
    return by_split(clips) == card.num_by_split and labels == card.num_by_label[target] and len(clips) == card.num_clips


# The split's rule


def test_shares_are_added_in_double_precision_and_cut_down() -> None:
    parts = Counter(split_speakers(map(str, range(10)), {"train": 0.7, "dev": 0.1, "test": 0.2}).values())
    assert parts == {"train": 7, "test": 3}


def test_speakers_are_sorted_as_text_and_counted_once() -> None:
    speakers = ["9", "10", "2", "9", "10"]
    parts = {"train": 0.6, "dev": 0.2, "test": 0.2}
    assert split_speakers(speakers, parts) == split_speakers(["10", "2", "9"], parts)


def test_the_draw_is_that_of_numpys_legacy_generator() -> None:
    assert list(split_speakers(savee.SPEAKERS, {"train": 0.6, "dev": 0.2, "test": 0.2})) == ["JK", "KL", "JE", "DC"]


def test_another_seed_draws_others() -> None:
    drawn = [split_speakers(crema_d.ACTORS, {"train": 0.7, "test": 0.3}, seed=seed) for seed in (0, 1)]
    assert drawn[0] != drawn[1]


def test_fewer_speakers_than_splits_are_an_error() -> None:
    with pytest.raises(DataError, match="2 speakers for 3 splits: bring at least 3"):
        split_speakers(["a", "b"], {"train": 0.6, "dev": 0.2, "test": 0.2})


# CREMA-D


@pytest.fixture(scope="module")
def whole_crema_d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of its names, those left out among them; empty files."""
    root = tmp_path_factory.mktemp("crema_d")
    (root / "AudioWAV").mkdir()
    return touch(
        root, *(f"AudioWAV/{name}.wav" for name in crema_d.LEFT_OUT), *(f"{n}.wav" for n in crema_d.expected(root))
    )


def test_crema_ds_7442_names_without_the_four_give_the_catalogues_counts(whole_crema_d: Path) -> None:
    assert len(list((whole_crema_d / "AudioWAV").iterdir())) == 7_442
    assert counted(crema_d.DATASET, list(crema_d.clips(whole_crema_d)), "emotion")


def test_crema_d_has_the_catalogues_63_9_and_19_actors(whole_crema_d: Path) -> None:
    actors = {clip.speaker: clip.split for clip in crema_d.clips(whole_crema_d)}
    assert Counter(actors.values()) == {"train": 63, "dev": 9, "test": 19}
    dev = [actor for actor, split in actors.items() if split == "dev"]
    assert dev == ["1015", "1020", "1021", "1030", "1050", "1070", "1079", "1089", "1090"]


def test_crema_ds_expected_files_are_its_clips_in_order(whole_crema_d: Path) -> None:
    clips = [clip.path.relative_to(whole_crema_d).with_suffix("") for clip in crema_d.clips(whole_crema_d)]
    assert list(map(str, clips)) == list(crema_d.expected(whole_crema_d))


def test_crema_ds_twenty_takes_that_were_never_made_are_not_expected(tmp_path: Path) -> None:
    takes = Counter(name[:8] for name in crema_d.expected(tmp_path))
    assert len(takes) == 91 * 12 - 3
    assert not {"1008_WSI", "1009_MTI", "1019_ITH"} & set(takes)
    assert (takes["1002_TIE"], takes["1076_ITS"], takes["1001_TIE"], takes["1001_IEO"]) == (5, 5, 6, 16)


def test_crema_ds_four_files_are_left_out_and_named_in_the_notes(tmp_path: Path) -> None:
    importlib.import_module("miniatures.crema_d").build(tmp_path)
    names = {clip.path.stem for clip in crema_d.clips(tmp_path)}
    assert not names & crema_d.LEFT_OUT
    assert all(name in " ".join(crema_d.DATASET.notes) for name in crema_d.LEFT_OUT)
    assert "1040_ITH_SAD_X" not in names, "the name under which one of them long stood"


def test_crema_d_splits_an_actor_the_same_whoever_else_is_there(tmp_path: Path) -> None:
    touch(tmp_path, *(f"AudioWAV/{actor}_IEO_HAP_HI.wav" for actor in (1001, 1015, 1010)))
    assert [clip.split for clip in crema_d.clips(tmp_path)] == ["train", "test", "dev"]


def test_crema_d_names_and_the_actors_table_are_taken_apart(tmp_path: Path) -> None:
    touch(tmp_path, "AudioWAV/1022_IEO_FEA_MD.opus.ogg")
    table = '"ActorID","Age","Sex","Race","Ethnicity"\r\n1022,22,"Male","Caucasian","Not Hispanic"\r\n'
    (tmp_path / "VideoDemographics.csv").write_text(table, newline="")
    (clip,) = crema_d.clips(tmp_path)
    assert (clip.labels["emotion"], clip.speaker, clip.sentence) == ("FEA", "1022", "It's eleven o'clock")
    assert clip.facts == {"level": "medium", "gender": "m", "age": "22"}


def test_crema_d_files_may_lie_in_the_root_itself(tmp_path: Path) -> None:
    touch(tmp_path, "1001_IEO_HAP_HI.wav")
    assert len(list(crema_d.clips(tmp_path))) == 1
    assert next(crema_d.expected(tmp_path)) == "1001_DFA_ANG_XX"


@pytest.mark.parametrize("name", ["1001_IEO_JOY_XX", "1092_IEO_HAP_XX", "1001_ABC_HAP_XX", "1001_IEO_HAP_ZZ"])
def test_crema_d_refuses_a_name_with_an_unknown_part(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"AudioWAV/{name}.wav")
    with pytest.raises(DataError, match=rf"{name}.wav has '\w+', which is none of .*: take it out"):
        list(crema_d.clips(tmp_path))


def test_crema_d_names_the_line_of_its_table_that_is_wrong(tmp_path: Path) -> None:
    touch(tmp_path, "AudioWAV/1001_IEO_HAP_HI.wav")
    (tmp_path / "VideoDemographics.csv").write_text("ActorID,Age,Sex\n1001,51,Male\n1002,?,Female\n")
    with pytest.raises(
        DataError, match=r"VideoDemographics.csv line 3: '1002', '\?', 'Female' is no actor, age and sex"
    ):
        list(crema_d.clips(tmp_path))


def test_a_git_lfs_pointer_says_what_to_run(tmp_path: Path) -> None:
    touch(tmp_path, "AudioWAV/1001_IEO_HAP_HI.wav")
    (clip,) = crema_d.clips(tmp_path)
    clip.path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'c' * 64}\nsize 72862\n")
    with pytest.raises(AudioError, match="is a Git LFS pointer and audio is needed: run git lfs pull"):
        info(clip.path)


# SAVEE


def test_savees_480_names_give_the_catalogues_counts(tmp_path: Path) -> None:
    (tmp_path / "AudioData").mkdir()
    touch(tmp_path, *(f"{name}.wav" for name in savee.expected(tmp_path)))
    clips = list(savee.clips(tmp_path))
    assert counted(savee.DATASET, clips, "emotion")
    assert {clip.speaker: clip.split for clip in clips} == {"DC": "test", "JE": "dev", "JK": "train", "KL": "train"}


def test_savee_splits_a_speaker_the_same_whoever_else_is_there(tmp_path: Path) -> None:
    touch(tmp_path, "AudioData/JE/su15.wav", "AudioData/Info.txt")
    (clip,) = savee.clips(tmp_path)
    assert (clip.labels["emotion"], clip.split) == ("surprise", "dev")


def test_savees_root_may_be_audiodata_itself(tmp_path: Path) -> None:
    touch(tmp_path, "DC/a01.wav")
    assert len(list(savee.clips(tmp_path))) == 1
    assert next(savee.expected(tmp_path)) == "DC/a01"


def test_savee_refuses_a_name_of_no_emotion(tmp_path: Path) -> None:
    touch(tmp_path, "AudioData/DC/x01.wav")
    with pytest.raises(DataError, match=r"x01.wav begins with none of a, d, f, h, n, sa, su: take it out"):
        list(savee.clips(tmp_path))


# DementiaBank


def pitt(root: Path, *, inside: str = PITT) -> list[Clip]:
    names = [f"Dementia/cookie/{n:03d}-{visit}" for n in range(1, 8) for visit in range(2)]
    names += [f"Control/cookie/{n:03d}-0" for n in range(8, 11)]
    touch(root, *(f"{inside}/{name}.mp3" for name in names), *(f"{inside}/{name}.cha" for name in names))
    return list(dementiabank.clips(touch(root, f"{inside}/Dementia/fluency/001-0.mp3")))


def test_dementiabank_takes_the_picture_only_and_names_are_taken_apart(tmp_path: Path) -> None:
    clips = pitt(tmp_path)
    assert len(clips) == 17
    assert (clips[1].labels["diagnosis"], clips[1].speaker, clips[1].session) == ("dementia", "001", "1")
    assert clips[-1].labels["diagnosis"] == "control"


@pytest.mark.parametrize("inside", [PITT, "English/Pitt", "Pitt", "."])
def test_dementiabanks_root_may_be_any_folder_down_to_pitt(tmp_path: Path, inside: str) -> None:
    assert len(pitt(tmp_path, inside=inside)) == 17


def test_dementiabank_keeps_a_participants_visits_together(tmp_path: Path) -> None:
    sides = {(clip.speaker, clip.split) for clip in pitt(tmp_path)}
    assert len(sides) == 10
    assert Counter(split for _, split in sides) == {"train": 7, "test": 3}


def test_dementiabank_says_when_the_split_is_not_the_published_one(tmp_path: Path) -> None:
    pitt(tmp_path)
    (line,) = dementiabank.warnings(tmp_path)
    assert line.startswith("10 participants are here, not 293: the split drawn from them is not the published one")


def test_dementiabank_refuses_a_name_without_participant_and_visit(tmp_path: Path) -> None:
    touch(tmp_path, f"{PITT}/Control/cookie/002.mp3")
    with pytest.raises(DataError, match=r"002.mp3 is not named PARTICIPANT-VISIT, as 002-0.mp3 is: take it out"):
        list(dementiabank.clips(tmp_path))


@pytest.mark.parametrize("part", [crema_d, savee, dementiabank])
def test_a_root_without_the_corpus_says_what_is_needed(tmp_path: Path, part: object) -> None:
    touch(tmp_path, "AudioWAV/notes.txt", "AudioData/Info.txt", f"{PITT}/Control/cookie/002-0.cha")
    with pytest.raises(
        DataError, match=r"no clip of \w+ in .*: it needs .* and so on; give --root \w+=DIR, the folder"
    ):
        list(part.clips(tmp_path))  # type: ignore[attr-defined]
