"""Finding audio files: stems, suffixes, hidden files, links."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from noss.datasets._files import Finder, audio_by_stem, is_audio, stem, walk
from noss.errors import DataError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.wav", "a"), ("a.opus.ogg", "a"), ("A.WAV", "A"), ("1.5 s.flac", "1.5 s"), ("a", "a"), ("a.txt", "a.txt")],
)
def test_a_stem_is_the_name_without_its_audio_suffixes(name: str, expected: str) -> None:
    assert stem(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.wav", True), ("a.M4A", True), (".a.wav", False), ("a.txt", False), (".wav", False), ("wav", False)],
)
def test_audio_is_known_by_its_suffix_and_hidden_files_are_not_audio(name: str, *, expected: bool) -> None:
    assert is_audio(name) is expected


def test_walking_is_sorted_and_deep_and_skips_what_is_hidden(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.wav", "b/1.wav", "a/deep/x.flac", ".git/x.wav", "b/._1.wav", "notes.txt", "z.mp3")
    assert list(walk(tmp_path)) == ["a/deep/x.flac", "b/1.wav", "b/2.wav", "z.mp3"]


def test_links_are_followed_and_loops_of_links_end(tmp_path: Path) -> None:
    touch(tmp_path, "real/x.wav")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real/up").symlink_to(tmp_path)
    assert list(walk(tmp_path)) == ["linked/x.wav", "real/x.wav"]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot list .*gone: No such file or directory"):
        list(walk(tmp_path / "gone"))


def test_two_files_of_one_clip_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.flac and a\.wav are one clip twice"):
        audio_by_stem(touch(tmp_path, "a.wav", "a.flac"))


def test_finding_lists_each_folder_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.wav", "b.wav")
    listed: list[str] = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(str(folder)) or real(folder))
    finder = Finder()
    found = [finder.find(f"{tmp_path}/{name}") for name in ("a.wav", "b.flac", "gone.wav")]
    assert [Path(path).name for path in found] == ["a.wav", "b.wav", "gone.wav"]
    assert listed == [str(tmp_path)]
    assert finder.num_found == 2
