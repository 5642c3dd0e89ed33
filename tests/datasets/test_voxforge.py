"""VoxForge: archives of six languages, speakers by archive, a split drawn as TensorFlow Datasets draws it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from miniatures import voxforge as miniature
from noss.datasets import Clip, voxforge
from noss.datasets._tfds_split import split_speakers
from noss.errors import DataError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("voxforge")
    miniature.build(root)
    return root


@pytest.fixture(scope="module")
def clips(root: Path) -> list[Clip]:
    return list(voxforge.clips(root))


def unpacked(root: Path, *names: str) -> Path:
    """A few speakers and some files more, all empty: no audio is opened where clips are listed."""
    for name in (*(f"de/{speaker}-20080309-x/wav/a.wav" for speaker in "klmn"), *names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_language_speaker_and_archive_are_read_from_the_path(clips: list[Clip]) -> None:
    found = {(clip.labels["language"], clip.speaker) for clip in clips if clip.session == "bilingual-20101231-ab"}
    assert found == {("en", "bilingual")}
    assert {clip.labels["language"] for clip in clips} == set(voxforge.LANGUAGES)


def test_a_speaker_is_what_stands_before_the_first_hyphen(clips: list[Clip]) -> None:
    (speaker,) = {clip.speaker for clip in clips if clip.session == "two_words-and-20191231-more"}
    assert speaker == "two_words"


def test_anonymous_is_one_speaker_of_all_languages_in_one_split(clips: list[Clip]) -> None:
    anonymous = [clip for clip in clips if clip.speaker == "anonymous"]
    assert {clip.labels["language"] for clip in anonymous} == set(voxforge.LANGUAGES)
    assert len({clip.split for clip in anonymous}) == 1


def test_no_speaker_is_in_two_splits_whatever_they_speak(clips: list[Clip]) -> None:
    splits = defaultdict(set)
    for clip in clips:
        splits[clip.speaker].add(clip.split)
    assert {len(of_speaker) for of_speaker in splits.values()} == {1}
    assert set.union(*splits.values()) == {"train", "dev", "test"}


def test_archives_in_flac_hold_no_clip_but_their_speakers_take_part_in_the_draw(clips: list[Clip]) -> None:
    speakers = {archive.partition("-")[0] for _, archive in miniature.ARCHIVES}
    assert speakers - {clip.speaker for clip in clips} == {"karl"}
    split_of = split_speakers(speakers, voxforge.PARTS)
    assert all(clip.split == split_of[clip.speaker or ""] for clip in clips)
    assert split_of != split_speakers(speakers - {"karl"}, voxforge.PARTS)


def test_archives_of_2020_and_other_languages_are_left_out_with_a_list_and_without(tmp_path: Path) -> None:
    miniature.build(tmp_path)
    with_list = list(voxforge.clips(tmp_path))
    (tmp_path / "voxforge_urls.txt").unlink()
    assert list(voxforge.clips(tmp_path)) == with_list
    assert {clip.speaker for clip in with_list}.isdisjoint({"late", "nlspeaker"})


def test_only_archives_of_the_list_are_listed(tmp_path: Path) -> None:
    unpacked(tmp_path)
    urls = (f"http://{miniature.PLACE.format(language='de')}/{speaker}-20080309-x.tgz" for speaker in "klm")
    (tmp_path / "voxforge_urls.txt").write_bytes("\r\n".join(urls).encode())
    assert [clip.speaker for clip in voxforge.clips(tmp_path)] == ["k", "l", "m"]


def test_folders_of_a_language_may_hold_the_archives_directly_and_other_sample_rates_are_left_out(
    tmp_path: Path,
) -> None:
    original = "SpeechCorpus/Trunk/Audio/Original/48kHz_16bit/o-20080309-x/wav/a.wav"
    main = "SpeechCorpus/Trunk/Audio/Main/16kHz_16bit/p-20080309-x/wav/a.wav"
    found = {(clip.speaker, clip.labels["language"]) for clip in voxforge.clips(unpacked(tmp_path, original, main))}
    assert found == {("k", "de"), ("l", "de"), ("m", "de"), ("n", "de"), ("p", "en")}


def test_loud_lines_tell_a_missing_list_and_missing_archives(tmp_path: Path, root: Path) -> None:
    assert voxforge.warnings(root) == []
    (line,) = voxforge.warnings(unpacked(tmp_path))
    assert "there is no voxforge_urls.txt" in line
    (tmp_path / "voxforge_urls.txt").write_text("a/de/k-20080309-x.tgz\na/fr/gone-20080309-x.tgz\n")
    (line,) = voxforge.warnings(tmp_path)
    assert line.startswith("1 of 2 archives of voxforge_urls.txt are not unpacked")


def test_a_wrong_root_and_a_wrong_list_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no clip of voxforge in .*: it needs .*; give --root voxforge=DIR"):
        list(voxforge.clips(tmp_path))
    (unpacked(tmp_path) / "voxforge_urls.txt").write_text("a/de/k-20080309-x.tgz\n<html>\n")
    with pytest.raises(DataError, match=r"voxforge_urls.txt line 2: '<html>' is no archive of the six languages"):
        list(voxforge.clips(tmp_path))
