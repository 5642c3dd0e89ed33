"""A long file is the length-weighted mean of its windows, whoever embeds them, in memory that does not grow with it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_model
from tiny_model import CRASHES, GIVES_NAN, RAISES, by_hand, write_wav

from noss.audio import chunk
from noss.datasets import Clip
from noss.errors import AudioError
from noss.identity import clip_ids
from noss.pipeline import _embed_machine, _embed_pieces
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._embed_pieces import in_pieces
from noss.pipeline._embed_plan import Job
from noss.pipeline._models import open_model
from noss.pipeline.embed import embed_clips, embed_frames

TINY = str(Path(tiny_model.__file__))
SECONDS = 61.37  # 31 windows of 2 s, the last of 1.37 s


def _embed(path: Path, cache: Path, *, step=embed_clips, model: str = TINY, **options) -> Embedded | EmbeddedFrames:
    clips = [Clip(path=path, labels={})]
    return step(open_model(model, cache=cache), clips, ids=clip_ids(clips, cache=cache), cache=cache, **options)


@pytest.fixture
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of three windows."""
    monkeypatch.setattr(_embed_pieces, "PIECE_S", 6.0)


@pytest.mark.parametrize("hop_s", [None, 0.7])
@pytest.mark.parametrize("duration_s", [12.0, 12.01, 600.0, 10_799.9])
def test_pieces_hold_every_window_once(short_pieces, duration_s: float, hop_s: float | None) -> None:
    job = Job(0, Path("a.wav"), 0.0, None, duration_s)
    policy = chunk.Policy(window_s=2.0, hop_s=hop_s)
    pieces = [one.piece for one in in_pieces(job, policy=policy, sample_rate=100)]
    if pieces == [None]:
        assert duration_s == 12.0
        return
    assert [piece.number for piece in pieces] == list(range(pieces[0].count))
    assert [piece.first_window for piece in pieces] == [number * pieces[0].num_windows for number in range(len(pieces))]
    assert [piece.num_windows is None for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    num_windows = 1 + int(np.ceil((round(duration_s * 100) - 200) / (200 if hop_s is None else 70)))
    assert 0 < num_windows - pieces[-1].first_window <= pieces[0].num_windows


def test_a_clip_that_cannot_be_entered_in_the_middle_stays_whole() -> None:
    job = Job(0, Path("a.mp3"), 0.0, None, 36_000.0, seeks=False)
    assert in_pieces(job, policy=chunk.Policy(), sample_rate=16_000) == [job]


@pytest.mark.parametrize("pooling", ["", "+mean+std", "+max", "+first"])
def test_pieces_are_put_together_to_the_same_vector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pooling: str
) -> None:
    write_wav(tmp_path / "a.wav", SECONDS)
    found = []
    for number, (piece_s, workers) in enumerate([(1e9, 0), (6.0, 0), (6.0, 2)]):
        monkeypatch.setattr(_embed_pieces, "PIECE_S", piece_s)
        done = _embed(tmp_path / "a.wav", tmp_path / f"{number}", model=f"{TINY}{pooling}", workers=workers)
        assert done.store.durations_s(done.ids) == pytest.approx([SECONDS], abs=1e-4)
        found.append(done.store.lookup(done.ids))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
    np.testing.assert_array_equal(found[2], found[1])


def test_frames_of_pieces_are_those_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wav(tmp_path / "a.wav", SECONDS)
    found = []
    for number, piece_s in enumerate([1e9, 6.0]):
        monkeypatch.setattr(_embed_pieces, "PIECE_S", piece_s)
        done = _embed(tmp_path / "a.wav", tmp_path / f"{number}", step=embed_frames, workers=2 * number)
        assert done.store.durations_s(done.ids) == pytest.approx([SECONDS], abs=1e-4)
        found.append(list(done.store.windows(done.ids[0])))
    assert [(one.start_s, one.duration_s) for one in found[1]] == [(one.start_s, one.duration_s) for one in found[0]]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.frames_SLD, other.frames_SLD)


@pytest.mark.parametrize("step", [embed_clips, embed_frames])
@pytest.mark.parametrize("first", [RAISES, GIVES_NAN, CRASHES])
def test_a_clip_with_a_bad_piece_is_lost_once_and_is_missing(tmp_path: Path, short_pieces, first: float, step) -> None:
    waveform_T = write_wav(tmp_path / "a.wav", SECONDS)
    waveform_T[20 * 16_000] = first
    soundfile.write(tmp_path / "a.wav", waveform_T, 16_000, subtype="FLOAT")
    done = _embed(tmp_path / "a.wav", tmp_path, step=step, workers=2)
    assert (len(done.failures), done.ids, done.newly_embedded) == (1, [None], 0)
    assert len(done.store) == 0


