"""ASVspoof 2019 LA: the owners' lists, attacks as facts, files that no list has, lists that make no sense."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from miniatures import asvspoof2019 as miniature
from noss.datasets import asvspoof2019
from noss.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    miniature.build(tmp_path)
    return tmp_path


def protocol(root: Path, part: str = "train.trn") -> Path:
    return root / f"LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{part}.txt"


def test_the_split_is_that_of_the_lists_and_eval_is_test(root: Path) -> None:
    clips = list(asvspoof2019.clips(root))
    assert Counter((clip.path.parent.parent.name, clip.split) for clip in clips) == {
        ("ASVspoof2019_LA_train", "train"): 32,
        ("ASVspoof2019_LA_dev", "dev"): 32,
        ("ASVspoof2019_LA_eval", "test"): 60,
    }


def test_no_speaker_and_no_attack_of_test_is_in_train(root: Path) -> None:
    clips = list(asvspoof2019.clips(root))
    for fact in (lambda clip: clip.speaker, lambda clip: clip.facts["attack"]):
        sides = [{fact(clip) for clip in clips if clip.split == split} for split in ("train", "test")]
        assert sides[0] & sides[1] <= {"none"}


def test_every_attack_is_a_fact_with_its_method(root: Path) -> None:
    facts = {(clip.facts["attack"], clip.facts["method"], clip.labels["spoof"]) for clip in asvspoof2019.clips(root)}
    assert {attack for attack, _, _ in facts} == {"none", *(f"A{number:02d}" for number in range(1, 20))}
    assert {("none", "none", "bonafide"), ("A05", "vc", "spoof"), ("A13", "tts+vc", "spoof")} <= facts


def test_files_that_enrol_speakers_are_left_out(root: Path) -> None:
    assert list(root.rglob("LA_?_9999999.wav"))
    assert not any("9999999" in clip.path.name for clip in asvspoof2019.clips(root))


def test_the_root_may_be_the_folder_la_itself(root: Path) -> None:
    assert list(asvspoof2019.clips(root / "LA")) == list(asvspoof2019.clips(root))
    assert [f"LA/{name}" for name in asvspoof2019.expected(root / "LA")] == list(asvspoof2019.expected(root))


def test_a_list_with_windows_line_ends_is_read(root: Path) -> None:
    before = list(asvspoof2019.clips(root))
    protocol(root).write_bytes(protocol(root).read_bytes().replace(b"\n", b"\r\n"))
    assert list(asvspoof2019.clips(root)) == before


def test_a_listed_file_that_is_not_there_keeps_its_clip(root: Path) -> None:
    num_clips = len(list(asvspoof2019.clips(root)))
    next(asvspoof2019.clips(root)).path.unlink()
    clips = list(asvspoof2019.clips(root))
    assert len(clips) == num_clips
    assert not clips[0].path.exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("LA_0079 LA_T_1 - -", r"train\.trn\.txt line 33: 4 cells where 5 are needed"),
        ("LA_0079 LA_T_1 - A01 fake", "line 33: A01 fake, where bonafide behind -"),
        ("LA_0079 LA_T_1 - A20 spoof", "line 33: A20 spoof"),
        ("LA_0079 LA_T_1 - A01 bonafide", "line 33: A01 bonafide"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(root: Path, line: str, message: str) -> None:
    with protocol(root).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=message):
        list(asvspoof2019.clips(root))


def test_a_missing_list_is_named(root: Path) -> None:
    protocol(root, "eval.trl").unlink()
    with pytest.raises(DataError, match=r"cannot read .*cm\.eval\.trl\.txt: No such file"):
        list(asvspoof2019.clips(root))


@pytest.mark.parametrize("where", [".", "gone"])
def test_a_wrong_root_says_what_is_needed(tmp_path: Path, where: str) -> None:
    with pytest.raises(DataError, match=r"no clip of asvspoof2019 in .*: it needs .*; give --root asvspoof2019=DIR"):
        list(asvspoof2019.clips(tmp_path / where))


def test_lists_without_any_audio_are_no_corpus(root: Path) -> None:
    for path in root.rglob("*.wav"):
        path.unlink()
    with pytest.raises(DataError, match="no clip of asvspoof2019"):
        list(asvspoof2019.clips(root))


def test_the_declared_counts_agree_with_each_other() -> None:
    card = asvspoof2019.DATASET
    assert sum(card.num_by_split.values()) == sum(card.num_by_label["spoof"].values()) == card.num_clips
