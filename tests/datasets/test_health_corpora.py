"""MASC, TORGO, UA-Speech, COUGHVID and Coswara: layouts, labels of speakers and of recordings, what is left out and why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from miniatures import coswara as mini_coswara
from miniatures import coughvid as mini_coughvid
from miniatures import masc as mini_masc
from miniatures import torgo as mini_torgo
from miniatures import uaspeech as mini_uaspeech
from noss.datasets import coswara, coughvid, masc, torgo, uaspeech
from noss.errors import DataError
from noss.pipeline._clips import open_tasks
from noss.pipeline._split import folds


def built(miniature: ModuleType, root: Path) -> Path:
    miniature.build(root)
    return root


@pytest.mark.parametrize("corpus", [masc, torgo, uaspeech, coughvid, coswara])
@pytest.mark.parametrize("where", [".", "gone"])
def test_a_wrong_root_says_what_is_needed(tmp_path: Path, corpus: ModuleType, where: str) -> None:
    with pytest.raises(DataError, match=r"no clip of .* in .*: it needs .*; give --root|cannot list .*gone"):
        list(corpus.clips(tmp_path / where))


@pytest.mark.parametrize("miniature", [mini_masc, mini_coughvid, mini_coswara])
def test_lists_without_any_audio_are_no_corpus(tmp_path: Path, miniature: ModuleType) -> None:
    corpus = {mini_masc: masc, mini_coughvid: coughvid, mini_coswara: coswara}[miniature]
    for clip in corpus.clips(built(miniature, tmp_path)):
        clip.path.unlink()
    with pytest.raises(DataError, match="no clip of"):
        list(corpus.clips(tmp_path))


# MASC


def label_test(root: Path, *, known: bool) -> None:
    path = root / "lab" / "labels.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    told = [line.replace("?", "mask" if line[9:10] in "02468" else "clear") for line in lines] if known else lines
    path.write_text("\n".join(told) + "\n", encoding="utf-8")


def test_masc_without_test_labels_is_scored_on_devel_and_says_so(tmp_path: Path) -> None:
    (task,) = open_tasks("masc", roots={"masc": built(mini_masc, tmp_path)})
    (fold,) = folds(task).folds
    assert {task.clips[row].split for row in fold.test_N} == {"dev"}
    assert any("test labels of masc are withheld" in warning for warning in task.warnings)


def test_masc_with_test_labels_is_scored_on_test_and_devel_chooses(tmp_path: Path) -> None:
    label_test(built(mini_masc, tmp_path), known=True)
    (task,) = open_tasks("masc", roots={"masc": tmp_path})
    protocol = folds(task)
    assert {task.clips[row].split for row in protocol.folds[0].test_N} == {"test"}
    assert protocol.selection == "published dev split"
    assert not any("withheld" in warning for warning in task.warnings)


def test_masc_lists_clips_without_a_label_too(tmp_path: Path) -> None:
    clips = list(masc.clips(built(mini_masc, tmp_path)))
    assert Counter(clip.split for clip in clips if not clip.labels) == {"test": 20}
    assert {clip.speaker for clip in clips} == {None}


def test_masc_may_have_a_list_and_a_folder_a_part(tmp_path: Path) -> None:
    before = list(masc.clips(built(mini_masc, tmp_path)))
    header, *lines = (tmp_path / "lab" / "labels.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "lab" / "labels.csv").unlink()
    for part in mini_masc.PARTS:
        mine = [line for line in lines if line.startswith(part)]
        (tmp_path / "lab" / f"{part}.csv").write_text("\n".join([header, *mine]), encoding="utf-8")
        (tmp_path / "wav" / part).mkdir()
        for path in (tmp_path / "wav").glob(f"{part}_*.wav"):
            path.rename(tmp_path / "wav" / part / path.name)
    after = list(masc.clips(tmp_path))
    assert [(clip.path.name, clip.labels) for clip in after] == [(clip.path.name, clip.labels) for clip in before]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train_00021.wav,scarf", r"labels\.csv line 62: label 'scarf' is none of clear, mask and \?"),
        ("eval_00001.wav,mask", r"labels\.csv line 62: 'eval_00001.wav' is no clip's name"),
        ("train_00021.wav", r"labels\.csv line 62: 1 cells where 2 are needed"),
    ],
)
def test_masc_names_a_line_that_makes_no_sense(tmp_path: Path, line: str, message: str) -> None:
    with (built(mini_masc, tmp_path) / "lab" / "labels.csv").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=message):
        list(masc.clips(tmp_path))


# TORGO


def test_torgo_reads_the_array_alone_and_only_prompts_that_are_words(tmp_path: Path) -> None:
    clips = [clip for clip in torgo.clips(built(mini_torgo, tmp_path)) if clip.speaker == "F01"]
    assert [clip.path.relative_to(tmp_path).as_posix() for clip in clips] == [
        "F01/Session1/wav_arrayMic/0001.wav", "F01/Session1/wav_arrayMic/0002.wav",
    ]  # fmt: skip
    assert [clip.facts["material"] for clip in clips] == ["word", "sentence"]
    assert clips[0].sentence == "stick"


def test_torgo_labels_are_of_speakers_and_every_class_has_two(tmp_path: Path) -> None:
    speakers: dict[str, set[str | None]] = {}
    for clip in torgo.clips(built(mini_torgo, tmp_path)):
        speakers.setdefault(str(clip.labels["intelligibility"]), set()).add(clip.speaker)
        assert (clip.labels["dysarthria"] == "control") == (clip.labels["intelligibility"] == "control")
    assert speakers == {
        "severe": {"F01", "M01", "M02", "M04"},
        "moderate": {"F03", "M05"},
        "mild": {"F04", "M03"},
        "control": {"FC01", "FC02", "FC03", "MC01", "MC02", "MC03", "MC04"},
    }


def test_torgo_keeps_the_finer_severity_as_a_fact(tmp_path: Path) -> None:
    facts = {clip.speaker: clip.facts["severity"] for clip in torgo.clips(built(mini_torgo, tmp_path))}
    assert (facts["M05"], facts["F03"], facts["MC01"]) == ("moderate to severe", "moderate", "control")


def test_torgo_archives_may_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    before = [(clip.speaker, clip.path.name) for clip in torgo.clips(built(mini_torgo, tmp_path))]
    for speaker in torgo.SEVERITY:
        archive = tmp_path / speaker.rstrip("0123456789")
        archive.mkdir(exist_ok=True)
        (tmp_path / speaker).rename(archive / speaker)
    assert [(clip.speaker, clip.path.name) for clip in torgo.clips(tmp_path)] == before


@pytest.mark.parametrize(("name", "miniature"), [("torgo", mini_torgo), ("uaspeech", mini_uaspeech)])
def test_no_class_of_intelligibility_is_tested_untrained(tmp_path: Path, name: str, miniature: ModuleType) -> None:
    (task,) = open_tasks(f"{name}/intelligibility", roots={name: built(miniature, tmp_path)})
    protocol = folds(task)
    assert protocol.name == "5 folds by speaker"
    assert protocol.warnings == []


# UA-Speech


def test_uaspeech_reads_one_microphone_of_the_denoised_recordings(tmp_path: Path) -> None:
    clips = list(uaspeech.clips(built(mini_uaspeech, tmp_path)))
    assert len(clips) == 28 * len(mini_uaspeech.WORDS)
    assert all(clip.path.stem.endswith("_M5") for clip in clips)
    assert {clip.path.parent.parent.name for clip in clips} == {"noisereduce"}


@pytest.mark.parametrize("version", ["audio/original", "audio/normalized", "audio"])
def test_uaspeech_reads_another_version_where_that_is_what_there_is(tmp_path: Path, version: str) -> None:
    before = [clip.path.name for clip in uaspeech.clips(built(mini_uaspeech, tmp_path))]
    (tmp_path / "audio").rename(tmp_path / "old")
    (tmp_path / version).parent.mkdir(exist_ok=True)
    (tmp_path / "old" / "noisereduce").rename(tmp_path / version)
    if version == "audio":
        (tmp_path / "audio" / "control").mkdir()
        for speaker in uaspeech.CONTROLS:
            (tmp_path / "audio" / speaker).rename(tmp_path / "audio" / "control" / speaker)
    assert [clip.path.name for clip in uaspeech.clips(tmp_path)] == before


@pytest.mark.parametrize(
    ("percent", "group"), [(2.0, "very_low"), (25.0, "very_low"), (29.0, "low"), (62.0, "mid"), (95.0, "high")]
)
def test_uaspeech_groups_speakers_by_what_listeners_understood(percent: float, group: str) -> None:
    assert uaspeech.group(percent) == group


def test_uaspeech_has_four_three_three_and_five_speakers_a_group() -> None:
    assert Counter(map(uaspeech.group, uaspeech.PERCENT.values())) == {"very_low": 4, "low": 3, "mid": 3, "high": 5}


def test_uaspeech_controls_have_a_class_and_no_percentage(tmp_path: Path) -> None:
    labels = {clip.speaker: dict(clip.labels) for clip in uaspeech.clips(built(mini_uaspeech, tmp_path))}
    assert labels["CM01"] == {"intelligibility": "control"}
    assert labels["M12"] == {"intelligibility": "very_low", "percent": 7.4}


def test_uaspeech_blocks_are_a_fact_and_no_split(tmp_path: Path) -> None:
    clips = [clip for clip in uaspeech.clips(built(mini_uaspeech, tmp_path)) if clip.speaker == "M16"]
    assert {clip.split for clip in clips} == {None}
    assert [(clip.sentence, clip.facts["block"], clip.facts["material"]) for clip in clips] == [
        ("C10", "B1", "command"), ("D0", "B1", "digit"), ("CW100", "B2", "common word"), ("LO", "B2", "letter"),
        ("B3_UW7", "B3", "uncommon word"),
    ]  # fmt: skip


def test_uaspeech_expects_765_words_of_28_speakers(tmp_path: Path) -> None:
    expected = list(uaspeech.expected(built(mini_uaspeech, tmp_path)))
    assert len(expected) == len(set(expected)) == 28 * 765 == uaspeech.DATASET.num_clips
    assert sum(uaspeech.DATASET.num_by_label["intelligibility"].values()) == uaspeech.DATASET.num_clips


# COUGHVID


def test_coughvid_takes_a_status_only_where_a_cough_is_heard(tmp_path: Path) -> None:
    clips = list(coughvid.clips(built(mini_coughvid, tmp_path)))
    assert len(clips) == 40
    assert sum("status" in clip.labels for clip in clips) == 16  # four in five state one, half of them above 0.8


def test_coughvid_finds_recordings_whatever_their_suffix(tmp_path: Path) -> None:
    suffixes = Counter(clip.path.suffix for clip in coughvid.clips(built(mini_coughvid, tmp_path)))
    assert set(suffixes) == {".webm", ".ogg", ".wav"}
    assert sum(suffixes.values()) == 40


def test_coughvid_knows_no_speaker_and_says_so(tmp_path: Path) -> None:
    for task in open_tasks("coughvid", roots={"coughvid": built(mini_coughvid, tmp_path)}):
        assert task.speakers == "unknown"
        assert task.warnings


def edit(root: Path, **cells: str) -> None:
    """Write some cells of the first row."""
    path = root / mini_coughvid.FOLDER / "metadata_compiled.csv"
    header, first, *rest = path.read_text(encoding="utf-8").splitlines()
    row = dict(zip(header.split(","), first.split(","), strict=True)) | cells
    path.write_text("\n".join([header, ",".join(row.values()), *rest]), encoding="utf-8")


@pytest.mark.parametrize(
    ("types", "label"),
    [(("dry", "dry"), "dry"), (("wet", "unknown"), "wet"), (("dry", "wet"), None), (("unknown", ""), None)],
)
def test_coughvid_takes_a_type_where_the_physicians_agree(tmp_path: Path, types: tuple[str, str], label: str) -> None:
    edit(built(mini_coughvid, tmp_path), cough_type_1=types[0], cough_type_3=types[1])
    assert next(coughvid.clips(tmp_path)).labels.get("cough_type") == label


def test_coughvid_facts_are_what_people_and_physicians_told(tmp_path: Path) -> None:
    assert next(coughvid.clips(built(mini_coughvid, tmp_path))).facts == {
        "age": "31.0", "gender": "male", "fever_muscle_pain": "False", "diagnosis": "upper_infection",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"status": "ill"}, "line 2: 'ill' is none of healthy, symptomatic, COVID-19"),
        ({"cough_type_1": "barking"}, "line 2: 'barking' is none of dry, wet"),
        ({"cough_detected": "often"}, "line 2: cough_detected 'often' is no number"),
    ],
)
def test_coughvid_names_a_row_that_makes_no_sense(tmp_path: Path, cells: dict[str, str], message: str) -> None:
    edit(built(mini_coughvid, tmp_path), **cells)
    with pytest.raises(DataError, match=message):
        list(coughvid.clips(tmp_path))


def test_coughvid_root_may_be_the_inner_folder(tmp_path: Path) -> None:
    outer = list(coughvid.clips(built(mini_coughvid, tmp_path)))
    assert list(coughvid.clips(tmp_path / mini_coughvid.FOLDER)) == outer


# Coswara


def test_coswara_finds_people_whatever_day_they_were_released(tmp_path: Path) -> None:
    clips = list(coswara.clips(built(mini_coswara, tmp_path)))
    assert {clip.path.parent.parent.name for clip in clips} == {"20200413", "20210406"}
    assert Counter(clip.speaker for clip in clips) == dict.fromkeys({clip.speaker for clip in clips}, 9)


def test_coswara_labels_those_who_are_healthy_or_positive_and_lists_the_others(tmp_path: Path) -> None:
    told = {clip.facts["status"]: clip.labels.get("covid") for clip in coswara.clips(built(mini_coswara, tmp_path))}
    assert told == dict(coswara.STATUSES)


def test_coswara_facts_are_of_the_person_and_of_the_recording(tmp_path: Path) -> None:
    clips = [clip for clip in coswara.clips(built(mini_coswara, tmp_path)) if clip.facts.get("returning")]
    assert clips[2].facts == {
        "age": "23", "gender": "female", "country": "India", "status": "positive_asymp", "returning": "y",
        "quality": "0", "sound": "cough-heavy",
    }  # fmt: skip
    assert "quality" not in clips[0].facts


def test_coswara_keeps_the_clips_of_a_person_who_is_not_there(tmp_path: Path) -> None:
    first = next(coswara.clips(built(mini_coswara, tmp_path))).path.parent
    first.rename(tmp_path / "elsewhere")
    missing = [clip for clip in coswara.clips(tmp_path) if not clip.path.exists()]
    assert {clip.speaker for clip in missing} == {first.name}
    assert len(missing) == 9


def test_coswara_names_a_status_that_it_does_not_know(tmp_path: Path) -> None:
    path = built(mini_coswara, tmp_path) / "combined_data.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("recovered_full", "well again"), encoding="utf-8")
    with pytest.raises(DataError, match=r"combined_data\.csv line 8: covid_status 'well again' is none of healthy"):
        list(coswara.clips(tmp_path))
