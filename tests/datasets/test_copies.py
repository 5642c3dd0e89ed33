"""Copies of audio in the cache: whole or not there, made once, and made again when the source changes."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from noss.datasets import Clip, _copies
from noss.datasets._copies import Origin
from noss.datasets._copy import Copy, cell, suffix
from noss.errors import DataError

ORIGIN = Origin(part="hf", choice="user/set", stamp=1)


def two(copy: Copy) -> None:
    for number in range(2):
        copy.add_bytes(bytes([number]), {"label": "ab"[number]}, key=f"k{number}.flac")


def clips(tmp_path: Path, *rows: dict[str, Any], **classes: Any) -> list[Clip]:
    def fill(copy: Copy) -> None:
        copy.classes |= classes
        for row in rows:
            copy.add_bytes(b"x", row, key="k")

    return list(_copies.clips(_copies.prepared(ORIGIN, tmp_path, fill)))


def leave_half(cache: Path) -> None:
    def fill(copy: Copy) -> None:
        copy.add_bytes(b"x", {}, key="k")
        os._exit(9)

    _copies.prepared(ORIGIN, cache, fill)


def test_a_copy_is_made_once_and_again_when_the_source_changes(tmp_path: Path) -> None:
    made: list[int] = []

    def fill(copy: Copy) -> None:
        made.append(1)
        two(copy)

    first = _copies.prepared(ORIGIN, tmp_path, fill)
    assert _copies.prepared(ORIGIN, tmp_path, fill) == first
    assert len(made) == 1
    changed = Origin(part="hf", choice="user/set", stamp=2)
    assert _copies.prepared(changed, tmp_path, fill) != first
    assert len(made) == 2


def test_a_copy_killed_half_way_is_made_anew_and_leaves_nothing(tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=leave_half, args=(tmp_path,))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert [path for path in (tmp_path / "datasets").iterdir() if path.suffix == ".tmp"] != []
    folder = _copies.prepared(ORIGIN, tmp_path, two)
    assert [path.name for path in (tmp_path / "datasets").iterdir() if path.is_dir()] == [folder.name]
    assert len(list(_copies.clips(folder))) == 2


def test_a_copy_of_which_somebody_removed_the_table_is_made_again(tmp_path: Path) -> None:
    (_copies.prepared(ORIGIN, tmp_path, two) / "clips.csv").unlink()
    assert len(list(_copies.clips(_copies.prepared(ORIGIN, tmp_path, two)))) == 2


def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        DataError, match=r"cannot copy hf/user/set to .*: the disk is full; free some space, or set NOSS"
    ):
        _copies.prepared(ORIGIN, tmp_path, two)
    assert [path for path in (tmp_path / "datasets").iterdir() if path.is_dir()] == []


def test_a_disk_that_is_too_small_is_told_before_anything_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(3, 1, 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    origin = Origin(part="hf", choice="user/set", stamp=1, num_bytes=5_000_000_000)
    with pytest.raises(DataError, match=r"hf/user/set takes about 5\.0 GB and 0\.0 MB are free in .*: free some"):
        _copies.prepared(origin, tmp_path, lambda _: pytest.fail("it began"))


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "datasets").touch()
    with pytest.raises(DataError, match=r"cannot copy hf/user/set to .*: File exists"):
        _copies.prepared(ORIGIN, tmp_path, two)


def test_a_source_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hf/user/set holds no clip"):
        _copies.prepared(ORIGIN, tmp_path, lambda _: None)


def test_files_are_named_by_number_and_key_and_never_leave_the_folder(tmp_path: Path) -> None:
    copy = Copy(tmp_path, name="x")
    assert copy.file("../../etc/passwd", ".wav") == tmp_path / "audio/0000/0000000_etc_passwd.wav"
    assert copy.file("a/ü b.opus.ogg", ".ogg") == tmp_path / "audio/0000/0000001_a_b.ogg"
    assert copy.file("", ".mp3") == tmp_path / "audio/0000/0000002.mp3"


def test_a_declared_class_keeps_its_order_and_a_declared_float_is_a_number(tmp_path: Path) -> None:
    rows = [{"mood": mood, "score": score} for mood, score in (("b", 1.0), ("a", 2.0), ("b", 3.0))]
    listed = clips(tmp_path, *rows, mood=("b", "a"), score=None)
    card = _copies.describe(_copies.prepared(ORIGIN, tmp_path, two))
    assert card.targets == {"mood": ("b", "a"), "score": None}
    assert card.metrics == {"score": "ccc"}
    assert [clip.labels["score"] for clip in listed] == [1.0, 2.0, 3.0]


def test_columns_that_say_where_a_clip_came_from_do_not_cut_it_again(tmp_path: Path) -> None:
    (clip, _) = clips(tmp_path, *({"start": 5.0, "end": 6.0, "file": "a.wav", "label": label} for label in "ab"))
    assert (clip.start_s, clip.end_s, clip.facts) == (0.0, None, {"label": "a"})
    card = _copies.describe(_copies.prepared(ORIGIN, tmp_path, two))
    assert {note.split()[2] for note in card.notes} == {"start", "end", "file"}


@pytest.mark.parametrize(
    ("columns", "speaker"),
    [({"speaker_id": 7}, "7"), ({"speaker": "ann", "speaker_id": 7}, "ann"), ({"talker": "t", "actor": "a"}, None)],
)
def test_the_one_column_that_looks_like_speakers_is_who_speaks(
    tmp_path: Path, columns: dict[str, Any], speaker: str | None
) -> None:
    (clip,) = clips(tmp_path, columns)
    assert clip.speaker == speaker


def test_one_split_for_all_is_none_and_an_odd_one_is_outside(tmp_path: Path) -> None:
    def fill(copy: Copy) -> None:
        for split in ("train", "test", "invalidated", "validation"):
            copy.add_bytes(b"x", {}, key="k", split=split)

    folder = _copies.prepared(ORIGIN, tmp_path, fill)
    assert [clip.split for clip in _copies.clips(folder)] == ["train", "test", None, "dev"]
    assert "The split invalidated is none of train, dev and test." in _copies.describe(folder).notes
    assert clips(tmp_path / "other", {"split": "train"})[0].split is None


@pytest.mark.parametrize(
    ("dtype", "samples", "subtype", "stored"),
    [
        ("int64", [1, -32768], "PCM_16", [1 / 32768, -1]),
        ("int64", [1, 2**31 - 1], "PCM_32", [2**-31, 1]),
        ("int16", [1, 2], "PCM_16", [2**-15, 2**-14]),
        ("int32", [65536, 0], "PCM_32", [2**-15, 0]),
        ("float32", [0.5, 2.0], "FLOAT", [0.5, 2.0]),
        ("float64", [0.1, -0.1], "DOUBLE", [0.1, -0.1]),
    ],
)
def test_samples_are_stored_without_loss(
    tmp_path: Path, dtype: str, samples: list[float], subtype: str, stored: list[float]
) -> None:
    copy = Copy(tmp_path, name="x")
    copy.add_samples(np.array(samples, dtype), {}, sample_rate=8_000, key="k")
    (path,) = tmp_path.rglob("*.wav")
    assert soundfile.info(str(path)).subtype == subtype
    assert soundfile.read(str(path))[0] == pytest.approx(stored, abs=1e-9)


def test_a_quiet_clip_among_clips_of_32_bits_stays_quiet(tmp_path: Path) -> None:
    def fill(copy: Copy) -> None:
        for value in (100, 2**30):
            copy.add_samples(np.array([value, 0]), {}, sample_rate=8_000, key="k")

    quiet, loud = _copies.clips(_copies.prepared(ORIGIN, tmp_path, fill))
    assert soundfile.read(str(quiet.path))[0][0] == 100 / 2**31
    assert soundfile.read(str(loud.path))[0][0] == 0.5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (float("nan"), ""), (np.float32(0.1), "0.1"), (0.1, "0.1"), (np.array(3), "3"), (b"ab", "ab"), (" a\0b ", "ab"),
        (True, "True"), ([1], None), ({"a": 1}, None), ("x" * 200_000, "x" * 10_000),
    ],
)  # fmt: skip
def test_a_value_is_a_cell_or_nested(value: Any, text: str | None) -> None:
    assert cell(value) == text


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.MP3", b"RIFF", ".mp3"), ("a", b"RIFF", ".wav"), ("a.bin", b"fLaC", ".flac"), ("", b"\xff\xfb", ".mp3"),
        ("a", b"\0\0\0 ftypM4A", ".m4a"), ("a", b"broken", ".wav"), ("a", b"", ".wav"),
    ],
)  # fmt: skip
def test_the_suffix_is_the_names_or_what_the_first_bytes_show(name: str, content: bytes, kind: str) -> None:
    assert suffix(name, content) == kind
