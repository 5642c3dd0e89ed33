import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from noss.audio.read import info, read, stream
from noss.errors import AudioError

Waveform = NDArray[np.float32]
FORMATS = ["wav", "flac", "mp3", "ogg", "opus", "aiff"]


def sweep(*, sample_rate: int = 16_000, duration_s: float = 3.0, seed: int = 0) -> Waveform:
    time_T = np.arange(round(duration_s * sample_rate)) / sample_rate
    noise_T = np.random.default_rng(seed).standard_normal(len(time_T))
    return (0.3 * np.sin(2 * np.pi * (200 + 100 * time_T) * time_T) + 0.02 * noise_T).astype(np.float32)


def write(path: Path, samples: Waveform, *, sample_rate: int = 16_000, subtype: str | None = None) -> Path:
    container = "OGG" if path.suffix == ".opus" else None
    subtype = "OPUS" if path.suffix == ".opus" else subtype
    soundfile.write(path, samples, sample_rate, format=container, subtype=subtype)
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_sound_that_was_written(tmp_path: Path, suffix: str) -> None:
    waveform_T, sample_rate = read(write(tmp_path / f"clip.{suffix}", sweep()))
    assert sample_rate == 16_000
    assert waveform_T.dtype == np.float32
    assert waveform_T.shape == sweep().shape
    assert np.corrcoef(waveform_T, sweep())[0, 1] > 0.99


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_segment_is_that_part_of_the_whole(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip.{suffix}", sweep(duration_s=8.0))
    whole_T, _ = read(path)
    part_T, _ = read(path, start_s=5.25, end_s=6.5)
    # mp3 decoders dither their last bit by where they start
    np.testing.assert_allclose(part_T, whole_T[84_000:104_000], rtol=0, atol=3e-6)


@pytest.mark.parametrize("sample_rate", [11_025, 22_050, 44_100])
def test_an_mp3_segment_is_exact_where_a_bare_seek_is_not(tmp_path: Path, sample_rate: int) -> None:
    noise_T = np.random.default_rng(0).normal(0.0, 0.2, sample_rate * 12).astype(np.float32)
    path = write(tmp_path / "clip.mp3", np.clip(noise_T, -1.0, 1.0), sample_rate=sample_rate)
    whole_T, _ = read(path)
    for start_s in np.random.default_rng(1).uniform(0.0, 11.0, 40):
        part_T, _ = read(path, start_s=start_s, end_s=start_s + 0.5)
        first = round(start_s * sample_rate)
        np.testing.assert_allclose(part_T, whole_T[first : first + len(part_T)], rtol=0, atol=3e-6)


def test_an_opus_segment_is_exact_where_a_bare_seek_is_not(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.opus", sweep(duration_s=20.0))
    whole_T, _ = read(path)
    for start_s in np.random.default_rng(0).uniform(4.0, 19.0, 20):
        part_T, _ = read(path, start_s=start_s, end_s=start_s + 0.5)
        first = round(start_s * 16_000)
        np.testing.assert_array_equal(part_T, whole_T[first : first + len(part_T)])


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
def test_integers_and_floats_have_full_scale_one(tmp_path: Path, subtype: str) -> None:
    waveform_T, _ = read(write(tmp_path / "clip.wav", sweep(), subtype=subtype))
    tolerance = 0.02 if subtype in ("PCM_U8", "ULAW", "ALAW") else 1e-4
    np.testing.assert_allclose(waveform_T, sweep(), atol=tolerance)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    samples_TC = np.stack([sweep(seed=seed) for seed in range(channels)], axis=1)
    path = write(tmp_path / "clip.wav", samples_TC, subtype="FLOAT")
    np.testing.assert_allclose(read(path)[0], samples_TC.mean(axis=1), atol=1e-6)
    assert info(path).channels == channels


@pytest.mark.parametrize("sample_rate", [1_000, 8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 384_000])
def test_any_rate_is_resampled(tmp_path: Path, sample_rate: int) -> None:
    time_T = np.arange(sample_rate) / sample_rate
    path = write(tmp_path / "tone.wav", np.sin(2 * np.pi * 100 * time_T).astype(np.float32), sample_rate=sample_rate)
    waveform_T, rate = read(path, sample_rate=16_000)
    assert rate == 16_000
    assert len(waveform_T) == pytest.approx(16_000, abs=1)
    expected_T = np.sin(2 * np.pi * 100 * np.arange(len(waveform_T)) / 16_000)
    np.testing.assert_allclose(waveform_T[2_000:-2_000], expected_T[2_000:-2_000], atol=1e-3)


@pytest.mark.parametrize("stored_rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("window_s", [0.01, 0.7, 60.0])
def test_streamed_windows_joined_are_what_read_gives(tmp_path: Path, stored_rate: int, window_s: float) -> None:
    path = write(tmp_path / "clip.wav", sweep(sample_rate=stored_rate, duration_s=25.3), sample_rate=stored_rate)
    windows = list(stream(path, sample_rate=16_000, window_s=window_s, start_s=1.5, end_s=24.75))
    expected_T, _ = read(path, sample_rate=16_000, start_s=1.5, end_s=24.75)
    assert {len(window_T) for window_T in windows[:-1]} <= {round(window_s * 16_000)}
    np.testing.assert_allclose(np.concatenate(windows), expected_T, rtol=0, atol=1e-6)


def test_info_tells_the_header(tmp_path: Path) -> None:
    found = info(write(tmp_path / "clip.flac", sweep(sample_rate=44_100, duration_s=1.5), sample_rate=44_100))
    assert (found.duration_s, found.sample_rate, found.channels, found.frames) == (1.5, 44_100, 1, 66_150)
    assert (found.format, found.codec) == ("FLAC", "PCM_16")


def test_a_path_may_hold_any_letters(tmp_path: Path) -> None:
    path = write(tmp_path / "Gespräch – 音声 (1).wav", sweep())
    assert len(read(path)[0]) == len(read(str(path))[0]) == 48_000


def test_silence_and_a_hundredth_of_a_second_are_read(tmp_path: Path) -> None:
    waveform_T, _ = read(write(tmp_path / "short.wav", np.zeros(160, np.float32)))
    assert waveform_T.tolist() == [0.0] * 160


@pytest.mark.slow
def test_three_hours_are_streamed(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        for _ in range(180):
            file.write(np.zeros(60 * 16_000, np.float32))
    assert info(path).duration_s == 3 * 3600
    assert sum(map(len, stream(path, sample_rate=16_000, window_s=30.0))) == 3 * 3600 * 16_000


def test_a_segment_may_end_a_rounding_error_past_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", sweep())
    np.testing.assert_array_equal(read(path, start_s=1.0, end_s=3.04)[0], read(path, start_s=1.0)[0])


@pytest.mark.parametrize(
    ("start_s", "end_s", "reason"),
    [
        (3.0, None, "lies outside the file, which is 3 s long"),
        (1.0, 3.2, "lies outside the file"),
        (50.0, 51.0, "lies outside the file"),
        (2.0, 1.0, "is no segment"),
        (1.0, 1.0, "is no segment"),
        (-1.0, 1.0, "is no segment"),
        (float("nan"), 1.0, "is no segment"),
        (0.0, float("nan"), "is no segment"),
        (0.0, float("inf"), "is no segment"),
        (1.0, 1.00001, "holds no sample"),
    ],
)
def test_a_segment_outside_the_file_is_an_error(
    tmp_path: Path, start_s: float, end_s: float | None, reason: str
) -> None:
    path = write(tmp_path / "clip.wav", sweep())
    with pytest.raises(AudioError, match=reason):
        read(path, start_s=start_s, end_s=end_s)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for suffix in ("wav", "mp3", "m4a"):
        with pytest.raises(AudioError, match=rf"no file .*nothing\.{suffix}: check the path"):
            read(tmp_path / f"nothing.{suffix}")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [*FORMATS, "m4a", "txt"])
def test_an_empty_file_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    path.touch()
    with pytest.raises(AudioError, match="is empty"):
        read(path)


@pytest.mark.parametrize("suffix", [*FORMATS, "m4a", "raw"])
def test_what_is_not_audio_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    path.write_bytes(b"This is a letter, not a recording.\n" * 100)
    with pytest.raises(AudioError, match="is not audio that can be read"):
        info(path)


def test_a_header_without_samples_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", np.empty(0, np.float32))
    with pytest.raises(AudioError, match="holds no samples"):
        read(path)
    with pytest.raises(AudioError, match="holds no samples"):
        list(stream(path, sample_rate=8_000, window_s=1.0))


def test_too_few_samples_to_resample_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", np.ones(1, np.float32), sample_rate=384_000)
    with pytest.raises(AudioError, match="holds no samples"):
        read(path, sample_rate=8_000)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "opus", "aiff", "au", "w64", "rf64"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_a_truncated_file_is_an_error(tmp_path: Path, suffix: str, kept: float) -> None:
    path = write(tmp_path / f"clip.{suffix}", sweep(duration_s=10.0))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(AudioError, match=r"truncated|not audio|damaged"):
        read(path, sample_rate=8_000)
    with pytest.raises(AudioError, match=r"truncated|not audio|damaged"):
        list(stream(path, sample_rate=8_000, window_s=1.0))


def test_a_wav_written_to_a_pipe_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.wav", sweep())
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", 0xFFFF_FFFF)
    path.write_bytes(content)
    assert len(read(path)[0]) == 48_000


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_an_error(tmp_path: Path, bad: float) -> None:
    samples_T = sweep()
    samples_T[20_000] = bad
    path = write(tmp_path / "clip.wav", samples_T, subtype="FLOAT")
    with pytest.raises(AudioError, match="NaN or infinite"):
        read(path, sample_rate=8_000)
    with pytest.raises(AudioError, match="NaN or infinite"):
        list(stream(path, sample_rate=8_000, window_s=1.0))


@pytest.mark.parametrize("sample_rate", [1, 999])
def test_a_rate_that_cannot_be_speech_is_an_error(tmp_path: Path, sample_rate: int) -> None:
    path = write(tmp_path / "clip.wav", sweep(), sample_rate=sample_rate)
    with pytest.raises(AudioError, match=f"sample rate is {sample_rate} Hz and at least 1000 Hz"):
        read(path, sample_rate=16_000)
