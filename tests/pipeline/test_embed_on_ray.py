"""A real Ray cluster of several nodes on this machine: nodes and workers die, and every row is there once."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_model
import traced_model
from made_table import made_rows, write_table
from tiny_model import CRASHES, write_wav

from noss import _parts, cli
from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._embed_engine import open_engine
from noss.pipeline._models import open_model
from noss.pipeline.embed import Embedded, embed_clips, embed_frames

TINY, TRACED = str(Path(tiny_model.__file__)), str(Path(traced_model.__file__))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without CPUs and two nodes, joined by this process."""
    os.environ |= {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes.small = [nodes.add_node(num_cpus=1) for _ in range(2)]
        ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
        nodes.wait_for_nodes()
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    paths = [tmp_path / "wavs" / f"{seed}.wav" for seed in range(40)]
    for seed, path in enumerate(paths):
        write_wav(path, 0.3 + 0.01 * seed, seed=seed)
    return [Clip(path=path, labels={}) for path in paths]


def _embed(model: str, clips: list[Clip], cache: Path, *, step: Any = embed_clips, **options: Any) -> Any:
    return step(open_model(model, cache=cache), clips, ids=clip_ids(clips, cache=cache), cache=cache, **options)


def _until(holds: Callable[[], bool], *, within_s: float = 400.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _pids(trace: Path) -> list[int]:
    return [int(text) for path in trace.iterdir() if path.name != traced_model.SLOW and (text := path.read_text())]


def _rows(done: Embedded) -> np.ndarray:
    return done.store.lookup([str(name) for name in done.ids])


def _stored(done: Embedded) -> list[bytes]:
    parts = done.store.folder.glob("part-*.arrow")
    return [name for path in parts for name in _parts.read_table(path)["id"].to_pylist()]


def test_a_dead_worker_and_a_dead_node_cost_no_row(
    cluster: Any, clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from noss.engines import ray as engine

    monkeypatch.setattr(engine, "LATE_S", 2.0)
    monkeypatch.setattr(engine, "LATE_TIMES", 2)
    (tmp_path / "trace").mkdir()
    (tmp_path / "trace" / traced_model.SLOW).touch()  # there is work left for the worker that replaces the dead one
    monkeypatch.setenv(traced_model.TRACE, str(tmp_path / "trace"))
    done: list[Embedded] = []
    options = {"engine": open_engine("ray"), "batch_s": 0.01, "strict": True}
    thread = threading.Thread(target=lambda: done.append(_embed(TRACED, clips, tmp_path / "ray", **options)))
    thread.start()
    _until(lambda: len(set(_pids(tmp_path / "trace"))) == 2)
    first = _pids(tmp_path / "trace")[0]
    os.kill(first, signal.SIGKILL)
    _until(lambda: len(set(_pids(tmp_path / "trace"))) == 3)
    cluster.remove_node(cluster.small.pop(), allow_graceful=False)
    (tmp_path / "trace" / traced_model.SLOW).unlink()
    thread.join(timeout=400)
    assert len(_pids(tmp_path / "trace")) >= len(clips)
    local = _embed(TRACED, clips, tmp_path / "local", workers=0)
    assert (done[0].failures, done[0].newly_embedded) == ([], len(clips))
    np.testing.assert_array_equal(_rows(done[0]), _rows(local))
    assert len(set(_stored(done[0]))) == len(_stored(done[0])) == len(clips)
    assert done[0].store.speed()[2].endswith("(ray)")


def test_the_clip_that_kills_its_worker_is_listed_and_the_rest_is_done(
    cluster: Any, clips: list[Clip], tmp_path: Path
) -> None:
    write_wav(tmp_path / "guilty.wav", 0.5, first=CRASHES)
    guilty = [*clips[:10], Clip(path=tmp_path / "guilty.wav", labels={})]
    done = _embed(TINY, guilty, tmp_path, engine=open_engine("ray"), batch_s=5.0, workers=1)
    assert [failure.file for failure in done.failures] == [str(tmp_path / "guilty.wav")]
    assert "the worker died" in done.failures[0].reason
    assert done.newly_embedded == 10


def test_two_engines_at_once_on_one_store_lose_and_spoil_nothing(
    cluster: Any, clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trace").mkdir()
    monkeypatch.setenv(traced_model.TRACE, str(tmp_path / "trace"))
    done: list[Embedded] = []
    options = {"engine": open_engine("ray"), "workers": 1, "batch_s": 0.01, "strict": True}
    thread = threading.Thread(target=lambda: done.append(_embed(TRACED, clips[:20], tmp_path / "both", **options)))
    thread.start()
    _until(lambda: bool(_pids(tmp_path / "trace")))
    here = _embed(TRACED, clips[:20], tmp_path / "both", workers=0, batch_s=0.01, strict=True)
    thread.join(timeout=400)
    monkeypatch.delenv(traced_model.TRACE)
    alone = _embed(TRACED, clips[:20], tmp_path / "alone", workers=0)
    for rows in (_rows(done[0]), _rows(here)):
        np.testing.assert_array_equal(rows, _rows(alone))
    again = _embed(TRACED, clips[:20], tmp_path / "both", workers=0)
    assert (again.newly_embedded, again.store.num_corrupt, len(again.store)) == (0, 0, 20)


def test_frames_are_written_by_the_workers_and_are_those_of_this_machine(
    cluster: Any, clips: list[Clip], tmp_path: Path
) -> None:
    there = _embed(TINY, clips[:8], tmp_path / "ray", step=embed_frames, engine=open_engine("ray"), workers=1)
    here = _embed(TINY, clips[:8], tmp_path / "local", step=embed_frames, workers=0)
    for ours, theirs in zip(here.store.lookup(here.ids), there.store.lookup(here.ids), strict=True):
        np.testing.assert_array_equal(theirs, ours)


def test_a_run_says_on_which_engine_it_was(cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = write_table(tmp_path, made_rows(tmp_path, num_speakers=4, takes=1))
    words = ["--models", "trivial", "--tasks", f"csv/{table}/mood", "--draws", "50", "--cache", str(tmp_path / "cache")]
    with pytest.raises(SystemExit) as stop:
        cli.main(["run", *words, "--out", str(tmp_path / "run"), "--engine", "ray"])
    assert (stop.value.code, capsys.readouterr().err) == (0, "")
    request = json.loads((tmp_path / "run" / "run.json").read_text())["request"]
    scores = [json.loads(line) for line in (tmp_path / "run" / "scores.jsonl").read_text().splitlines()]
    assert request["engine"] == "ray"
    assert all(score["device"].endswith("(ray)") for score in scores)
