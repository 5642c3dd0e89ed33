"""Audio on a store: the same identity and embedding as here, each file fetched once, and never more than fits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import soundfile

from noss import _remote_ids, identity
from noss.audio import read
from noss.datasets import Clip
from noss.errors import AudioError, PlaceError
from noss.pipeline import _embed_remote
from noss.pipeline.embed import embed
from noss.places import copies, path_of, store

fsspec = pytest.importorskip("fsspec")
NUM_CLIPS = 12


def _wav(seed: int) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, np.random.default_rng(seed).normal(0, 0.1, 4_000 + 400 * seed), 16_000, format="WAV")
    return memory.getvalue()


@pytest.fixture
def bucket() -> Iterator[Any]:
    """A memory file system with a few clips in `memory://voices/wavs`."""
    file_system = fsspec.filesystem("memory")
    file_system.store.clear()
    for number in range(NUM_CLIPS):
        file_system.pipe_file(f"/voices/wavs/c{number:02d}.wav", _wav(number))
    yield file_system
    file_system.store.clear()


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are fetched, as they are."""
    addresses: list[str] = []
    bring = store.bring

    def counting(address: str, file: Path) -> None:
        addresses.append(address)
        bring(address, file)

    monkeypatch.setattr(store, "bring", counting)
    return addresses


def _clips() -> list[Clip]:
    return [Clip(path=path_of(f"memory://voices/wavs/c{number:02d}.wav"), labels={}) for number in range(NUM_CLIPS)]


def test_identity_is_that_of_the_same_bytes_here(bucket: Any, tmp_path: Path) -> None:
    here = [Clip(path=tmp_path / clip.path.name, labels={}) for clip in _clips()]
    for number, clip in enumerate(here):
        clip.path.write_bytes(_wav(number))
    assert identity.clip_ids(_clips(), cache=tmp_path) == identity.clip_ids(here, cache=tmp_path)


def test_a_second_look_fetches_nothing_and_a_changed_file_alone_is_fetched_again(
    bucket: Any, fetched: list[str], tmp_path: Path
) -> None:
    first = identity.clip_ids(_clips(), cache=tmp_path)
    assert len(fetched) == NUM_CLIPS
    assert identity.clip_ids(_clips(), cache=tmp_path) == first and len(fetched) == NUM_CLIPS
    bucket.pipe_file("/voices/wavs/c03.wav", _wav(99))
    second = identity.clip_ids(_clips(), cache=tmp_path)
    assert [place for place in range(NUM_CLIPS) if first[place] != second[place]] == [3]
    assert fetched[NUM_CLIPS:] == ["memory://voices/wavs/c03.wav"]


