"""Tables of any length are embedded block by block, and nobody can tell from the result."""

from __future__ import annotations

import multiprocessing
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_model
from tiny_model import write_wav

from noss.datasets import Clip
from noss.datasets import csv as csv_dataset
from noss.errors import DataError, StoreError
from noss.pipeline import _embed_done, _embed_plan, _embed_table, _manifest
from noss.pipeline import embed as embed_module
from noss.pipeline._manifest import Manifest
from noss.pipeline.embed import EmbeddedTable, embed
from noss.store import Store

TINY = str(Path(tiny_model.__file__))


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    """Thirty segments of three files of five seconds, and the files whole."""
    for number in range(3):
        write_wav(tmp_path / "wavs" / f"{number}.wav", 5.0, seed=number)
    starts_s = np.round(np.arange(30) * 0.137, 9)
    segments = pd.DataFrame(
        {
            "file": [f"wavs/{row % 3}.wav" for row in range(30)],
            "start": pd.to_timedelta(starts_s, unit="s"),
            "end": pd.to_timedelta(starts_s + 0.5, unit="s"),
        }
    )
    none = pd.to_timedelta([None] * 3)
    whole = pd.DataFrame({"file": [f"wavs/{row}.wav" for row in range(3)], "start": none, "end": none})
    return pd.concat([segments, whole], ignore_index=True)


@pytest.fixture
def parquet(table: pd.DataFrame, tmp_path: Path) -> Path:
    table.assign(label="x").to_parquet(tmp_path / "table.parquet", index=False)
    return tmp_path / "table.parquet"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_manifest, "ROWS", 7)
    monkeypatch.setattr(_embed_table, "_ROWS", 4)
    monkeypatch.setattr(_embed_table, "_BYTES", 80)


def _embed(source: Path, *, out: str = "out.parquet", **options) -> EmbeddedTable:
    cache = source.parent / "cache"
    return embed(TINY, [str(source)], out=source.parent / out, cache=cache, workers=0, **options)


def _segments(clips: list[Clip]) -> list[tuple[str, float, float | None]]:
    """Clips to the nanosecond, as their identities see them."""
    return [(str(one.path), round(one.start_s, 9), None if one.end_s is None else round(one.end_s, 9)) for one in clips]


def _read(source: Path) -> list[tuple[str, float, float | None]]:
    return [segment for block in Manifest(source) for segment in _segments(block)]


def test_every_way_to_write_a_table_names_the_same_clips(table: pd.DataFrame, parquet: Path, tmp_path: Path) -> None:
    seconds = table.assign(start=table.start.dt.total_seconds(), end=table.end.dt.total_seconds())
    table.to_csv(tmp_path / "deltas.csv", index=False)
    seconds.to_csv(tmp_path / "seconds.csv", index=False)
    seconds.rename(columns={"file": "File "}).to_csv(tmp_path / "semicolons.csv", index=False, sep=";")
    seconds.to_csv(tmp_path / "tabs.tsv", index=False, sep="\t", encoding="utf-8-sig")
    seconds.astype({"file": "category"}).to_parquet(tmp_path / "seconds.parquet")
    table.set_index(["file", "start", "end"]).assign(label=1).to_parquet(tmp_path / "index.parquet")
    expected = _segments(list(csv_dataset.clips(tmp_path / "deltas.csv")))
    for name in ("deltas.csv", "seconds.csv", "semicolons.csv", "tabs.tsv", "seconds.parquet", "index.parquet"):
        assert _read(tmp_path / name) == expected, name
    assert _read(parquet) == expected


