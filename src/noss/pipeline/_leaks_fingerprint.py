"""A fingerprint of sound that outlives another codec, level or rate, and cuts and silence at the ends.

A word every 8 ms, after Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002: windows of 128 ms
at 8 kHz, 21 bands on the mel scale from 150 to 3,400 Hz, and a bit for each pair of neighbours, whether the step between
them rose over 32 ms. Theirs are windows of 370 ms and 32 bits, made for music; a spoken digit lasts 400 ms.

A word also holds which three of its bits were nearest to flipping. A look-up tries the word as it is and with each of the
three flipped (their section 4.3), so that one wrong bit in a frame does not lose it. Frames 40 dB below the loudest are
marked as silence and take no part.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

Words = NDArray[np.uint64]

SAMPLE_RATE: Final = 8_000
HOP: Final = 64
NUM_BITS: Final = 20
NUM_FLIPS: Final = 3
FRAME: Final = 1_024
MASK: Final = np.uint64((1 << NUM_BITS) - 1)
_TAP: Final = 4  # hops
_LOW_HZ, _HIGH_HZ = 150.0, 3_400.0
_AUDIBLE: Final = 1e-4  # of the loudest frame's power
_FLOOR: Final = 1e-6  # of the frame's loudest band: a band may be empty
_AUDIBLE_BIT: Final = np.uint64(NUM_BITS)
_FLIP_BITS: Final = 5


class Fingerprint:
    """Takes a clip in windows of any length, and gives its words."""

    def __init__(self, sample_rate: int) -> None:
        same = sample_rate == SAMPLE_RATE
        self._resampler = None if same else soxr.ResampleStream(sample_rate, SAMPLE_RATE, 1, dtype="float32")
        self._held_T = np.empty(0, np.float32)
        self._words: list[Words] = []
        self._powers: list[NDArray[np.float32]] = []

    def add(self, waveform_T: NDArray[np.float32], *, last: bool = False) -> None:
        """Take the next samples (T,), at the clip's rate."""
        if self._resampler is not None:
            waveform_T = self._resampler.resample_chunk(waveform_T, last=last)
        self._held_T = np.concatenate([self._held_T, waveform_T])
        if len(self._held_T) >= FRAME + _TAP * HOP:
            words_S, power_S = _frames(self._held_T)
            self._words.append(words_S)
            self._powers.append(power_S)
            self._held_T = self._held_T[len(words_S) * HOP :]

    def words(self) -> Words:
        """The words (S,) of all that was taken; none where it is shorter than 160 ms."""
        if not self._words:
            return np.empty(0, np.uint64)
        words_S, power_S = np.concatenate(self._words), np.concatenate(self._powers)
        is_audible_S = power_S > _AUDIBLE * float(power_S.max())
        return np.asarray(words_S | (is_audible_S.astype(np.uint64) << _AUDIBLE_BIT), dtype=np.uint64)


def audible(words_S: Words) -> NDArray[np.bool_]:
    """Which words (S,) are of sound."""
    return np.asarray((words_S >> _AUDIBLE_BIT) & np.uint64(1), dtype=np.bool_)


def probes(words_S: Words) -> NDArray[np.uint64]:
    """What to look up for each word: (S, 4), itself and each of its three doubtful bits flipped."""
    bits_S = words_S & MASK
    flips = [_place(words_S, number) for number in range(NUM_FLIPS)]
    return np.stack([bits_S, *(bits_S ^ (np.uint64(1) << flip_S) for flip_S in flips)], axis=1)


def _place(words_S: Words, number: int) -> NDArray[np.uint64]:
    shift = np.uint64(NUM_BITS + 1 + _FLIP_BITS * number)
    return np.asarray((words_S >> shift) & np.uint64((1 << _FLIP_BITS) - 1), dtype=np.uint64)


def _frames(waveform_T: NDArray[np.float32]) -> tuple[Words, NDArray[np.float32]]:
    """Words (S,) without the mark of sound, and the power (S,) of each."""
    from scipy.fft import rfft

    windows_ST = np.lib.stride_tricks.sliding_window_view(waveform_T, FRAME)[::HOP] * _window()
    spectrum_SF = rfft(windows_ST, axis=1)  # several windows at once: three times as fast as NumPy's
    bands_SM = (spectrum_SF.real**2 + spectrum_SF.imag**2) @ _bands()
    power_S = bands_SM.sum(axis=1)
    log_SM = np.log(bands_SM + _FLOOR * bands_SM.max(axis=1, keepdims=True) + 1e-20)
    step_SK = log_SM[:, :-1] - log_SM[:, 1:]
    rise_SK = step_SK[_TAP:] - step_SK[:-_TAP]
    words_S = (rise_SK > 0) @ (np.uint64(1) << np.arange(NUM_BITS, dtype=np.uint64))
    doubtful_SK = np.argpartition(np.abs(rise_SK), NUM_FLIPS, axis=1)[:, :NUM_FLIPS].astype(np.uint64)
    for number in range(NUM_FLIPS):
        words_S = words_S | doubtful_SK[:, number] << np.uint64(NUM_BITS + 1 + _FLIP_BITS * number)
    return words_S.astype(np.uint64), np.minimum(power_S[_TAP:], power_S[:-_TAP])


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(FRAME).astype(np.float32)


@cache
def _bands() -> NDArray[np.float32]:
    """Which bins (F, M) are in which band: 21 that touch."""
    ends_M = 700.0 * (np.geomspace(1 + _LOW_HZ / 700.0, 1 + _HIGH_HZ / 700.0, NUM_BITS + 2) - 1)
    hz_F = np.fft.rfftfreq(FRAME, 1 / SAMPLE_RATE)[:, None]
    return np.asarray((hz_F >= ends_M[:-1]) & (hz_F < ends_M[1:]), dtype=np.float32)