def test_a_large_folder_is_not_listed_for_every_block_of_clips(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    listing = store.listing
    monkeypatch.setattr(store, "listing", lambda folder: listed.append(folder) or listing(folder))  # type: ignore[func-returns-value]
    monkeypatch.setattr(identity, "_BLOCK", 4)
    monkeypatch.setattr(_remote_ids, "_FEW", 2)
    monkeypatch.setattr(_remote_ids, "_HELD_TIMES", 1e9)
    monkeypatch.setattr(_remote_ids, "_LARGE", NUM_CLIPS - 1)
    _remote_ids._listings.cache_clear()
    identity.clip_ids(_clips(), cache=tmp_path)
    _remote_ids._listings.cache_clear()
    assert len(listed) == 1


def test_a_segment_is_decoded_as_from_a_file_here(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(_wav(5))
    there, here = (
        read.read(path, sample_rate=8_000, start_s=0.1, end_s=0.2)
        for path in ("memory://voices/wavs/c05.wav", tmp_path / "a.wav")
    )
    np.testing.assert_array_equal(there[0], here[0])
    assert not list(copies._folder().iterdir())


def test_errors_name_the_address_and_not_the_copy(bucket: Any) -> None:
    bucket.pipe_file("/voices/wavs/text.wav", b"no audio at all")
    for name, what in (("text.wav", "is not audio"), ("none.wav", "no file")):
        with pytest.raises(AudioError, match=what) as caught:
            read.read(f"memory://voices/wavs/{name}")
        assert f"memory://voices/wavs/{name}" in str(caught.value) and "copies" not in str(caught.value)


@pytest.mark.parametrize("workers", [0, 2])
def test_embedding_fetches_each_clip_once_and_again_none(
    bucket: Any, fetched: list[str], tmp_path: Path, workers: int
) -> None:
    for newly in (NUM_CLIPS, 0):
        done = embed("trivial", ["memory://voices/wavs"], out="memory://voices/e.parquet", workers=workers)
        assert done.newly_embedded == newly and not done.failures
    assert len(fetched) == NUM_CLIPS
    table = pyarrow.parquet.read_table(io.BytesIO(bucket.cat_file("/voices/e.parquet")))
    assert table["file"].to_pylist() == [str(clip.path) for clip in _clips()]


def test_embeddings_are_those_of_the_same_files_here(bucket: Any, tmp_path: Path) -> None:
    (tmp_path / "wavs").mkdir()
    for number in range(NUM_CLIPS):
        (tmp_path / "wavs" / f"c{number:02d}.wav").write_bytes(_wav(number))
    tables = []
    for cache, source in (("a", "memory://voices/wavs"), ("b", str(tmp_path / "wavs"))):
        embed("logmel_stats", [source], out=tmp_path / f"{cache}.parquet", cache=tmp_path / cache, workers=0)
        tables.append(pyarrow.parquet.read_table(tmp_path / f"{cache}.parquet").drop_columns("file"))
    assert tables[0].equals(tables[1])


def test_what_does_not_fit_is_fetched_by_who_decodes_it(
    bucket: Any, fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 3.5 * len(_wav(NUM_CLIPS)))
    monkeypatch.setattr(_embed_remote, "BLOCK", NUM_CLIPS)
    done = embed("trivial", ["memory://voices/wavs"], out=tmp_path / "e.parquet", workers=0)
    assert done.num_clips == NUM_CLIPS and not done.failures
    kept = sum(path.stat().st_size for path in copies._folder().iterdir())
    assert NUM_CLIPS < len(fetched) < 2 * NUM_CLIPS and kept <= copies.MOST_BYTES


def test_copies_make_way_for_those_of_the_next_clips(
    bucket: Any, fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 3.5 * len(_wav(NUM_CLIPS)))
    monkeypatch.setattr(_embed_remote, "BLOCK", 3)
    done = embed("trivial", ["memory://voices/wavs"], out=tmp_path / "e.parquet", workers=0)
    assert done.num_clips == len(fetched) == NUM_CLIPS


def test_files_that_are_not_there_are_listed_and_the_others_embedded(bucket: Any, tmp_path: Path) -> None:
    rows = "".join(f"{file}\n" for file in ("wavs/c00.wav", "memory://voices/wavs/c01.wav", "wavs/none.wav"))
    bucket.pipe_file("/voices/calls.csv", f"file\n{rows}".encode())
    done = embed("trivial", ["memory://voices/calls.csv"], out=tmp_path / "e.csv", workers=0)
    assert done.num_clips == 2
    assert [failure.file for failure in done.failures] == ["memory://voices/wavs/none.wav"]
    assert "no such file on the store" in done.failures[0].reason


def test_a_store_that_is_gone_ends_the_run(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(address: str, file: Path) -> None:
        raise PlaceError(f"{address}: its store does not answer", gone=True)

    monkeypatch.setattr(store, "bring", gone)
    with pytest.raises(PlaceError, match="does not answer"):
        embed("trivial", ["memory://voices/wavs"], out=tmp_path / "e.parquet", workers=0)


def test_a_source_that_is_not_there_is_told(bucket: Any, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="there is nothing at memory://voices/wavz"):
        embed("trivial", ["memory://voices/wavz"], out=tmp_path / "e.parquet")


def test_a_run_is_not_written_to_a_store() -> None:
    from noss.pipeline.run import run

    with pytest.raises(PlaceError, match="give a folder here"):
        run(models=["trivial"], tasks=["demo"], out="memory://voices/run")


def test_a_split_of_a_table_on_a_store_names_its_files_from_elsewhere(bucket: Any, tmp_path: Path) -> None:
    from noss.pipeline.split import split

    rows = "".join(f"wavs/c{number:02d}.wav,s{number}\n" for number in range(NUM_CLIPS))
    bucket.pipe_file("/voices/calls.csv", f"file,speaker\n{rows}".encode())
    split("csv/memory://voices/calls.csv", out=tmp_path / "here.csv")
    split("csv/memory://voices/calls.csv", out="memory://voices/beside.csv")
    here, beside = (tmp_path / "here.csv").read_text(encoding="utf-8"), bucket.cat_file("/voices/beside.csv").decode()
    assert "\nmemory://voices/wavs/c00.wav,s0," in here and "\nwavs/c00.wav,s0," in beside
