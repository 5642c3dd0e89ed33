"""Files that libsndfile decodes: wav, aiff, flac, mp3, ogg (Vorbis and Opus) and their kin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from noss.audio import _faults, _mpeg, _opus

# Decoded and thrown away before a segment. An Opus decoder set down in the middle of a stream agrees with one that came
# from the start only after a while. Measured: the same bits after 2 s in speech at 8, 16, 24 and 48 kHz; up to 0.003 off
# after 0.5 s. libsndfile gives wrong samples where it seeks into the last page of a Vorbis file, and up to 0.5 of full scale
# off right after a seek in an MP3 at 22,050 Hz and below, whose frames lean on those before; after 0.1 s, the same bits.
_PREROLL_S: Final = {"OPUS": 3.0, "VORBIS": 3.0, "MPEG_LAYER_III": 0.5}
_TAIL_S: Final = 1.0  # never read by itself: libsndfile spoils it where the read before it ends in the last Opus packet
_MP3_FRAMES_OFF: Final = (
    2 * 1152
)  # what the length in an MP3 may be off by, in samples: encoders count padding differently
_HEADER_BYTES_OFF: Final = 100  # what a chunk may be short by: some writers count the header in
_LONGEST: Final = 1 << 50  # samples; libsndfile says more where a file does not say how long it is
_CHUNK = re.compile(r"^ *(data|SSND|Data Size|Riff size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE)


class SndFile:
    """An open file; `blocks` decodes it.

    Attributes:
        sample_rate: Of the file, in Hz.
        channels: Of the file.
        format: Container, as libsndfile names it.
        codec: Codec, as libsndfile names it.
        frames: Samples a channel.
        loses_samples: Whether libsndfile would lose samples of the file, or cannot read it: an MP3 of varying bit rate
            without an index, a FLAC written to a pipe, an Opus file with uneven pages.
        seeks: Whether it decodes a segment to the sample without what lies before it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.suffix.lower() == ".raw":
            raise _faults.unreadable(path, "raw samples without a header")
        try:
            self._file = soundfile.SoundFile(str(path))
        except soundfile.LibsndfileError as error:
            raise _faults.unreadable(path, error) from error
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.format: str = self._file.format
        self.codec: str = self._file.subtype
        self.frames: int = self._file.frames
        self.seeks = True
        self._states_length = self.format != "MP3" or _mpeg.states_length(path)
        has_length = self._states_length or _mpeg.has_one_bit_rate(path)
        is_even = self.codec != "OPUS" or _opus.has_even_pages(path)
        self.loses_samples = not has_length or not is_even or self.frames > _LONGEST
        self._check_whole()

    def blocks(self, first: int, last: int | None, *, size: int | None = None) -> Iterator[NDArray[np.float32]]:
        """The mono samples from `first` to before `last` (None: the end) in blocks (T,) of at most `size`."""
        end = self.frames if last is None else last
        early = self._go_to(first)
        position = first
        while position < end:
            num = min(size or end, end - position)
            if end - position - num < _TAIL_S * self.sample_rate:
                num = end - position
            block_T, early = self._decode(early + num)[early:], 0
            if len(block_T) == 0:
                break
            position += len(block_T)
            yield block_T
        self._check_all_came(position, end)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _go_to(self, first: int) -> int:
        """Go near `first` and say how many samples to throw away before it."""
        early = min(first, int(_PREROLL_S.get(self.codec, 0.0) * self.sample_rate))
        try:
            if self._file.tell() != first - early:
                self._file.seek(first - early)
        except soundfile.LibsndfileError as error:
            raise _faults.damaged(self._path, error) from error
        return early

    def _decode(self, num_frames: int) -> NDArray[np.float32]:
        try:
            block_TC: NDArray[np.float32] = self._file.read(num_frames, dtype="float32")
        except soundfile.LibsndfileError as error:
            raise _faults.damaged(self._path, error) from error
        if block_TC.ndim == 1:
            return block_TC
        return block_TC @ np.full(self.channels, 1 / self.channels, dtype=np.float32)

    def _check_whole(self) -> None:
        """Find what libsndfile passes over: a header that promises more bytes than follow, half an Ogg page."""
        log = self._file.extra_info
        if self.format == "OGG" and "Junk after the last page" in log:
            raise _faults.truncated(self._path, "its last Ogg page is incomplete")
        for name, promised, there in _CHUNK.findall(log) if "(should be" in log else ():
            if int(promised) - int(there) > _HEADER_BYTES_OFF and not _is_left_open(int(promised)):
                raise _faults.truncated(self._path, f"{name} holds {there} of {promised} bytes")

    def _check_all_came(self, position: int, end: int) -> None:
        allowed = 0 if self.format != "MP3" else _MP3_FRAMES_OFF if self._states_length else end
        if end - position > allowed:
            decoded_s, promised_s = position / self.sample_rate, end / self.sample_rate
            raise _faults.truncated(self._path, f"it ends at {decoded_s:g} s and {promised_s:g} s are promised")


def _is_left_open(num_bytes: int) -> bool:
    """Whether a size is the mark of a writer that could not go back and fill it in."""
    return 0x7FFF_F000 <= num_bytes <= 0x8000_0000 or 0xFFFF_F000 <= num_bytes <= 0xFFFF_FFFF
