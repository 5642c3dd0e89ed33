"""Decode, cut out, mix down, resample: any audio file to mono float32.

libsndfile decodes wav, flac, mp3, ogg (Vorbis, Opus) and their kin; FFmpeg, by the extra `video`, decodes m4a, mp4,
webm and aac. Channels are averaged. soxr resamples at its quality HQ. Full scale is 1; what a float file or the
resampler holds beyond is kept. A segment is decoded without what lies before it where the format allows.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from noss.audio import _ffmpeg, _flow, _sndfile
from noss.errors import AudioError, PlaceError
from noss.places import copies, path_of

MIN_SAMPLE_RATE: Final = 1_000  # Hz; below it a header is wrong, and resampling would fill the memory
_PAST_END_S: Final = 0.05  # how far a segment may end past the file: tables round their times
_BLOCK_S: Final = 10


@dataclass(frozen=True, kw_only=True)
class Info:
    """What the header of an audio file says.

    Attributes:
        duration_s: Length in seconds.
        sample_rate: In Hz, as stored.
        channels: Number of channels.
        frames: Samples a channel.
        format: The container's name.
        codec: The codec's name.
        seeks: Whether a segment is decoded, to the sample, without what lies before it.
    """

    duration_s: float
    sample_rate: int
    channels: int
    frames: int
    format: str
    codec: str
    seeks: bool = True


def info(path: str | os.PathLike[str]) -> Info:
    """What the header says; a file that does not state its length is decoded to count.

    Raises:
        AudioError: The file is missing, is not audio or is truncated.
    """
    with _opened(path_of(path)) as source:
        return Info(
            duration_s=source.frames / source.sample_rate,
            sample_rate=source.sample_rate,
            channels=source.channels,
            frames=source.frames,
            format=source.format,
            codec=source.codec,
            seeks=source.seeks,
        )


def read(
    path: str | os.PathLike[str], *, sample_rate: int | None = None, start_s: float = 0.0, end_s: float | None = None
) -> tuple[NDArray[np.float32], int]:
    """The mono waveform (T,) of a file or a segment of it, and its sample rate.

    Args:
        path: The audio file.
        sample_rate: Resample to this many Hz; None keeps the file's.
        start_s: Where the segment starts, in seconds.
        end_s: Where it ends, in seconds; None means the end of the file. Up to 0.05 s past the end is the end.

    Returns:
        Samples (T,), T > 0, full scale 1, and their rate in Hz.

    Raises:
        AudioError: The file is missing, is not audio, is truncated or empty, holds NaN or infinite samples, or the
            segment lies outside it; the message says which.
    """
    path = path_of(path)
    with _opened(path) as source:
        first, last = _span(path, source, start_s, end_s)
        waveform_T = _join(_checked(path, source.codec, source.blocks(first, last)))
        rate = source.sample_rate
    if sample_rate is not None and sample_rate != rate:
        waveform_T, rate = soxr.resample(waveform_T, rate, sample_rate, quality="HQ"), sample_rate
    if len(waveform_T) == 0:
        raise _too_short(path)
    return waveform_T, rate


def stream(
    path: str | os.PathLike[str],
    *,
    sample_rate: int,
    window_s: float,
    hop_s: float | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    first_window: int = 0,
    num_windows: int | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Consecutive windows (T,) of a file or a segment of it, in memory that does not grow with its length.

    All windows have `window_s` seconds but the last, which may be shorter. Joined they are what `read` gives: the same
    number of samples, equal to 1e-6.

    Args:
        path: The audio file.
        sample_rate: Resample to this many Hz.
        window_s: Length of a window, in seconds.
        hop_s: From the start of one window to that of the next, at most `window_s`; None puts them side by side.
        start_s: Where the segment starts, in seconds.
        end_s: Where it ends, in seconds; None means the end of the file.
        first_window: The first window to give; what lies before it is not decoded where the format allows. Windows are
            the same whichever is the first, to 1e-6.
        num_windows: How many to give at most; None for all up to the end.

    Yields:
        Windows (T,) of samples, full scale 1.

    Raises:
        AudioError: As `read`; what is wrong only at the end is raised after the windows before it.
    """
    path, size, hop = path_of(path), round(window_s * sample_rate), round((hop_s or window_s) * sample_rate)
    assert 0 < hop <= size, f"window_s is {window_s} and hop_s {hop_s}: both must hold a sample, hop_s at most window_s"
    is_empty = first_window == 0
    with _opened(path) as source:
        first, last = _span(path, source, start_s, end_s)
        early, drop = _flow.lead_in(first_window * hop, rate=source.sample_rate, sample_rate=sample_rate)
        size_in_file = _BLOCK_S * source.sample_rate
        blocks = _checked(path, source.codec, source.blocks(first + early, last, size=size_in_file))
        samples = _flow.resampled(blocks, source.sample_rate, sample_rate, drop=drop)
        for window_T in itertools.islice(_flow.windows(samples, size, hop, goes_on=first_window > 0), num_windows):
            is_empty = False
            yield window_T
    if is_empty:
        raise _too_short(path)