def test_a_piece_that_cannot_be_read_loses_the_clip(tmp_path: Path, short_pieces) -> None:
    waveform_T = write_wav(tmp_path / "a.wav", SECONDS)
    waveform_T[55 * 16_000] = np.nan
    soundfile.write(tmp_path / "a.wav", waveform_T, 16_000, subtype="FLOAT")
    (failure,) = _embed(tmp_path / "a.wav", tmp_path, workers=2).failures
    assert failure.stage == "read"
    assert "NaN" in failure.reason
    with pytest.raises(AudioError, match="NaN"):
        _embed(tmp_path / "a.wav", tmp_path, workers=2, strict=True)


def test_a_clip_that_is_taken_whole_and_does_not_fit_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wav(tmp_path / "a.wav", 5.0)
    monkeypatch.setattr(_embed_machine, "available_bytes", lambda: 1e6)
    (failure,) = _embed(tmp_path / "a.wav", tmp_path, model=f"{TINY}/whole", workers=0).failures
    assert "takes audio whole" in failure.reason
    assert "cut it into segments" in failure.reason
    assert _embed(tmp_path / "a.wav", tmp_path, workers=0).failures == []


_PEAK = """
import resource, sys
from pathlib import Path
from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._models import open_model
from noss.pipeline.embed import embed_clips
path, cache, model, workers = sys.argv[1:]
clips = [Clip(path=Path(path), labels={})]
ids = clip_ids(clips, cache=Path(cache))
done = embed_clips(open_model(model, cache=Path(cache)), clips, ids=ids, cache=Path(cache), workers=int(workers))
assert not done.failures, done.failures
print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024)
"""


def _peak_mb(path: Path, cache: Path, *, workers: int) -> float:
    command = [sys.executable, "-c", _PEAK, str(path), str(cache), f"{TINY}/minute", str(workers)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout)


def _write_long(path: Path, seconds: float) -> None:
    generator = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", 16_000, 1, subtype="PCM_16") as file:
        for first in range(0, round(seconds * 16_000), 960_000):
            size = min(960_000, round(seconds * 16_000) - first)
            file.write(generator.uniform(-0.05, 0.05, size).astype(np.float32) * np.float32((1 + first % 7) / 7))


@pytest.mark.slow
def test_three_hours_are_their_windows_in_the_memory_of_ten_minutes(tmp_path: Path) -> None:
    """Whole, three hours would be 691 MB of float32; a margin of 150 MB is for what allocators keep."""
    seconds = 3 * 3600 + 1.37
    _write_long(tmp_path / "long.wav", seconds)
    _write_long(tmp_path / "short.wav", 600)
    short = _peak_mb(tmp_path / "short.wav", tmp_path / "2", workers=2)
    assert _peak_mb(tmp_path / "long.wav", tmp_path / "2", workers=2) < short + 150
    long = _embed(tmp_path / "long.wav", tmp_path / "2", model=f"{TINY}/minute")
    assert long.newly_embedded == 0
    edges_s = [*np.arange(0.0, seconds, 60.0), seconds]
    clips = [
        Clip(path=tmp_path / "long.wav", labels={}, start_s=start_s, end_s=end_s)
        for start_s, end_s in itertools.pairwise(edges_s)
    ]
    done = embed_clips(open_model(f"{TINY}/minute"), clips, ids=clip_ids(clips, cache=tmp_path), cache=tmp_path)
    expected_LD = np.average(done.store.lookup(done.ids), axis=0, weights=done.store.durations_s(done.ids))
    np.testing.assert_allclose(long.store.lookup(long.ids)[0], expected_LD, atol=2e-7)
    assert long.store.durations_s(long.ids) == pytest.approx([seconds], abs=1e-4)


def test_ten_minutes_in_pieces_are_those_worked_out_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_embed_pieces, "PIECE_S", 100.0)
    waveform_T = write_wav(tmp_path / "a.wav", 600.7, seed=3)
    done = _embed(tmp_path / "a.wav", tmp_path)
    np.testing.assert_allclose(done.store.lookup(done.ids)[0, 0], by_hand(waveform_T), atol=2e-7)
