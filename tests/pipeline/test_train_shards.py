"""Shards as a source of crops: the same batches wherever they lie, whoever reads them, and however often a run was stopped."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from noss.errors import DataError, PlaceError
from noss.pipeline import _train_checkpoint, _train_shard_index
from noss.pipeline._train_batches import Batches, Crop, Loaded, loader
from noss.pipeline._train_corpus import Corpus, Draws, open_corpus
from noss.pipeline._train_log import read_log
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_shard_index import index_of
from noss.pipeline.train import train
from noss.places import path_of, store
from noss.shards import main, write_shards

RATE, NUM_CLIPS = 16_000, 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four noises from 0.1 s to 1.25 s, as files."""
    made, generator = tmp_path_factory.mktemp("speech"), np.random.default_rng(0)
    for number in range(NUM_CLIPS):
        soundfile.write(made / f"{number:02d}.wav", 0.1 * generator.standard_normal(800 * (number + 2)), RATE)
    return made


@pytest.fixture(scope="module")
def shards(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in tar files of about 0.1 MB."""
    out = tmp_path_factory.mktemp("shards")
    assert write_shards([str(folder)], out=out, megabytes=0.1) == []
    return out


def a_recipe(*data: str, **changes: Any) -> Recipe:
    given: dict[str, Any] = {"student": "audiontt/512", "objective": "triplet", "steps": 4, "validation": 0.0}
    return Recipe(**(given | {"data": list(data)} | changes))


def corpus_of(cache: Path, *data: str, **changes: Any) -> Corpus:
    return open_corpus(a_recipe(*data, **changes), roots={}, cache=cache)


def batches_of(corpus: Corpus, *, views: int = 1) -> Batches:
    crop = Crop(sample_rate=RATE, crop_s=0.4, views=views, within_s=10.0 if views > 1 else None)
    return Batches(Draws(corpus.train, corpus.shares, seed=3), crop=crop, size=4, seed=3)


def equal(first: Loaded, second: Loaded) -> bool:
    return torch.equal(first.waveform_BVT, second.waveform_BVT) and torch.equal(first.source_B, second.source_B)


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    tar.addfile(header, io.BytesIO(content))


def sound(seed: int = 0) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, np.random.default_rng(seed).normal(0, 0.1, 8000), RATE, format="WAV")
    return memory.getvalue()


def test_crops_from_shards_are_those_from_the_files(tmp_path: Path, folder: Path, shards: Path) -> None:
    assert len(list(shards.glob("*.tar"))) > 3
    packed = batches_of(corpus_of(tmp_path, f"shards/{shards}"), views=2)
    plain = batches_of(corpus_of(tmp_path, str(folder)), views=2)
    for number in range(8):
        assert equal(packed[number], plain[number])


@pytest.mark.parametrize("within_s", [0.5, 60.0])
def test_two_crops_are_two_stretches_of_their_recording_near_each_other(tmp_path: Path, within_s: float) -> None:
    soundfile.write(tmp_path / "ramp.wav", np.arange(60 * RATE) / 2**20, RATE, subtype="FLOAT")
    corpus = corpus_of(tmp_path, str(tmp_path / "ramp.wav"))
    crop = Crop(sample_rate=RATE, crop_s=1.0, views=2, within_s=within_s)
    loaded = Batches(Draws(corpus.train, corpus.shares, seed=0), crop=crop, size=16, seed=0)[0]
    ramp_BVT = (loaded.waveform_BVT * 2**20).round().long()
    assert (ramp_BVT.diff(dim=-1) == 1).all() and loaded.waveform_BVT.shape == (16, 2, RATE)
    apart_B = (ramp_BVT[:, 0, 0] - ramp_BVT[:, 1, 0]).abs()
    assert apart_B.min() > 0 and within_s / 3 < apart_B.max() / RATE <= within_s


def test_a_folder_a_glob_and_braces_name_the_same_shards(tmp_path: Path, shards: Path) -> None:
    last = len(list(shards.glob("*.tar"))) - 1
    names = [f"shards/{shards}", f"shards/{shards}/*.tar", f"shards/{shards}/{{00000..{last:05d}}}.tar"]
    found = [[one.path for one in corpus_of(tmp_path, name).train[0]] for name in names]
    assert found[0] == found[1] == found[2] and len(found[0]) == NUM_CLIPS


def test_every_member_comes_once_a_round_in_another_order(tmp_path: Path, shards: Path) -> None:
    batches = batches_of(corpus_of(tmp_path, f"shards/{shards}"))
    rounds = [
        [int(source) for number in range(first, first + 6) for source in batches[number].source_B] for first in (0, 6)
    ]
    assert sorted(rounds[0]) == sorted(rounds[1]) == list(range(NUM_CLIPS))
    assert rounds[0] != rounds[1] and rounds[0] != sorted(rounds[0])


def test_two_processes_with_workers_see_disjoint_members_that_cover_all(tmp_path: Path, shards: Path) -> None:
    corpus = corpus_of(tmp_path, f"shards/{shards}")
    seen = [
        {
            int(source)
            for loaded in loader(batches_of(corpus), range(rank, 6, 2), workers=1)
            for source in loaded.source_B
        }
        for rank in (0, 1)
    ]
    assert not seen[0] & seen[1] and seen[0] | seen[1] == set(range(NUM_CLIPS))


def test_a_mixture_with_files_keeps_its_shares(tmp_path: Path, folder: Path, shards: Path) -> None:
    data = {f"shards/{shards}": 3.0, str(folder): 1.0}
    corpus = open_corpus(a_recipe(data=data), roots={}, cache=tmp_path)
    draws = Draws(corpus.train, corpus.shares, seed=0)
    drawn = [draws[number] for number in range(1000)]
    assert sum(one.span is not None for one in drawn) == 750
    assert all(one.span is not None or corpus.clips[one.number].path == one.path for one in drawn)
    assert len({one.number for one in drawn}) == 2 * NUM_CLIPS


def test_labels_and_speakers_come_from_json_and_cls(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(6):
            add(tar, f"{number}.wav", sound(number))
            add(tar, f"{number}.json", json.dumps({"mood": ["glad", "sad"][number % 2], "speaker": number}).encode())
            add(tar, f"{number}.cls", str(number % 3).encode())
    mood = corpus_of(tmp_path, f"shards/{tmp_path}/a.tar", target="mood")
    assert mood.classes == ("glad", "sad") and [one.label for one in mood.train[0]] == [0, 1, 0, 1, 0, 1]
    assert len(corpus_of(tmp_path, f"shards/{tmp_path}/a.tar", target="speaker").classes) == 6
    assert corpus_of(tmp_path, f"shards/{tmp_path}/a.tar", target="cls").classes == ("0", "1", "2")


def test_broken_members_are_passed_over_and_listed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(150):
            add(tar, f"{number:03d}.wav", sound(number))
        add(tar, "bad.wav", b"RIFF no audio")
        add(tar, "notes.txt", b"nothing to hear")
    path = tmp_path / "recipe.py"
    given = {
        "student": "audiontt/512",
        "objective": "triplet",
        "crop_s": 0.3,
        "batch_size": 4,
        "steps": 1,
        "validation": 0.0,
    }
    path.write_text(f"RECIPE = {given | {'data': [f'shards/{tmp_path}/a.tar']}!r}\n", encoding="utf-8")
    done = train(path, out=tmp_path / "run", cache=tmp_path / "cache", device="cpu", workers=0)
    assert [Path(failure.file).name for failure in done.failures] == ["bad.wav"]
    with (tmp_path / "run" / "failures.csv").open(encoding="utf-8", newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [f"{tmp_path}/a.tar/bad.wav"]


def test_a_shard_that_ends_early_gives_what_is_whole(tmp_path: Path, shards: Path) -> None:
    whole = (shards / "00000.tar").read_bytes()
    (tmp_path / "half.tar").write_bytes(whole[: len(whole) // 2])
    index = index_of(tmp_path / "half.tar", cache=tmp_path)
    assert 0 < len(index.members) < len(index_of(shards / "00000.tar", cache=tmp_path).members)
    assert index.broken


def test_a_shard_that_changes_during_a_run_is_noticed(tmp_path: Path, shards: Path) -> None:
    shard = tmp_path / "00000.tar"
    shard.write_bytes((shards / "00000.tar").read_bytes())
    batches = batches_of(corpus_of(tmp_path, f"shards/{shard}"))
    shard.write_bytes(b"x" * shard.stat().st_size)
    with pytest.raises(DataError, match="20 recordings in a row cannot be read"):
        batches[0]


def test_a_shard_is_read_through_once_and_again_when_it_changes(
    tmp_path: Path, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_through: list[Path] = []
    made = _train_shard_index.made

    def counted(shard: Path) -> dict[str, Any]:
        read_through.append(shard)
        return made(shard)

    monkeypatch.setattr(_train_shard_index, "made", counted)
    shard = tmp_path / "a.tar"
    for name, times in (("00000.tar", 1), ("00000.tar", 1), ("00001.tar", 2)):
        if not shard.exists() or name != "00000.tar":
            shard.write_bytes((shards / name).read_bytes())
        index_of(shard, cache=tmp_path)
        assert len(read_through) == times
    index_of(shards / "00000.tar", cache=tmp_path)  # its index lies beside it
    assert len(read_through) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/{0..3}.tar", "there is no shard"),
        ("nowhere/*.tar", "there is no tar file"),
        ("nowhere", "there is no tar file and no folder .*nowhere"),
        ("packed.tar.gz", "is no plain tar file"),
    ],
)
def test_shards_that_are_not_there_or_packed_are_told_in_one_line(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "packed.tar.gz").write_bytes(b"")
    with pytest.raises(DataError, match=message):
        corpus_of(tmp_path, f"shards/{tmp_path}/{name}")


def test_targets_of_whole_members_are_refused(tmp_path: Path, shards: Path) -> None:
    with pytest.raises(DataError, match="set it to local"):
        corpus_of(tmp_path, f"shards/{shards}", objective="match_teacher", teacher="trivial", targets="global")


def test_shards_keep_files_as_they_are_and_labels_and_leave_out_what_is_broken(tmp_path: Path, folder: Path) -> None:
    table = tmp_path / "clips.csv"
    (tmp_path / "bad.wav").write_bytes(b"RIFF no audio")
    rows = [f"{folder}/20.wav,,,a,x", f"{folder}/21.wav,0.25,0.5,b,y", f"{tmp_path}/bad.wav,,,b,z"]
    table.write_text("\n".join(["file,start,end,label,speaker", *rows]) + "\n", encoding="utf-8")
    assert main([f"csv/{table}/label", str(tmp_path / "out")]) == 3
    shard = tmp_path / "out" / "00000.tar"
    with tarfile.open(shard) as tar:
        assert tar.extractfile("000000000.wav").read() == (folder / "20.wav").read_bytes()  # type: ignore[union-attr]
    first, second = index_of(shard, cache=tmp_path).members
    assert (first.columns["label"], first.columns["speaker"], first.columns["file"]) == ("a", "x", "20.wav")
    assert second.duration_s == 0.25
    assert main([str(folder), str(tmp_path / "out")]) == 2


@pytest.mark.parametrize("megabytes", ["0", "-1", "nan", "inf"])
def test_shards_of_no_size_are_refused(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str], megabytes: str
) -> None:
    assert main([str(folder), str(tmp_path / "out"), "--megabytes", megabytes]) == 2
    assert "are no size of a shard: give a number above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_shard_smaller_than_a_recording_holds_one(tmp_path: Path, folder: Path) -> None:
    write_shards([str(folder)], out=tmp_path / "out", megabytes=1e-9)
    assert len(list((tmp_path / "out").glob("*.tar"))) == NUM_CLIPS


def test_files_without_a_suffix_of_audio_are_written_under_one(tmp_path: Path) -> None:
    for name, container in (("rec1", "WAV"), ("rec2.bin", "FLAC"), ("rec3", "WAVEX")):
        soundfile.write(tmp_path / name, np.linspace(-0.5, 0.5, 8000), RATE, format=container, subtype="PCM_16")
    (tmp_path / "clips.csv").write_text("file,label\nrec1,a\nrec2.bin,b\nrec3,c\n", encoding="utf-8")
    assert main([f"csv/{tmp_path}/clips.csv/label", str(tmp_path / "out")]) == 0
    index = index_of(tmp_path / "out" / "00000.tar", cache=tmp_path)
    facts = [(member.columns["file"], member.suffix, member.duration_s) for member in index.members]
    assert facts == [("rec1", "wav", 0.5), ("rec2.bin", "flac", 0.5), ("rec3", "wav", 0.5)]
    assert index.broken == {}


def test_names_that_are_not_utf_8_are_used_and_told(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        for number in range(150):
            add(tar, f"j\xfcrgen{number:03d}.wav", sound(number))
            told = {"speaker": f"\udcfc{number}", "mood": ["glücklich", "traurig"][number % 2]}
            add(tar, f"j\xfcrgen{number:03d}.json", json.dumps(told).encode())
        add(tar, "schl\xe4gt.wav", b"RIFF no audio")
    corpus = corpus_of(tmp_path, f"shards/{tmp_path}/a.tar", target="mood", validation=0.5)
    assert corpus.num_recordings == 150 and corpus.classes == ("glücklich", "traurig")
    assert batches_of(corpus)[0].names[0].startswith(f"{tmp_path}/a.tar/j\\udcfcrgen")
    assert list(corpus.broken) == [f"{tmp_path}/a.tar/schl\\udce4gt.wav"]


@pytest.fixture
def bucket(shards: Path) -> Iterator[str]:
    """The shards on a file system in memory."""
    file_system = pytest.importorskip("fsspec").filesystem("memory")
    file_system.store.clear()
    for path in shards.iterdir():
        file_system.pipe_file(f"/voices/shards/{path.name}", path.read_bytes())
    yield "memory://voices/shards"
    file_system.store.clear()


def test_crops_from_an_object_store_are_those_from_here(
    tmp_path: Path, shards: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path))
    there = batches_of(corpus_of(tmp_path, f"shards/{bucket}"))
    here = batches_of(corpus_of(tmp_path, f"shards/{shards}"))
    assert all(equal(there[number], here[number]) for number in range(6))
    assert there[0].names[0].startswith("memory://voices/shards/0000")


def test_an_index_of_a_shard_on_an_object_store_is_made_from_reading_it_through(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path))
    file_system = pytest.importorskip("fsspec").filesystem("memory")
    file_system.rm("/voices/shards/00000.tar.index.json")
    index = index_of(path_of(f"{bucket}/00000.tar"), cache=tmp_path)
    assert len(index.members) > 1 and not list((tmp_path / "copies").glob("*"))


def test_members_of_a_shard_that_is_missing_from_an_object_store_are_passed_over_and_listed(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path))
    corpus = corpus_of(tmp_path, f"shards/{bucket}")
    missing = str(corpus.train[0][-1].path.parent)
    pytest.importorskip("fsspec").filesystem("memory").rm(missing.removeprefix("memory:/"))
    loaded = [batches_of(corpus)[number] for number in range(6)]
    broken = {name: why for one in loaded for name, why in one.broken.items()}
    there = {str(one.path) for one in corpus.train[0] if str(one.path.parent) == missing}
    assert set(broken) == there and all(f"no such file on the store: '{missing}'" in why for why in broken.values())
    assert not there & {name for one in loaded for name in one.names}


def test_a_store_that_is_gone_ends_training_as_such(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path))
    batches = batches_of(corpus_of(tmp_path, f"shards/{bucket}"))

    def gone(*_: Any, **__: Any) -> bytes:
        raise ConnectionRefusedError

    monkeypatch.setattr("noss.places.store.time.sleep", lambda seconds: None)
    monkeypatch.setattr(store._connect(bucket).file_system, "cat_file", gone)
    with pytest.raises(PlaceError, match="its store does not answer"):
        batches[0]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "there"])
def test_a_run_from_shards_that_was_stopped_goes_on_to_the_same_bits(
    tmp_path: Path, shards: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "recipe.py"
    given = {"student": "audiontt/512", "objective": "triplet", "crop_s": 0.3, "batch_size": 8, "steps": 4}
    data = [f"shards/{shards}" if where == "here" else f"shards/{bucket}"]
    more = {"data": data, "validate_every": 2, "validation": 0.2, "validation_batches": 1}
    path.write_text(f"RECIPE = {given | more!r}\n", encoding="utf-8")
    train(path, out=tmp_path / "whole", device="cpu", workers=0)
    save = _train_checkpoint.save

    def save_and_stop(*arguments: Any, **options: Any) -> Path:
        save(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_train_checkpoint, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(path, out=tmp_path / "stopped", device="cpu", workers=0)
    train(path, out=tmp_path / "stopped", device="cpu", workers=0)
    curves = [[row for row in read_log(tmp_path / name) if row[1] != "crops_per_s"] for name in ("whole", "stopped")]
    assert curves[0] == curves[1] and curves[0][-1][0] == 4
