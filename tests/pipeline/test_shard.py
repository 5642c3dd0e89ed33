"""Shares of the clips: each clip in one of them, whatever the order, and all of them together are the whole."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_model
from made_table import made_rows, write_table
from tiny_model import write_wav

from noss import cli
from noss.datasets import Clip
from noss.errors import DataError, Failure
from noss.pipeline._models import open_model
from noss.pipeline._shard import Shard, parse_shard
from noss.pipeline.embed import embed
from noss.pipeline.run import run
from noss.store import Store

TINY = str(Path(tiny_model.__file__))
IDS = [f"{number:032x}" for number in (random.Random(seed).getrandbits(128) for seed in range(4000))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed in range(30):
        write_wav(tmp_path / "wavs" / f"{seed}.wav", 0.2 + 0.01 * seed, seed=seed)
    return tmp_path / "wavs"


def _call(*words: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    return int(stop.value.code or 0)


def _rows(table: Path) -> dict[str, list[float]]:
    columns = pq.read_table(table)
    return dict(zip(columns["file"].to_pylist(), columns["embedding"].to_pylist(), strict=True))


def test_every_clip_is_in_one_share_and_shares_are_of_about_one_size() -> None:
    counts = Counter(
        shard.part for name in IDS for shard in (Shard(part, 8) for part in range(1, 9)) if shard.holds(name)
    )
    assert sum(counts.values()) == len(IDS)
    assert min(counts.values()) > 400  # 500 on average; five standard deviations below is 395


def test_a_share_does_not_depend_on_the_order_or_on_what_else_is_there() -> None:
    clips = [Clip(path=Path(name), labels={}) for name in IDS]
    shuffled = random.Random(0).sample(clips, len(clips))
    first = {clip.path for clip in Shard(3, 8).pick(clips, IDS)[0]}
    again = {clip.path for clip in Shard(3, 8).pick(shuffled, [str(clip.path) for clip in shuffled])[0]}
    half = {clip.path for clip in Shard(3, 8).pick(clips[:2000], IDS[:2000])[0]}
    assert first == again
    assert half == first & {clip.path for clip in clips[:2000]}


def test_a_file_that_cannot_be_read_is_told_by_one_share() -> None:
    failure = Failure(file="gone.wav", start_s=0.0, end_s=None, stage="read", reason="is gone")
    assert sum(Shard(part, 5).holds(failure) for part in range(1, 6)) == 1


@pytest.mark.parametrize("text", ["0/8", "9/8", "x", "3", "3/", "/8", "-1/8", "1/0", "1.5/8", "3/8/2", ""])
def test_what_is_no_share_is_an_error_that_says_what_to_write(text: str) -> None:
    with pytest.raises(DataError, match="write PART/OF from 1/8 to 8/8"):
        parse_shard(text)


@pytest.mark.parametrize("verb", ["embed", "run"])
def test_a_bad_share_is_one_line_and_no_work(verb: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = {"embed": ["trivial", str(folder)], "run": ["--models", "trivial", "--tasks", f"folder/{folder}/label"]}[
        verb
    ]
    assert _call(verb, *words, "--out", str(folder / "out.parquet"), "--shard", "9/8") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (folder / "out.parquet").exists()


def test_shares_in_any_order_and_twice_are_the_whole(folder: Path, tmp_path: Path) -> None:
    options = {"cache": tmp_path / "cache", "workers": 0}
    rows: dict[str, list[float]] = {}
    new = 0
    for part in (2, 3, 1, 3):
        done = embed(TINY, [str(folder)], out=tmp_path / f"{part}.parquet", shard=f"{part}/3", **options)
        assert done.num_clips < 30
        rows |= _rows(tmp_path / f"{part}.parquet")
        new += done.newly_embedded
    whole = embed(TINY, [str(folder)], out=tmp_path / "whole.parquet", **options)
    alone = embed(TINY, [str(folder)], out=tmp_path / "alone.parquet", cache=tmp_path / "other", workers=0)
    assert (new, whole.newly_embedded, alone.newly_embedded) == (30, 0, 30)
    assert rows == _rows(tmp_path / "whole.parquet") == _rows(tmp_path / "alone.parquet")


def test_a_run_over_shares_embeds_and_scores_nothing_until_the_whole_is_asked_for(tmp_path: Path) -> None:
    table = write_table(tmp_path, made_rows(tmp_path))
    options = {"models": ["logmel_stats"], "tasks": [f"csv/{table}/mood"], "cache": tmp_path / "cache", "workers": 0}
    parts = [run(out=tmp_path / "run", shard=f"{part}/2", draws=50, **options) for part in (1, 2)]
    assert [part.scores for part in parts] == [[], []]
    assert not (tmp_path / "run" / "scores.jsonl").exists()
    assert sum(int(part.share.split(", ")[1].split()[0]) for part in parts) == sum(
        int(part.share.split(": ")[1].split()[0]) for part in parts
    )
    store = Store.open(tmp_path / "cache", open_model("logmel_stats").facts)
    before = sorted(store.folder.glob("part-*"))
    assert run(out=tmp_path / "run", draws=50, **options).scores
    assert sorted(store.folder.glob("part-*")) == before


TWO = "import sys; from noss.pipeline.embed import embed; embed(sys.argv[1], [sys.argv[2]], out=sys.argv[3], cache=sys.argv[4], workers=1)"


@pytest.mark.slow
def test_two_processes_at_once_on_one_store_lose_and_spoil_nothing(folder: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"{name}.parquet" for name in ("one", "two")]
    words = [sys.executable, "-c", TWO, TINY, str(folder)]
    both = [subprocess.Popen([*words, str(out), str(tmp_path / "cache")]) for out in outs]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    assert _rows(outs[0]) == _rows(outs[1])
    store = Store.open(tmp_path / "cache", open_model(TINY).facts)
    assert (store.num_corrupt, len(store)) == (0, 30)
    again = embed(TINY, [str(folder)], out=tmp_path / "again.parquet", cache=tmp_path / "cache", workers=0)
    assert again.newly_embedded == 0
    np.testing.assert_equal(_rows(tmp_path / "again.parquet"), _rows(outs[0]))
