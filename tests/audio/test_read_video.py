"""Formats that need FFmpeg, and files that libsndfile would read wrongly; all are written by FFmpeg here."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from noss.audio.read import info, read, stream
from noss.errors import AudioError, MissingExtraError

av = pytest.importorskip("av")

RATE = 48_000
CODECS = {"m4a": "aac", "mp4": "aac", "mka": "aac", "aac": "aac", "webm": "libopus"}


def sweep(duration_s: float = 8.0) -> NDArray[np.float32]:
    time_T = np.arange(round(duration_s * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * (200 + 100 * time_T) * time_T)).astype(np.float32)


def encode(
    target: Path | io.RawIOBase, samples_CT: NDArray[Any], codec: str, *, container: str | None = None, **options: Any
) -> None:
    sample_format = {"libopus": "flt", "flac": "s16"}.get(codec, "fltp")
    layout = "mono" if len(samples_CT) == 1 else "stereo"
    codec_options = {key: options.pop(key) for key in ("flags", "global_quality") if key in options}
    name = str(target) if isinstance(target, Path) else target
    with av.open(name, "w", format=container, options=options) as file:
        track = file.add_stream(codec, rate=RATE, options=codec_options)
        track.layout, track.codec_context.format = layout, sample_format
        for first in range(0, samples_CT.shape[1], 960):
            samples = samples_CT[:, first : first + 960]
            samples = np.ascontiguousarray(samples if sample_format == "fltp" else samples.T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout=layout)
            frame.sample_rate, frame.pts = RATE, first
            file.mux(track.encode(frame))
        file.mux(track.encode(None))


class Pipe(io.RawIOBase):
    """A target in which nobody can go back to fill in a length."""

    def __init__(self) -> None:
        self.content = b""

    def write(self, content: Any) -> int:
        self.content += bytes(content)
        return len(content)

    def writable(self) -> bool:
        return True


@pytest.fixture(params=CODECS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"clip.{request.param}"
    encode(path, sweep()[None], CODECS[request.param])
    return path


def test_the_sound_that_was_written_is_read(path: Path) -> None:
    waveform_T, sample_rate = read(path)
    assert sample_rate == RATE
    delay = 1024 if path.suffix == ".aac" else 0  # a bare AAC stream does not state the encoder's delay
    assert np.corrcoef(waveform_T[delay : delay + RATE], sweep()[:RATE])[0, 1] > 0.99
    assert info(path).duration_s == pytest.approx(8.0, abs=0.05)


def test_a_segment_is_that_part_of_the_whole(path: Path) -> None:
    whole_T, _ = read(path)
    part_T, _ = read(path, start_s=4.1234, end_s=5.5)
    # an AAC decoder draws the noise it fills bands with: its state depends on where it started
    expected_T = whole_T[round(4.1234 * RATE) : round(5.5 * RATE)]
    np.testing.assert_allclose(part_T, expected_T, rtol=0, atol=1e-5)


def test_streamed_windows_joined_are_what_read_gives(path: Path) -> None:
    windows = list(stream(path, sample_rate=16_000, window_s=0.3, start_s=0.5))
    np.testing.assert_allclose(np.concatenate(windows), read(path, sample_rate=16_000, start_s=0.5)[0], atol=1e-6)


def test_a_truncated_file_is_an_error(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(AudioError, match=r"truncated|damaged"):
        read(path)


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = tmp_path / "stereo.m4a"
    encode(path, np.stack([sweep(), np.zeros_like(sweep())]), "aac")
    assert info(path).channels == 2
    assert np.abs(read(path)[0][RATE : 2 * RATE]).max() == pytest.approx(0.15, abs=0.01)


def test_a_film_without_sound_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        track = file.add_stream("mpeg4", rate=10)
        track.width = track.height = 32
        file.mux(track.encode(av.VideoFrame(32, 32, "yuv420p")))
        file.mux(track.encode(None))
    with pytest.raises(AudioError, match="holds no audio stream"):
        read(path)


def test_without_pyav_the_install_line_is_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[video\]'"):
        read(path)


@pytest.mark.parametrize("states_length", [True, False])
@pytest.mark.parametrize("starts_loud", [True, False])
def test_an_mp3_of_varying_bit_rate_loses_nothing(tmp_path: Path, states_length: bool, starts_loud: bool) -> None:
    """libsndfile guesses the length from the first frame: a third of the sound if that is loud, twice as much if not."""
    noise_T = 0.3 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    parts = [noise_T, np.zeros(6 * RATE, np.float32)]
    path = tmp_path / "clip.mp3"
    samples_T = np.concatenate(parts if starts_loud else parts[::-1])
    options = {"flags": "+qscale", "global_quality": "472", "write_xing": str(int(states_length))}
    encode(path, samples_T[None], "libmp3lame", **options)
    assert info(path).duration_s == pytest.approx(9.0, abs=0.1)
    assert len(read(path)[0]) / RATE == pytest.approx(9.0, abs=0.1)


def test_an_mp3_of_one_bit_rate_needs_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip.mp3"
    encode(path, sweep()[None], "libmp3lame", write_xing="0")
    monkeypatch.setitem(sys.modules, "av", None)
    assert len(read(path)[0]) / RATE == pytest.approx(8.0, abs=0.1)
    assert len(read(path, start_s=2.0, end_s=3.0)[0]) == RATE


def test_a_flac_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    pipe, samples_T = Pipe(), (sweep() * 32_767).astype(np.int16)
    encode(pipe, samples_T[None], "flac", container="flac")
    path = tmp_path / "clip.flac"
    path.write_bytes(pipe.content)
    np.testing.assert_array_equal(read(path)[0], samples_T.astype(np.float32) / 32_768)
    assert info(path).frames == len(samples_T)
    np.testing.assert_array_equal(
        read(path, start_s=7.5)[0], samples_T[round(7.5 * RATE) :].astype(np.float32) / 32_768
    )


def crc_of_page(page: bytes) -> int:
    """RFC 3533: polynomial 0x04c11db7, no reflection, nothing added."""
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C1_1DB7 if checksum & 0x8000_0000 else 0)) & 0xFFFF_FFFF
    return checksum


def move_end_of_page(path: Path, *, index: int, by: int) -> None:
    """Let a page of an Ogg file say that it ends `by` samples later, as a recorder does that takes times from a clock."""
    content = bytearray(path.read_bytes())
    starts = [place for place in range(len(content)) if content[place : place + 4] == b"OggS"]
    start, stop = starts[index], starts[index + 1]
    end = int.from_bytes(content[start + 6 : start + 14], "little") + by
    content[start + 6 : start + 14] = end.to_bytes(8, "little")
    content[start + 22 : start + 26] = bytes(4)
    content[start + 22 : start + 26] = crc_of_page(content[start:stop]).to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("by", [489, -489])
def test_an_opus_file_whose_pages_tell_times_of_a_clock_loses_nothing(tmp_path: Path, by: int) -> None:
    """libsndfile gives up at the page whose packets are longer than it says they are."""
    path = tmp_path / "clip.opus"
    encode(path, sweep()[None], "libopus")
    whole_T = read(path)[0]
    move_end_of_page(path, index=4, by=by)
    with pytest.raises(soundfile.LibsndfileError), soundfile.SoundFile(path) as file:
        file.read()
    clip_T, sample_rate = read(path)
    assert (len(clip_T), sample_rate) == (len(whole_T), RATE)
    assert np.corrcoef(clip_T, whole_T)[0, 1] > 0.999
    assert info(path).frames == len(whole_T)
    part_T, _ = read(path, start_s=6.0, end_s=7.0)
    np.testing.assert_allclose(part_T, clip_T[6 * RATE : 7 * RATE], rtol=0, atol=0.02)
    windows = list(stream(path, sample_rate=16_000, window_s=0.3))
    np.testing.assert_allclose(np.concatenate(windows), read(path, sample_rate=16_000)[0], atol=1e-6)


def test_an_opus_file_whose_pages_are_even_needs_no_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip.opus"
    encode(path, sweep()[None], "libopus")
    monkeypatch.setitem(sys.modules, "av", None)
    assert len(read(path)[0]) == len(sweep())
    move_end_of_page(path, index=4, by=489)
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[video\]'"):
        read(path)
