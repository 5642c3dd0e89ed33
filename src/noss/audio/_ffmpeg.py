"""Files that only FFmpeg decodes whole, through PyAV: m4a, mp4, webm, aac and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from noss.audio import _faults
from noss.errors import AudioError, MissingExtraError

SUFFIXES: Final = frozenset(
    {".3gp", ".aac", ".ac3", ".amr", ".avi", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp4", ".webm", ".wma"}
)
_PREROLL_S: Final = 1.0  # decoded and thrown away before a segment: codecs overlap their frames
_DURATION_OFF_S: Final = 0.25  # what the duration in a container may be off by: padding, rounded time stamps
_STATES_DURATION: Final = ("mov", "matroska")


class AvFile:
    """An open file; `blocks` decodes its first audio stream.

    Attributes:
        sample_rate: Of the stream, in Hz.
        channels: Of the stream.
        format: Container, as FFmpeg names it.
        codec: Codec, as FFmpeg names it.
        loses_samples: Always False: what does not say how long it is is counted.
        seeks: Whether it decodes a segment without what lies before it: where time stamps count samples.
    """

    loses_samples = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._av = _pyav(path)
        self._open()
        self.sample_rate: int = self._stream.codec_context.sample_rate
        self.channels: int = self._stream.codec_context.channels
        self.format: str = self._container.format.name
        self.codec: str = self._stream.codec_context.name
        self.seeks: bool = self._stream.time_base == Fraction(1, self.sample_rate)
        self._frames: int | None = None

    @property
    def frames(self) -> int:
        """Samples a channel as the container states them; counted by decoding where it does not."""
        if self._frames is None:
            duration_s = self._stated_duration_s()
            counted = sum(map(len, self._samples(0))) if duration_s is None else 0
            self._frames = counted if duration_s is None else round(duration_s * self.sample_rate)
        return self._frames

    def blocks(self, first: int, last: int | None, *, size: int | None = None) -> Iterator[NDArray[np.float32]]:
        """The mono samples from `first` to before `last` (None: the end) in blocks (T,); `size` is not needed."""
        position = first
        for samples_T in self._samples(first):
            wanted_T = samples_T if last is None else samples_T[: last - position]
            position += len(wanted_T)
            yield wanted_T
            if position == last:
                return
        self._check_all_came(position, last)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _open(self) -> None:
        try:
            self._container = self._av.open(str(self._path), metadata_errors="ignore")
        except self._av.FFmpegError as error:
            raise _faults.unreadable(self._path, error) from error
        if not self._container.streams.audio:
            self._container.close()
            raise AudioError(f"{self._path} holds no audio stream and one is needed: choose another file")
        self._stream = self._container.streams.audio[0]
        self._is_at_start = True

    def _samples(self, first: int) -> Iterator[NDArray[np.float32]]:
        """All samples from `first` on, a codec frame at a time."""
        position = self._go_to(first)
        to_float = self._av.AudioResampler(format="fltp")
        try:
            for frame in self._container.decode(self._stream):
                if position is None:
                    position = frame.pts or 0
                samples_T = _mono(to_float.resample(frame))
                if position + len(samples_T) > first:
                    yield samples_T[max(0, first - position) :]
                position += len(samples_T)
        except self._av.FFmpegError as error:
            raise _faults.damaged(self._path, error) from error

    def _go_to(self, first: int) -> int | None:
        """Go near `first` and say where; None where the next frame's time stamp says, which it does to the sample."""
        early = max(0, first - int(_PREROLL_S * self.sample_rate)) if self.seeks else 0
        if early:
            self._container.seek(early, stream=self._stream)
        elif not self._is_at_start:  # a seek back to 0 loses the first packet of WebM
            self.close()
            self._open()
        self._is_at_start = False
        return None if early else 0

    def _stated_duration_s(self) -> float | None:
        if not self.format.startswith(_STATES_DURATION):
            return None
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        duration = self._container.duration
        return None if duration is None else duration / self._av.time_base

    def _check_all_came(self, position: int, last: int | None) -> None:
        duration_s = self._stated_duration_s()
        promised = last if last is not None else 0 if duration_s is None else duration_s * self.sample_rate
        if promised - position > _DURATION_OFF_S * self.sample_rate:
            decoded_s, promised_s = position / self.sample_rate, promised / self.sample_rate
            raise _faults.truncated(self._path, f"it ends at {decoded_s:g} s and {promised_s:g} s are promised")


def _mono(frames: list[Any]) -> NDArray[np.float32]:
    samples: NDArray[np.float32] = np.concatenate([frame.to_ndarray() for frame in frames], axis=1).mean(axis=0)
    return samples


def _pyav(path: Path) -> Any:
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingExtraError("av", extra="video", needed_by=f"reading {path}") from error
    return av
