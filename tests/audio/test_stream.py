"""A stream gives the same windows from wherever it starts, seamless and to the last sample, in every format."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from noss.audio import chunk, read

FORMATS = {
    "wav": {"subtype": "PCM_16"},
    "flac": {},
    "opus.ogg": {"format": "OGG", "subtype": "OPUS"},
    "vorbis.ogg": {"format": "OGG", "subtype": "VORBIS"},
}
WINDOWS = [(1.0, None), (0.7, 0.25)]


def _write(path: Path, rate: int, *, seconds: float, extra: int = 123, **options) -> None:
    size = round(seconds * rate) + extra
    noise_T = np.random.default_rng(0).normal(0.0, 0.05, size)
    waveform_T = (noise_T + 0.3 * np.sin(2 * np.pi * 220 * np.arange(size) / rate)).astype(np.float32)
    with soundfile.SoundFile(path, "w", rate, 1, **options) as file:
        for first in range(0, size, rate):  # libsndfile cannot write a long Vorbis file at once
            file.write(waveform_T[first : first + rate])


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("suffix", FORMATS)
def test_windows_are_the_same_whichever_is_the_first(tmp_path: Path, suffix: str, rate: int) -> None:
    path, rate = tmp_path / f"a.{suffix}", 48_000 if rate == 44_100 and "opus" in suffix else rate
    _write(path, rate, seconds=30, **FORMATS[suffix])
    for window_s, hop_s in WINDOWS:
        every = list(read.stream(path, sample_rate=16_000, window_s=window_s, hop_s=hop_s))
        for first in (1, 17, len(every) - 1):
            some = list(read.stream(path, sample_rate=16_000, window_s=window_s, hop_s=hop_s, first_window=first))
            assert list(map(len, some)) == list(map(len, every[first:]))
            np.testing.assert_allclose(np.concatenate(some), np.concatenate(every[first:]), atol=1e-6)


@pytest.mark.parametrize("extra", [1, 123, 319, 400])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_short_tail_is_that_of_the_whole_file(tmp_path: Path, suffix: str, extra: int) -> None:
    _write(tmp_path / f"a.{suffix}", 16_000, seconds=20, extra=extra, **FORMATS[suffix])
    whole_T, _ = read.read(tmp_path / f"a.{suffix}")
    streamed = read.stream(tmp_path / f"a.{suffix}", sample_rate=16_000, window_s=2.0)
    np.testing.assert_array_equal(np.concatenate(list(streamed)), whole_T)
    tail_T, _ = read.read(tmp_path / f"a.{suffix}", start_s=20.0)
    np.testing.assert_array_equal(tail_T, whole_T[-extra:])


@pytest.mark.parametrize("size", [1, 799, 800, 801, 1_600, 2_000, 2_001])
def test_overlapping_windows_end_with_the_first_that_reaches_the_end(tmp_path: Path, size: int) -> None:
    waveform_T = np.arange(1, size + 1, dtype=np.float32) / 4096
    soundfile.write(tmp_path / "a.wav", waveform_T, 1_000, subtype="FLOAT")
    windows = list(read.stream(tmp_path / "a.wav", sample_rate=1_000, window_s=0.8, hop_s=0.3))
    assert len(windows) == 1 + max(0, math.ceil((size - 800) / 300))
    for place, window_T in enumerate(windows):
        np.testing.assert_array_equal(window_T, waveform_T[place * 300 : place * 300 + 800])
    policy = chunk.Policy(window_s=0.8, hop_s=0.3)
    cut = list(chunk.windows(waveform_T, sample_rate=1_000, policy=policy))
    assert [len(piece_T) for piece_T in cut] == [len(window_T) for window_T in windows]


def test_so_many_windows_and_no_more(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(10_500, np.float32), 1_000)
    given = {"sample_rate": 1_000, "window_s": 1.0}
    assert len(list(read.stream(tmp_path / "a.wav", **given, first_window=3, num_windows=4))) == 4
    assert len(list(read.stream(tmp_path / "a.wav", **given, first_window=10))) == 1
