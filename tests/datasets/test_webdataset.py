"""WebDataset shards, written by the library itself: members as clips, patterns, splits, and bad archives."""

from __future__ import annotations

import io
import json
import tarfile
import wave
from pathlib import Path
from typing import Any

import pytest

from noss.datasets import Clip
from noss.errors import DataError
from noss.pipeline._clips import open_dataset, open_tasks


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sound(seed: int) -> bytes:
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes([seed, 1]) * 800)
    return memory.getvalue()


def shard(path: str, members: dict[str, bytes], mode: str = "w") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def shards(*names: str) -> None:
    """One clip a shard, of its own speaker; classes in turn."""
    for row, name in enumerate(names):
        about = json.dumps({"speaker": name, "label": "xy"[row % 2]}).encode()
        shard(name, {f"{row}.wav": sound(row), f"{row}.json": about})


def listed(name: str) -> list[Clip]:
    return open_dataset(f"webdataset/{name}", roots={})[1]


def test_what_the_library_wrote_is_read_back() -> None:
    library = pytest.importorskip("webdataset")
    for split in ("train", "val", "test"):
        with library.ShardWriter(f"{split}-%04d.tar", maxcount=2, verbose=0) as sink:
            for row in range(4):
                facts = {"speaker": f"{split}{row // 2}", "mood": "ab"[row % 2], "age": row + 0.5, "list": [1]}
                audio = {"flac": b"fLaC"} if split == "val" else {"wav": sound(row)}
                sink.write({
                    "__key__": f"{split}/{row:03d}", **audio, "json": facts, "cls": row % 2, "txt": "so", "pyd": {1},
                })  # fmt: skip
    card, clips, _ = open_dataset("webdataset/./{train,val,test}-{0000..0001}.tar", roots={})
    assert [clip.split for clip in clips] == ["train"] * 4 + ["dev"] * 4 + ["test"] * 4
    assert clips[1].labels == {"mood": "b", "age": 1.5, "cls": "1", "speaker": "train0"}
    assert clips[1].facts["txt"] == "so"
    assert clips[1].path.read_bytes() == sound(1)
    assert {clip.path.suffix for clip in clips[4:8]} == {".flac"}
    assert card.targets["cls"] == ("0", "1")
    assert "Members .pyd are not read, since what they hold may run as code." in card.notes
    assert "The column list is no target: it holds lists or other nested values." in card.notes


@pytest.mark.parametrize(
    "choice", ["w", "w/{0..2}.tar", "w/*.tar", "./w/[0-2].tar", "{w}/{0,1,2}.tar", "w/?.tar", "w/{00..02}x.tar"]
)
def test_a_folder_a_glob_and_braces_stand_for_shards(choice: str) -> None:
    shards(*(f"w/{row}.tar" for row in range(3)))
    if "x" in choice:
        shards(*(f"w/{row:02d}x.tar" for row in range(3)))
    assert [clip.path.stem[-1] for clip in listed(choice)] == ["0", "1", "2"]
    assert [task.target for task in open_tasks(f"webdataset/{choice}", roots={})] == ["label"]
    assert [task.target for task in open_tasks(f"webdataset/{choice}/speaker", roots={})] == ["speaker"]


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_packed_shards_are_read(mode: str) -> None:
    shard("a.tar." + mode[2:], {"k.wav": sound(1), "k.cls": b"1"}, mode)
    assert [clip.facts for clip in listed(f"a.tar.{mode[2:]}")] == [{"cls": "1"}]


def test_splits_are_the_shards_folders_or_names_or_else_a_column() -> None:
    shards("s/train/0.tar", "s/validation/0.tar", "s/test/0.tar")
    assert {clip.split for clip in listed("s")} == {"train", "dev", "test"}
    members = {"a.wav": b"1", "a.json": b'{"split": "train"}', "b.wav": b"2", "b.json": b'{"split": "test"}'}
    shard("t/0.tar", members)
    assert [clip.split for clip in listed("t")] == ["train", "test"]
    shards("u/train0.tar")
    assert listed("u")[0].split is None


def test_the_same_shards_are_copied_once_and_changed_ones_again() -> None:
    shards("w/0.tar", "w/1.tar")
    first = open_dataset("webdataset/w", roots={})[2]
    assert open_dataset("webdataset/w", roots={})[2] == first
    shards("w/0.tar", "w/1.tar", "w/2.tar")
    assert len(listed("w")) == 3
    assert open_dataset("webdataset/w", roots={})[2] != first