def test_without_start_and_end_a_row_is_a_whole_file(table: pd.DataFrame, tmp_path: Path) -> None:
    table[["file"]].to_csv(tmp_path / "files.csv", index=False)
    assert set(_read(tmp_path / "files.csv")) == {(str(tmp_path / f"wavs/{row}.wav"), 0.0, None) for row in range(3)}


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_by_the_block_or_at_once_gives_the_same_table(parquet: Path, suffix: str, request) -> None:
    _embed(parquet, out=f"once.{suffix}")
    request.getfixturevalue("small_blocks")
    done = embed(
        TINY, [str(parquet)], out=parquet.parent / f"blocks.{suffix}", cache=parquet.parent / "other", workers=0
    )
    read = pd.read_parquet if suffix == "parquet" else pd.read_csv
    once, blocks = (read(parquet.parent / f"{name}.{suffix}") for name in ("once", "blocks"))
    pd.testing.assert_frame_equal(once, blocks)
    assert (done.num_clips, done.newly_embedded, done.failures) == (33, 33, [])


@pytest.mark.usefixtures("small_blocks")
def test_a_row_that_stands_twice_is_embedded_once_and_stays_two_rows(table: pd.DataFrame, tmp_path: Path) -> None:
    pd.concat([table, table]).to_parquet(tmp_path / "twice.parquet", index=False)
    done = _embed(tmp_path / "twice.parquet")
    assert (done.num_clips, done.newly_embedded) == (66, 33)


@pytest.mark.usefixtures("small_blocks")
def test_rows_without_a_file_are_listed_and_the_others_written(table: pd.DataFrame, tmp_path: Path) -> None:
    table.iloc[20, 0] = "wavs/gone.wav"
    table.iloc[25, 0] = "text.wav"
    (tmp_path / "text.wav").write_text("no audio")
    table.to_parquet(tmp_path / "table.parquet", index=False)
    done = _embed(tmp_path / "table.parquet")
    assert [Path(failure.file).name for failure in done.failures] == ["gone.wav", "text.wav"]
    written = pd.read_parquet(tmp_path / "out.parquet")
    assert (done.num_clips, len(written)) == (31, 31)
    kept = table.drop(index=table.index[[20, 25]])[:28]
    assert written.start[:28].tolist() == kept.start.tolist()


def _embed_and_die(source: Path) -> None:
    _manifest.ROWS = 7
    blocks = []
    real = _embed_done.Ledger.add

    def add(ledger: _embed_done.Ledger, done: _embed_done.Embedded) -> None:
        real(ledger, done)
        blocks.append(done)
        if len(blocks) == 3:
            multiprocessing.current_process().kill()

    _embed_done.Ledger.add = add
    _embed(source)


@pytest.mark.usefixtures("small_blocks")
def test_a_run_killed_in_the_middle_of_a_table_goes_on_where_it_was(parquet: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_embed_and_die, args=(parquet,))
    process.start()
    process.join()
    assert process.exitcode != 0
    assert not (parquet.parent / "out.parquet").exists()
    done = _embed(parquet)
    assert (done.num_clips, done.newly_embedded) == (33, 33 - 3 * 7)