@contextmanager
def _opened(path: Path) -> Iterator[_sndfile.SndFile | _ffmpeg.AvFile]:
    """An open file; one on an object store is decoded from a copy, and what is wrong with it is told of its address."""
    try:
        with copies.local(path) as file:
            try:
                with closing(_open(file)) as source:
                    yield source
            except AudioError as error:
                if file is path:
                    raise
                raise AudioError(str(error).replace(str(file), str(path))) from error
    except PlaceError as error:
        raise AudioError(str(error)) from error


def _open(path: Path) -> _sndfile.SndFile | _ffmpeg.AvFile:
    source: _sndfile.SndFile | _ffmpeg.AvFile
    source = _ffmpeg.AvFile(path) if path.suffix.lower() in _ffmpeg.SUFFIXES else _sndfile.SndFile(path)
    if source.loses_samples:
        source.close()
        source = _ffmpeg.AvFile(path)
    if source.sample_rate < MIN_SAMPLE_RATE:
        source.close()
        found = f"{path} says that its sample rate is {source.sample_rate} Hz"
        raise AudioError(f"{found} and at least {MIN_SAMPLE_RATE} Hz are needed: correct the file's header")
    return source


def _span(
    path: Path, source: _sndfile.SndFile | _ffmpeg.AvFile, start_s: float, end_s: float | None
) -> tuple[int, int | None]:
    """First sample and the one after the last (None: the end) of a segment, in samples of the file."""
    if start_s == 0.0 and end_s is None:
        return 0, None
    segment = f"the segment {start_s:g} s to {'the end' if end_s is None else f'{end_s:g} s'} of {path}"
    if not (math.isfinite(start_s) and start_s >= 0.0 and (end_s is None or start_s < end_s < math.inf)):
        raise AudioError(f"{segment} is no segment: its start must be 0 or more and its end after its start")
    duration_s = source.frames / source.sample_rate
    if start_s >= duration_s or (end_s or 0.0) > duration_s + _PAST_END_S:
        raise AudioError(f"{segment} lies outside the file, which is {duration_s:g} s long: correct start and end")
    first = round(start_s * source.sample_rate)
    last = source.frames if end_s is None else min(round(end_s * source.sample_rate), source.frames)
    if last <= first:
        raise AudioError(f"{segment} holds no sample at {source.sample_rate} Hz: make it longer")
    return first, None if last == source.frames else last


def _checked(path: Path, codec: str, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    holds_integers = codec.startswith("PCM_")
    for block_T in blocks:
        if not holds_integers and not np.isfinite(block_T).all():
            raise AudioError(f"{path} holds NaN or infinite samples and numbers are needed: export it again")
        yield block_T


def _join(blocks: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    parts = list(blocks)
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _too_short(path: Path) -> AudioError:
    return AudioError(f"{path} holds no samples and at least one is needed: leave it out, or record it again")