def test_nothing_is_written_by_a_members_own_name_and_no_link_is_followed(tmp_path: Path) -> None:
    Path("secret.wav").write_bytes(b"secret")
    with tarfile.open("a.tar", "w") as tar:
        for name in ("../../out.wav", "/tmp/out.wav", "k.wav"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
        for name, kind in (("l.wav", tarfile.SYMTYPE), ("h.wav", tarfile.LNKTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(Path("secret.wav").absolute())
            tar.addfile(member)
    card, clips, root = open_dataset("webdataset/a.tar", roots={})
    assert [clip.path.name for clip in clips] == [
        "0000000_out.wav", "0000001_tmp_out.wav", "0000002_k.wav", "0000003_l.wav", "0000004_h.wav",
    ]  # fmt: skip
    assert [clip.path.is_file() for clip in clips] == [True, True, True, False, False]
    assert all(clip.path.is_relative_to(root) for clip in clips)
    assert "2 members are links, which are not followed." in card.notes


def test_broken_audio_and_missing_audio_stay_clips_for_the_pipeline_to_report() -> None:
    shard("a.tar", {"a.wav": b"junk", "b.json": b'{"label": "x"}', "c.wav": b""})
    clips = listed("a.tar")
    assert [clip.path.exists() for clip in clips] == [True, False, True]
    assert clips[0].path.read_bytes() == b"junk"


def test_folders_hidden_members_and_strangers_are_no_clips() -> None:
    shard("a.tar", {"a/._x.wav": b"1", ".DS_Store": b"2", "README.md": b"3", "a/b.x.wav": sound(1)})
    assert [clip.path.name for clip in listed("a.tar")] == ["0000000_a_b.wav"]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"a.jpg": b"1", "a.txt": b"2"}, r"no member of a\.tar is audio \(there is \.jpg\): key\.wav"),
        ({"a.wav": b"1", "a.mp3": b"2"}, r"a\.tar: a has two files of audio: one a key is needed"),
        ({"a.wav": b"1", "b.wav": b"2", "a.json": b"{}"}, r"a\.tar: the members of a are not side by side"),
        ({"a.wav": b"1", "a.json": b"{"}, r"a\.tar: a\.json is no JSON \(.*\): mend it"),
        ({"a.wav": b"1", "a.json": b"\xff"}, r"a\.tar: a\.json is no JSON"),
        ({"a.wav": b"1", "a.json": b"[" * 100_000}, r"a\.tar: a\.json is no JSON"),
        ({"a.wav": b"1", "a.txt": bytes(1 << 25)}, r"a\.txt has 33,554,432 bytes and at most 16,777,216 are read"),
        ({}, r"no member of a\.tar is audio"),
    ],
)
def test_what_is_wrong_with_members_is_one_line(members: dict[str, bytes], message: str) -> None:
    shard("a.tar", members)
    with pytest.raises(DataError, match=message) as caught:
        listed("a.tar")
    assert "\n" not in str(caught.value)


def damaged(change: Any) -> None:
    shard("a.tar", {f"{row}.wav": sound(row) for row in range(4)})
    content = Path("a.tar").read_bytes()
    Path("a.tar").write_bytes(change(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:3000],
        lambda content: content[: 2 * (512 + 2048)],
        lambda content: content[:2560] + b"x" * 512 + content[3072:],
        lambda content: b"<html>" * 200,
        lambda content: b"",
    ],
    ids=["in a member", "between members", "a header", "a page", "empty"],
)
def test_half_a_shard_is_refused_wherever_it_ends(change: Any) -> None:
    damaged(change)
    with pytest.raises(DataError, match=r"a\.tar is no whole tar file \(.*\): bring the shard again") as caught:
        listed("a.tar")
    assert "\n" not in str(caught.value)


def test_half_a_packed_shard_is_refused() -> None:
    shard("a.tar.gz", {f"{row}.wav": sound(row) for row in range(4)}, "w:gz")
    content = Path("a.tar.gz").read_bytes()
    Path("a.tar.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a\.tar\.gz is no whole tar file"):
        listed("a.tar.gz")


def test_shards_that_are_not_there_are_told() -> None:
    shards("0.tar")
    for name in ("q.tar", "q*.tar", "q-{0..3}.tar", "q-{0..3}.tar/label"):
        with pytest.raises(DataError, match=r"there is no tar file q"):
            listed(name)
    with pytest.raises(DataError, match=r"1 of 2 shards of \{0\.\.1\}\.tar are missing, the first 1\.tar: bring them"):
        listed("{0..1}.tar")
    with pytest.raises(DataError, match="stands for more than 1,000,000 shards"):
        listed("{0..99999999}.tar")
    with pytest.raises(DataError, match=r"there is no file or folder \./0\.tr: did you mean 0\.tar"):
        listed("./0.tr")