@pytest.mark.usefixtures("small_blocks")
def test_the_store_is_opened_once_and_each_row_is_looked_at_a_few_times(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, asked, looked_up = [], [], []
    monkeypatch.setattr(embed_module, "clip_ids", _counted(embed_module.clip_ids, asked))
    monkeypatch.setattr(Store, "lookup", _counted(Store.lookup, looked_up, at=1))
    real = Store.open.__func__
    monkeypatch.setattr(Store, "open", classmethod(lambda *arguments: opened.append(1) or real(*arguments)))
    _embed(parquet)
    assert len(opened) == 1
    assert (sum(asked), max(asked)) == (33, 7)
    assert (sum(looked_up), max(looked_up)) == (33, 5), "80 bytes are five rows of four numbers"


@pytest.mark.usefixtures("small_blocks")
def test_going_on_reads_the_headers_of_missing_clips_only(
    table: pd.DataFrame, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table[:20].to_parquet(parquet, index=False)
    _embed(parquet)
    table.to_parquet(parquet, index=False)
    measured: list[Path] = []
    real = _embed_plan.measure
    monkeypatch.setattr(_embed_plan, "measure", lambda job: measured.append(job.path) or real(job))
    assert _embed(parquet).newly_embedded == 13
    assert len(measured) == 13


def _counted(function, sizes: list[int], at: int = 0):
    return lambda *given, **options: sizes.append(len(given[at])) or function(*given, **options)


def test_memory_does_not_grow_with_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_manifest, "ROWS", 1000)
    write_wav(tmp_path / "a.wav", 1.0)
    peaks = []
    for num_rows in (4_000, 40_000):
        rows = pd.DataFrame({"file": "a.wav", "start": np.arange(num_rows) * 1e-6})
        rows.to_parquet(tmp_path / "table.parquet", row_group_size=1000)
        tracemalloc.start()
        assert sum(len(block) for block in Manifest(tmp_path / "table.parquet")) == num_rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], "ten times the rows"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "path,start\nx.wav,0\n", r"has no column 'file' \(its columns: path, start\)"),
        ("a.csv", "file,start,File\nx.wav,0,y.wav\n", "two columns 'file'"),
        ("a.csv", "file\n", "has a header and no row"),
        ("a.csv", "file,start\na.wav,0\na.wav,soon\n", "row 2: start 'soon' is no time"),
        ("a.csv", "file,start\na.wav,0\na.wav,-1\n", "row 2: start -1.0 is no time"),
        ("a.csv", "file,start,end\na.wav,2,1\n", r"row 1: the end \(1 s\) is not behind the start \(2 s\)"),
        ("a.csv", "file,start\na.wav,0\n,1\n", "row 2: no file"),
        ("a.csv", "file,start\na.wav,0\na.wav,1,2\n", "cannot read .*Expected 2 columns, got 3"),
        ("a.csv", "file\nb.wav\nc.wav\n", r"no file of the first 2 rows of .* is there \(first: .*b\.wav\)"),
        ("a.csv", "file\na\udcff.wav\n", "cannot read .*UTF"),
        ("a.parquet", "no table at all", "cannot read .*give a Parquet table"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    write_wav(tmp_path / "a.wav", 1.0)
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=message):
        _embed(tmp_path / name)


def test_times_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 1.0)
    pd.DataFrame({"file": ["a.wav"], "start": [[0.0]]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="a column start of list"):
        _embed(tmp_path / "a.parquet")


def test_a_table_that_changes_meanwhile_is_no_wrong_table(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _embed_done.Ledger.add

    def add(ledger: _embed_done.Ledger, done: _embed_done.Embedded) -> None:
        real(ledger, done)
        pd.read_parquet(parquet)[:-1].to_parquet(parquet)

    monkeypatch.setattr(_embed_done.Ledger, "add", add)
    with pytest.raises(DataError, match="a table changed while its clips were embedded"):
        _embed(parquet)
    assert not (parquet.parent / "out.parquet").exists()


def test_a_table_and_a_folder_go_together(parquet: Path) -> None:
    cache = parquet.parent / "cache"
    folder = str(parquet.parent / "wavs")
    done = embed(TINY, [str(parquet), folder], out=parquet.parent / "o.parquet", cache=cache, workers=0)
    assert (done.num_clips, done.newly_embedded) == (36, 33)
    assert pd.read_parquet(parquet.parent / "o.parquet").file[:3].tolist() == [
        f"{folder}/{row}.wav" for row in range(3)
    ]


def test_a_part_that_goes_meanwhile_is_an_error_and_leaves_no_table(parquet: Path) -> None:
    done = _embed(parquet)
    assert done.newly_embedded == 33
    before = (parquet.parent / "out.parquet").read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "durations_s", lambda *_: (_ for _ in ()).throw(StoreError("gone")))
        with pytest.raises(StoreError, match="gone"):
            _embed(parquet)
    assert (parquet.parent / "out.parquet").read_bytes() == before
