"""Frames are stored whole, once, in bounded memory; they outlive kills and damage, and the table says when each was."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet
import pytest
import soundfile
import tiny_layers
import tiny_model
from tiny_model import CRASHES, GIVES_NAN, RAISES, write_wav

from noss import _frame_parts
from noss.datasets import Clip
from noss.errors import AudioError, DataError, ModelError, StoreError
from noss.frame_store import FrameStore
from noss.identity import clip_ids
from noss.pipeline import _embed_frames, _embed_worker, _manifest
from noss.pipeline import embed as steps
from noss.pipeline._embed_done import EmbeddedFrames
from noss.pipeline._embed_frames import frame_facts
from noss.pipeline._models import open_model
from noss.pipeline.embed import embed, embed_clips, embed_frames

TINY, LAYERS = str(Path(tiny_model.__file__)), str(Path(tiny_layers.__file__))
LENGTHS_S = [0.01, 0.35, 1.0, 2.0, 2.01, 5.3]


def _embed(paths: list[Path], cache: Path, *, model: str = TINY, **options) -> EmbeddedFrames:
    clips = [path if isinstance(path, Clip) else Clip(path=path, labels={}) for path in paths]
    return embed_frames(open_model(model, cache=cache), clips, ids=clip_ids(clips, cache=cache), cache=cache, **options)


def _lookup(done: EmbeddedFrames) -> list[np.ndarray]:
    return done.store.lookup([name for name in done.ids if name is not None])


def _by_hand(waveform_T: np.ndarray) -> np.ndarray:
    """Frames (S, 4): windows of 2 s, the last one padded to 0.1 s."""
    frames = []
    for first in range(0, len(waveform_T), 32_000):
        piece_T = waveform_T[first : first + 32_000].astype(np.float64)
        padded_T = np.pad(piece_T, (0, max(0, 1_600 - len(piece_T))))
        frames_ST = padded_T[: len(padded_T) // 160 * 160].reshape(-1, 160)
        frames.append(np.stack([frames_ST.mean(1), (frames_ST**2).mean(1), frames_ST.max(1), frames_ST.min(1)], axis=1))
    return np.concatenate(frames)


@pytest.fixture
def sounds(tmp_path: Path) -> dict[Path, np.ndarray]:
    paths = [tmp_path / "wavs" / f"{number}.wav" for number in range(len(LENGTHS_S))]
    return {path: write_wav(path, LENGTHS_S[seed], seed=seed) for seed, path in enumerate(paths)}


@pytest.fixture
def many(tmp_path: Path) -> dict[Path, np.ndarray]:
    paths = [tmp_path / "wavs" / f"{number:02d}.wav" for number in range(40)]
    return {path: write_wav(path, 0.3 + 0.01 * seed, seed=seed) for seed, path in enumerate(paths)}


def _assert_whole(done: EmbeddedFrames, sounds: dict[Path, np.ndarray]) -> None:
    for found_S1D, waveform_T in zip(_lookup(done), sounds.values(), strict=True):
        np.testing.assert_allclose(found_S1D[:, 0], _by_hand(waveform_T), atol=2e-7)


@pytest.mark.parametrize(("choice", "workers"), [("", 0), ("", 2), ("/equal", 0)])
def test_frames_are_those_worked_out_by_hand(sounds, tmp_path: Path, choice: str, workers: int) -> None:
    done = _embed(list(sounds), tmp_path, model=f"{TINY}{choice}", workers=workers)
    _assert_whole(done, sounds)
    assert (done.failures, done.newly_embedded, len(done.store)) == ([], 6, 6)
    np.testing.assert_allclose(done.store.durations_s(done.ids), LENGTHS_S, atol=1e-4)
    seconds, audio_s, device = done.store.speed()
    assert audio_s == pytest.approx(sum(LENGTHS_S), abs=1e-3)
    assert 0 < seconds < 60 and "core" in device


def test_their_mean_is_the_embedding(sounds, tmp_path: Path) -> None:
    paths = [path for path, waveform_T in sounds.items() if len(waveform_T) <= 32_000]
    clips = [Clip(path=path, labels={}) for path in paths]
    pooled = embed_clips(open_model(TINY), clips, ids=clip_ids(clips, cache=tmp_path), cache=tmp_path, workers=0)
    means = np.stack([frames_SLD.mean(axis=0) for frames_SLD in _lookup(_embed(paths, tmp_path, workers=0))])
    np.testing.assert_allclose(means, pooled.store.lookup(pooled.ids), atol=1e-7)


def test_every_layer_is_kept(sounds, tmp_path: Path) -> None:
    one, all_three = (
        _lookup(_embed(list(sounds), tmp_path, model=f"{LAYERS}@{layer}", workers=0)) for layer in ("1", "all")
    )
    for one_S1D, three_SLD in zip(one, all_three, strict=True):
        np.testing.assert_array_equal(one_S1D[:, 0], three_SLD[:, 1])
        assert three_SLD.shape[1:] == (3, 4)


def test_nothing_is_embedded_twice(sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINY_LOG", str(tmp_path / "log"))
    assert _embed([*list(sounds)[:3], next(iter(sounds))], tmp_path, workers=0).newly_embedded == 3
    assert _embed(list(sounds), tmp_path, workers=2).newly_embedded == 3
    assert _embed(list(sounds), tmp_path).newly_embedded == 0
    assert len((tmp_path / "log").read_text().split()) == 9, "nine windows in six clips"


def test_a_long_clip_is_written_in_many_parts_and_is_whole(
    sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_embed_worker, "WHOLE_S", 0.0)
    monkeypatch.setattr(_embed_frames, "PART_BYTES", 1000)
    done = _embed(list(sounds), tmp_path, workers=0)
    assert len(list(done.store.folder.glob("part-*.arrow"))) >= 7
    _assert_whole(done, sounds)


def test_a_clip_that_lacks_a_window_or_its_end_is_missing(tmp_path: Path) -> None:
    store = FrameStore.open(tmp_path, {"model": "tiny", "layers": 1, "dim": 2})
    frames_SLD = np.zeros((3, 1, 2), np.float32)
    window = {"start_s": 0.0, "duration_s": 1.0, "frames_SLD": frames_SLD}
    end = {"place": _frame_parts.END, "start_s": 0.0, "duration_s": 2.0, "frames_SLD": frames_SLD[:0], "count": 2}
    whole, endless, gap = ("01" * 16, "02" * 15 + "00", "00" * 16)
    rows = [_frame_parts.Row(id=name, place=0, **window) for name in (whole, endless)]
    rows += [_frame_parts.Row(id=name, place=1, **window) for name in (whole, endless, gap)]
    rows += [_frame_parts.Row(id=name, **end) for name in (whole, gap)]
    _frame_parts.write(store.folder, rows, seconds=1.0, audio_s=2.0, device="cpu")
    store.refresh()
    assert store.missing_places([gap, whole, endless, gap]).tolist() == [0, 2]
    assert len(store) == 1
    (found_SLD,) = store.lookup([whole])
    assert found_SLD.shape == (6, 1, 2)
    with pytest.raises(StoreError, match="no frames of clip"):
        store.lookup([endless])


@pytest.mark.parametrize(
    ("first", "workers", "reason"),
    [
        (RAISES, 0, "embed: KeyError: 'this one clip'"),
        (GIVES_NAN, 2, "embed: the model returned NaN or infinity"),
        (CRASHES, 2, "embed: the worker died: signal SIGSEGV"),
    ],
)
def test_only_the_guilty_clip_is_lost(many, tmp_path: Path, first: float, workers: int, reason: str) -> None:
    write_wav(tmp_path / "guilty.wav", 0.5, first=first)
    (tmp_path / "text.wav").write_text("not audio")
    done = _embed([*many, tmp_path / "guilty.wav", tmp_path / "text.wav"], tmp_path, workers=workers, batch_s=5.0)
    found = {Path(one.file).name: f"{one.stage}: {one.reason}" for one in done.failures}
    assert found["guilty.wav"] == reason
    assert found.keys() == {"guilty.wav", "text.wav"}
    assert (done.newly_embedded, len(done.store)) == (40, 40)
    _assert_whole(done, many)


SCRIPT = """
import sys
from pathlib import Path
from noss.pipeline import _embed_plan
from noss.pipeline.embed import embed
_embed_plan.MAX_BATCH = 2
cache, out, model, *paths = sys.argv[1:]
embed(model, paths, out=Path(out), cache=Path(cache), workers=2, batch_s=1.0, frames=True)
"""


def test_killed_and_repeated_it_gives_the_same_and_embeds_only_what_was_in_flight_again(
    many, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, script = tmp_path / "log", tmp_path / "script.py"
    script.write_text(SCRIPT)
    arguments = [str(tmp_path / "killed"), str(tmp_path / "killed.parquet"), TINY, *map(str, many)]
    environment = {**os.environ, "TINY_LOG": str(log), "TINY_SLEEP": "0.05"}
    with subprocess.Popen([sys.executable, str(script), *arguments], env=environment) as first:
        while len(log.read_text().split() if log.exists() else []) < 12:
            assert first.poll() is None
            time.sleep(0.01)
        workers = psutil.Process(first.pid).children(recursive=True)
        first.send_signal(signal.SIGKILL)
    psutil.wait_procs(workers, timeout=5)
    assert not (tmp_path / "killed.parquet").exists()
    kept = len(_embed([], tmp_path / "killed").store)
    assert 0 < kept < 40
    monkeypatch.setenv("TINY_LOG", str(log))
    again = _embed(list(many), tmp_path / "killed")
    assert again.newly_embedded == 40 - kept
    counts = Counter(log.read_text().split())
    assert sum(counts.values()) - 40 <= 2 * 2 * 2, "no more than was in flight is embedded again"
    undisturbed = _embed(list(many), tmp_path / "undisturbed")
    for one, other in zip(_lookup(again), _lookup(undisturbed), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "emptied"])
def test_a_corrupt_part_is_found_reported_and_made_again(
    many, tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = _embed(list(many), tmp_path, workers=0, batch_s=2.0)
    part = sorted(first.store.folder.glob("part-*.arrow"))[0]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 4
    part.write_bytes({"flipped bit": content, "truncated": content[:-9], "emptied": b""}[damage])
    with caplog.at_level("WARNING", "noss"):
        again = _embed(list(many), tmp_path, workers=0)
    assert "is corrupt" in caplog.text
    assert again.store.num_corrupt == 1
    assert 0 < again.newly_embedded < 40
    _assert_whole(again, many)
    assert _embed(list(many), tmp_path, workers=0).newly_embedded == 0


def test_a_full_disk_stops_cleanly_and_the_next_run_goes_on(many, tmp_path: Path) -> None:
    _embed(list(many)[:10], tmp_path, workers=0)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, hard))
    try:
        with pytest.raises(StoreError, match=r"cannot write .*free some space"):
            _embed(list(many), tmp_path, workers=0, batch_s=1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    done = _embed(list(many), tmp_path, workers=0)
    assert (done.newly_embedded, done.store.num_corrupt) == (30, 0)
    _assert_whole(done, many)


def test_the_table_has_a_row_a_frame_and_says_when_it_was(sounds, tmp_path: Path) -> None:
    done = embed(TINY, [str(tmp_path / "wavs")], out=tmp_path / "out.parquet", cache=tmp_path, workers=0, frames=True)
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pandas()
    assert list(table.columns) == ["file", "start", "end", "embedding"]
    assert done.num_frames == len(table) == sum(len(_by_hand(waveform_T)) for waveform_T in sounds.values())
    assert str(done).startswith(f"{tmp_path / 'out.parquet'}: {len(table)} frames of 6 x 4 (6 embedded now")
    for path, waveform_T in sounds.items():
        rows = table[table.file == str(path)]
        np.testing.assert_allclose(np.stack(rows.embedding), _by_hand(waveform_T), atol=2e-7)
    rows = table[table.file == str(list(sounds)[4])]  # 2.01 s: 200 frames, then a window of 0.01 s padded to 0.1 s
    starts_s = rows.start.dt.total_seconds().to_numpy()
    np.testing.assert_allclose(starts_s, [*(0.01 * np.arange(200)), *(2.0 + 0.01 * np.arange(len(rows) - 200))])
    np.testing.assert_allclose(rows.end.dt.total_seconds(), starts_s + 0.01)


def _table(folder: Path, files: list[Path]) -> str:
    path = folder / "t.parquet"
    pyarrow.parquet.write_table(pa.table({"file": [str(file) for file in files]}), path)
    return str(path)


@pytest.mark.parametrize("rows", [{"frames": True}, {"per_window": True, "window_s": 0.1}], ids=["frames", "windows"])
def test_a_table_is_gone_through_a_block_at_a_time(
    many, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: dict[str, Any]
) -> None:
    files = list(many)
    table = _table(tmp_path, [*files[:7], files[0], tmp_path / "no.wav", files[7]])
    given: dict[str, Any] = {"cache": tmp_path / "blocks", "workers": 0, **rows}
    sizes, step = [], steps.embed_frames
    with monkeypatch.context() as patched:
        patched.setattr(_manifest, "ROWS", 4)
        patched.setattr(steps, "embed_frames", lambda *a, **k: sizes.append(len(a[1])) or step(*a, **k))
        done = embed(TINY, [table], out=tmp_path / "blocks.parquet", **given)
    embed(TINY, [str(path) for path in files[:8]], out=tmp_path / "one.parquet", **{**given, "cache": tmp_path})
    assert (sizes, done.num_clips, done.newly_embedded, len(done.failures)) == ([4, 4, 2], 9, 8, 1)
    found, one = (pyarrow.parquet.read_table(tmp_path / f"{name}.parquet").to_pandas() for name in ("blocks", "one"))
    parts = [one[one.file == str(path)] for path in (*files[:7], files[0], files[7])]
    pd.testing.assert_frame_equal(found, pd.concat(parts, ignore_index=True))
    assert done.num_frames == len(found)


def test_a_table_that_is_broken_off_leaves_no_file_and_keeps_the_blocks_before(
    many, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _table(tmp_path, [*list(many)[:8], tmp_path / "no.wav"])
    monkeypatch.setattr(_manifest, "ROWS", 4)
    given: dict[str, Any] = {"out": tmp_path / "out.parquet", "cache": tmp_path, "workers": 0, "frames": True}
    with pytest.raises(AudioError, match=r"no\.wav cannot be read"):
        embed(TINY, [table], **given, strict=True)
    assert list(tmp_path.glob("*out.parquet*")) == []
    assert embed(TINY, [table], **given).newly_embedded == 0


def test_a_segments_frames_count_from_the_start_of_its_file(sounds, tmp_path: Path) -> None:
    from noss.pipeline._embed_frames_table import write_frames

    clip = Clip(path=list(sounds)[5], labels={}, start_s=1.5, end_s=4.0)
    done = _embed([clip], tmp_path, workers=0)
    assert write_frames(tmp_path / "a.parquet", [(clip, str(done.ids[0]))], done.store, frame_rate=100.0) == 250
    starts = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pandas().start.dt.total_seconds()
    np.testing.assert_allclose(starts, 1.5 + 0.01 * np.arange(250))


def test_one_vector_a_window_lasts_as_long_as_its_window(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.75)
    embed("trivial", [str(tmp_path / "a.wav")], out=tmp_path / "a.parquet", cache=tmp_path, workers=0, frames=True)
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pandas()
    assert (table.start.dt.total_seconds().tolist(), table.end.dt.total_seconds().tolist()) == ([0.0], [0.75])


@pytest.mark.parametrize(("model", "out", "error", "message"), [
    (TINY, "a.csv", DataError, r"cannot write frames as a.csv: .* ends in \.parquet"),
    (f"{TINY}+max", "a.parquet", ModelError, r"frames are not pooled: leave \+max out"),
])  # fmt: skip
def test_what_cannot_be_is_refused(sounds, tmp_path: Path, model: str, out: str, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        embed(model, [str(tmp_path / "wavs")], out=tmp_path / out, cache=tmp_path, frames=True)


def test_poolings_share_the_frames_of_a_model() -> None:
    assert {k: v for k, v in frame_facts(open_model(TINY)).items() if k != "model"} == {
        k: v for k, v in frame_facts(open_model(f"{TINY}+mean")).items() if k != "model"
    }


WIDE = """
from noss.models import Card
CARDS = {"": Card(sample_rate=16000, frame_rate=100.0, dim=512, source="", licence="", weights=None, min_s=0.01)}
def build(choice):
    return lambda waveform_BT, lengths_B: (waveform_BT.unfold(1, 160, 160)[:, None, :, :1].repeat(1, 1, 1, 512), lengths_B // 160)
"""


@pytest.mark.slow
def test_half_an_hour_of_frames_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "wide.py").write_text(WIDE)
    with soundfile.SoundFile(tmp_path / "long.wav", "w", 16_000, 1, subtype="PCM_16") as file:
        for seed in range(30):
            file.write(np.random.default_rng(seed).uniform(-0.05, 0.05, 60 * 16_000).astype(np.float32))
    write_wav(tmp_path / "short.wav", 90.0)
    _embed([tmp_path / "short.wav"], tmp_path / "warm", model=str(tmp_path / "wide.py"), workers=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = _embed([tmp_path / "long.wav"], tmp_path / "cache", model=str(tmp_path / "wide.py"), workers=0)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert done.store.num_bytes() > 360e6
    assert sum(len(window.frames_SLD) for window in done.store.windows(str(done.ids[0]))) == 1800 * 100
    assert grown_mb < 150, "all frames would be 370 MB"
