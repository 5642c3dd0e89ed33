"""Whether two clips hold the same sound: by their fingerprints, and then by their samples.

A fingerprint finds who may be alike; two takes of one word by one voice may be so too. So the samples decide. Where two
clips overlap they are decoded at 8 kHz, their spectra flattened, and correlated: takes that differ correlate by chance
alone, a copy correlates whatever became of its codec, level or rate. What chance alone reaches falls with the root of the
length: two takes of a digit, 0.3 s long, reached 0.79, and of a sentence 0.34; so short sound must agree better.
Correlation is measured at a quarter of a sample, as a cut may fall between two samples of 8 kHz.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from noss.audio.read import read
from noss.datasets import Clip
from noss.engines import Died
from noss.errors import AudioError
from noss.pipeline._leaks_fingerprint import FRAME, HOP, MASK, NUM_BITS, SAMPLE_RATE, Words, audible
from noss.pipeline._leaks_index import Index, Search
from noss.pipeline._leaks_listen import in_processes

MOST_WRONG: Final = 0.35  # of the bits, as in the paper
_LEAST_ALIKE: Final = (0.4, 0.27)  # correlation of flattened samples: in long sound, and the more in 1 s
LEAST_SHARED: Final = 0.5  # of the shorter clip's sound
_FEWEST: Final = 6  # audible words
_NEAR: Final = range(-3, 4)  # hops
_LONGEST_S: Final = 20.0
_SEEK_S: Final = 60.0
_MARGIN_S: Final = 0.05
_FINER: Final = 4
_FLAT_HZ: Final = 100.0
_BAND_HZ: Final = (150.0, 3_400.0)

Waveform = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Match:
    """Two clips, by their rows, that hold the same sound, for so long, and how far their samples correlate."""

    first: int
    second: int
    shared_s: float
    correlation: float


def matches(index: Index, clips: Sequence[Clip]) -> Iterator[Match]:
    """Every pair of indexed clips that hold the same sound, from processes."""
    indexed = np.flatnonzero(np.diff(index.first_N)).tolist()
    for _, outcome in in_processes(partial(_Matcher, index, clips), indexed):
        if not isinstance(outcome, Died):
            yield from outcome


class _Matcher:
    def __init__(self, index: Index, clips: Sequence[Clip]) -> None:
        self._clips = clips
        self._search = Search(index)

    def __call__(self, row: int) -> list[Match]:
        own_S, found = self._search.words(row), []
        for earlier, offset in self._search(row):
            span = overlap(self._search.words(earlier), own_S, offset=offset)
            if span is not None:
                shared_s = (span[2] * HOP + FRAME) / SAMPLE_RATE
                correlation = self._alike(earlier, row, span, shared_s)
                if correlation >= least_alike(shared_s):
                    found.append(Match(first=earlier, second=row, shared_s=shared_s, correlation=correlation))
        return found

    def _alike(self, first: int, second: int, span: tuple[int, int, int], length_s: float) -> float:
        start_s = [frame * HOP / SAMPLE_RATE for frame in span[:2]]
        middle_s = max(0.0, (length_s - _LONGEST_S) / 2)
        try:
            pieces = [
                _piece(self._clips[row], begin_s + middle_s, min(length_s, _LONGEST_S))
                for row, begin_s in zip((first, second), start_s, strict=True)
            ]
        except AudioError:
            return 0.0
        return alike(*pieces)


def least_alike(shared_s: float) -> float:
    """The correlation from which so much sound is the same."""
    return _LEAST_ALIKE[0] + _LEAST_ALIKE[1] / math.sqrt(shared_s)


def overlap(first_S: Words, second_S: Words, *, offset: int) -> tuple[int, int, int] | None:
    """Where two fingerprints agree: first frames and their number; None where they do not, or in too little."""
    best, span = MOST_WRONG, None
    fewest = max(_FEWEST, LEAST_SHARED * min(int(audible(first_S).sum()), int(audible(second_S).sum())))
    for shift in (offset + near for near in _NEAR):
        start = max(0, -shift)
        length = min(len(second_S) - start, len(first_S) - start - shift)
        if length < fewest:
            continue
        ours_S, theirs_S = second_S[start : start + length], first_S[start + shift : start + shift + length]
        heard_S = audible(ours_S) & audible(theirs_S)
        if heard_S.sum() >= fewest:
            wrong = float(np.bitwise_count((ours_S ^ theirs_S)[heard_S] & MASK).mean()) / NUM_BITS
            if wrong <= best:
                frames = np.flatnonzero(heard_S)
                begin = start + int(frames[0])
                best, span = wrong, (begin + shift, begin, int(frames[-1] - frames[0]) + 1)
    return span


def alike(first_T: Waveform, second_T: Waveform) -> float:
    """The highest correlation of two waveforms at 8 kHz, their spectra flattened, shifted by up to 50 ms."""
    size = 1 << int(len(first_T) + len(second_T)).bit_length()
    first_F, second_F = (_flat(waveform_T, size) for waveform_T in (first_T, second_T))
    cross_L = np.fft.irfft(first_F * np.conj(second_F), size * _FINER) * _FINER
    reach = int(2 * _MARGIN_S * SAMPLE_RATE * _FINER)
    near_L = np.concatenate([cross_L[-reach:], cross_L[:reach]])
    lag = round((int(near_L.argmax()) - reach) / _FINER)
    ours_T = np.fft.irfft(first_F, size)[max(0, lag) : min(len(first_T), len(second_T) + lag)]
    theirs_T = np.fft.irfft(second_F, size)[max(0, -lag) : max(0, -lag) + len(ours_T)]
    energy = float(np.sum(ours_T**2)) * float(np.sum(theirs_T**2))
    return float(near_L.max()) / math.sqrt(energy) if energy > 0 else 0.0


def _flat(waveform_T: Waveform, size: int) -> NDArray[np.complex64]:
    """The spectrum (F,) of a waveform (T,) over its own local mean, within the band of the telephone."""
    spectrum_F = np.fft.rfft(waveform_T, size)
    magnitude_F = np.abs(spectrum_F)
    reach = max(1, round(_FLAT_HZ * size / SAMPLE_RATE))
    sums_F = np.concatenate([[0.0], np.cumsum(np.pad(magnitude_F, reach), dtype=np.float64)])
    mean_F = (sums_F[2 * reach + 1 :] - sums_F[: -2 * reach - 1]) / (2 * reach + 1)
    hz_F = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
    weight_F = ((hz_F > _BAND_HZ[0]) & (hz_F < _BAND_HZ[1])) / (mean_F + 1e-3 * mean_F.max() + 1e-12)
    return np.asarray(spectrum_F * weight_F, dtype=np.complex64)


def _piece(clip: Clip, start_s: float, length_s: float) -> Waveform:
    """Some seconds of a clip at 8 kHz; near its start it is decoded from there, as decoders of MP3 stumble otherwise."""
    skipped_s = start_s if start_s < _SEEK_S else 0.0
    begin_s = clip.start_s + start_s - skipped_s
    end_s = begin_s + skipped_s + length_s
    end_s = end_s if clip.end_s is None else min(end_s, clip.end_s)
    waveform_T, _ = read(clip.path, sample_rate=SAMPLE_RATE, start_s=begin_s, end_s=end_s)
    return waveform_T[round(skipped_s * SAMPLE_RATE) :]
