"""Whatever goes wrong costs the clips it touches and no others, and what is done stays done."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
import tiny_model
from tiny_model import CRASHES, EXITS, GIVES_NAN, RAISES, by_hand, write_wav

from noss.datasets import Clip
from noss.errors import AudioError, StoreError
from noss.identity import clip_ids
from noss.pipeline import _embed_writer
from noss.pipeline._embed_machine import Spread
from noss.pipeline._models import open_model
from noss.pipeline.embed import Embedded, embed_clips

TINY = str(Path(tiny_model.__file__))


def _embed(paths: list[Path], cache: Path, **options) -> Embedded:
    clips = [Clip(path=path, labels={}) for path in paths]
    return embed_clips(open_model(TINY, cache=cache), clips, ids=clip_ids(clips, cache=cache), cache=cache, **options)


def _reasons(done: Embedded) -> dict[str, str]:
    return {Path(failure.file).name: f"{failure.stage}: {failure.reason}" for failure in done.failures}


@pytest.fixture
def sounds(tmp_path: Path) -> dict[Path, np.ndarray]:
    return {
        path: write_wav(path, 0.3 + 0.01 * seed, seed=seed) for seed in range(40) for path in [tmp_path / f"{seed}.wav"]
    }


def _assert_whole(done: Embedded, sounds: dict[Path, np.ndarray], paths: list[Path]) -> None:
    there = [(path, name) for path, name in zip(paths, done.ids, strict=True) if path in sounds]
    vectors = done.store.lookup([str(name) for _, name in there])[:, 0]
    np.testing.assert_allclose(vectors, [by_hand(sounds[path]) for path, _ in there], atol=2e-7)


@pytest.mark.parametrize(
    ("first", "workers", "reason"),
    [
        (RAISES, 0, "embed: KeyError: 'this one clip'"),
        (RAISES, 2, "embed: KeyError: 'this one clip'"),
        (GIVES_NAN, 0, "embed: the model returned NaN or infinity"),
        (GIVES_NAN, 2, "embed: the model returned NaN or infinity"),
        (CRASHES, 2, "embed: the worker died: signal SIGSEGV"),
        (EXITS, 2, "embed: the worker died: exit status 9"),
    ],
)
def test_only_the_guilty_clip_is_lost(sounds, tmp_path: Path, first: float, workers: int, reason: str) -> None:
    write_wav(tmp_path / "guilty.wav", 0.5, first=first)
    write_wav(tmp_path / "also.wav", 0.31, first=first)
    paths = [*sounds, tmp_path / "guilty.wav", tmp_path / "also.wav"]
    done = _embed(paths, tmp_path, workers=workers, batch_s=5.0)
    assert _reasons(done) == {"guilty.wav": reason, "also.wav": reason}
    assert (done.newly_embedded, done.ids[-2:]) == (40, [None, None])
    _assert_whole(done, sounds, paths)


def test_broken_files_are_listed_each_with_its_reason(sounds, tmp_path: Path) -> None:
    bad = {name: tmp_path / name for name in ("text.wav", "empty.wav", "cut.wav", "nan.wav", "gone.wav", "folder.wav")}
    bad["text.wav"].write_text("hello")
    bad["empty.wav"].write_bytes(b"")
    bad["cut.wav"].write_bytes(next(iter(sounds)).read_bytes()[:3000])
    soundfile.write(bad["nan.wav"], np.full(8000, np.nan, np.float32), 16_000, subtype="FLOAT")
    bad["folder.wav"].mkdir()
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.float32), 16_000)
    paths = [*sounds, *bad.values(), tmp_path / "nothing.wav"]
    for workers in (0, 2):
        done = _embed(paths, tmp_path, workers=workers)
        assert set(_reasons(done)) == {*bad, "nothing.wav"}
        assert all(reason.startswith("read: ") and "\n" not in reason for reason in _reasons(done).values())
        assert "NaN" in _reasons(done)["nan.wav"]
        _assert_whole(done, sounds, paths)


@pytest.mark.parametrize("workers", [0, 2])
def test_strict_stops_at_the_first_failure_and_keeps_what_was_done(sounds, tmp_path: Path, workers: int) -> None:
    write_wav(tmp_path / "guilty.wav", 0.3, first=RAISES)
    with pytest.raises(AudioError, match="this one clip"):
        _embed([*sounds, tmp_path / "guilty.wav"], tmp_path, workers=workers, batch_s=2.0, strict=True)
    with pytest.raises(AudioError, match=r"no\.wav cannot be read"):
        _embed([*sounds, tmp_path / "no.wav"], tmp_path, workers=workers, strict=True)
    _assert_whole(_embed(list(sounds), tmp_path, workers=workers, strict=True), sounds, list(sounds))


SCRIPT = """
import sys
from pathlib import Path
from noss.pipeline import _embed_writer, _embed_plan
from noss.pipeline.embed import embed
_embed_writer.PART_S = 0.0
_embed_plan.MAX_BATCH = 2
cache, out, model, *paths = sys.argv[1:]
embed(model, paths, out=Path(out), cache=Path(cache), workers=2, batch_s=1.0)
"""


def _start(tmp_path: Path, cache: str, sounds: dict[Path, np.ndarray], log: Path) -> subprocess.Popen:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    arguments = [str(tmp_path / cache), str(tmp_path / f"{cache}.parquet"), TINY, *map(str, sounds)]
    environment = {**os.environ, "TINY_LOG": str(log), "TINY_SLEEP": "0.05"}
    return subprocess.Popen([sys.executable, str(script), *arguments], env=environment)


def _lines(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_killed_and_repeated_it_gives_the_same_and_embeds_only_what_was_in_flight_again(
    sounds, tmp_path: Path, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    with _start(tmp_path, "killed", sounds, log) as first:
        while len(_lines(log)) < 12:
            assert first.poll() is None
            time.sleep(0.01)
        workers = psutil.Process(first.pid).children(recursive=True)
        first.send_signal(how)
    psutil.wait_procs(workers, timeout=5)
    assert not any(worker.is_running() for worker in workers)
    kept = len(_embed([], tmp_path / "killed").store)
    assert 0 < kept < 40
    monkeypatch.setenv("TINY_LOG", str(log))
    again = _embed(list(sounds), tmp_path / "killed")
    assert again.newly_embedded == 40 - kept
    counts = Counter(_lines(log))
    assert len(counts) == 40, "every clip has a length of its own"
    in_flight = 2 * 2 * 2
    assert sum(counts.values()) - 40 <= in_flight
    assert max(counts.values()) <= 2
    undisturbed = _embed(list(sounds), tmp_path / "undisturbed")
    np.testing.assert_array_equal(again.store.lookup(again.ids), undisturbed.store.lookup(undisturbed.ids))
    _assert_whole(again, sounds, list(sounds))


@pytest.mark.slow
def test_two_processes_may_fill_one_store_at_once(sounds, tmp_path: Path) -> None:
    with (
        _start(tmp_path, "shared", sounds, tmp_path / "log") as one,
        _start(tmp_path, "shared", dict(reversed(sounds.items())), tmp_path / "log") as other,
    ):
        assert (one.wait(), other.wait()) == (0, 0)
    done = _embed(list(sounds), tmp_path / "shared")
    assert (done.newly_embedded, len(done.store), done.store.num_corrupt) == (0, 40, 0)
    _assert_whole(done, sounds, list(sounds))


def test_a_full_disk_stops_cleanly_and_the_next_run_goes_on(
    sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_embed_writer, "PART_ROWS", 10)
    _embed(list(sounds)[:10], tmp_path, workers=0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot write .*free some space"):
            _embed(list(sounds), tmp_path, workers=0, batch_s=1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    done = _embed(list(sounds), tmp_path, workers=0)
    assert (done.newly_embedded, done.store.num_corrupt) == (30, 0)
    _assert_whole(done, sounds, list(sounds))


def test_a_corrupt_part_is_found_reported_and_rebuilt(
    sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_embed_writer, "PART_ROWS", 10)
    first = _embed(list(sounds), tmp_path, workers=0, batch_s=1.0)
    part = sorted(first.store.folder.glob("part-*.arrow"))[0]
    content = bytearray(part.read_bytes())
    content[-200] ^= 1
    part.write_bytes(content)
    with caplog.at_level("WARNING", "noss"):
        again = _embed(list(sounds), tmp_path, workers=0)
    assert "is corrupt" in caplog.text
    assert 0 < again.newly_embedded < 40
    _assert_whole(again, sounds, list(sounds))
    assert _embed(list(sounds), tmp_path, workers=0).newly_embedded == 0


@pytest.mark.slow
def test_three_hours_are_embedded_in_little_memory(tmp_path: Path) -> None:
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 16_000, 1, subtype="PCM_16") as file:
        for seed in range(180):
            file.write(np.random.default_rng(seed).uniform(-0.05, 0.05, 60 * 16_000).astype(np.float32))
    write_wav(tmp_path / "short.wav", 90.0)
    _embed([tmp_path / "short.wav"], tmp_path / "warm", workers=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = _embed([tmp_path / "long.wav"], tmp_path / "cache", workers=0)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert done.store.durations_s(done.ids) == pytest.approx([3 * 3600])
    assert done.store.lookup(done.ids)[0, 0, 1] == pytest.approx(0.05**2 / 3, rel=1e-3)
    assert grown_mb < 100, "the waveform alone would be 690 MB"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs fork")
def test_a_script_without_a_main_guard_works(sounds, tmp_path: Path) -> None:
    with _start(tmp_path, "plain", sounds, tmp_path / "log") as script:
        assert script.wait() == 0


@pytest.mark.slow
def test_a_spawned_worker_that_decodes_ahead_finds_the_guilty_clip_too(
    sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of an accelerator: one spawned process, decoding threads in it, batches behind one another."""
    monkeypatch.setattr(
        "noss.pipeline._embed_engine.spread",
        lambda card, **_: Spread("cpu", workers=1, threads=2, prefetch=3, batch_s=2.0),
    )
    write_wav(tmp_path / "guilty.wav", 0.33, first=CRASHES)
    (tmp_path / "text.wav").write_text("hello")
    paths = [*sounds, tmp_path / "guilty.wav", tmp_path / "text.wav"]
    done = _embed(paths, tmp_path)
    assert set(_reasons(done)) == {"guilty.wav", "text.wav"}
    assert _reasons(done)["guilty.wav"] == "embed: the worker died: signal SIGSEGV"
    _assert_whole(done, sounds, paths)
