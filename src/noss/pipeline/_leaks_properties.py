"""What a file gives away unheard: the facts of its header, and its level, silence, clipping and bandwidth.

The voice may move some of these itself (a shout is loud, a sad sentence long, a word with an s wide in band and so large
in bytes); the others only say how it was recorded and kept. `CAUSED_BY_VOICE` tells them apart for whoever reads a
finding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from noss.audio.read import Info

CATEGORIES: Final = ("sample rate", "channels", "container", "codec")
NUMBERS: Final = (
    "bytes a second", "duration", "level", "peak", "noise floor", "leading silence", "trailing silence", "clipping",
    "offset", "digital silence", "bandwidth",
)  # fmt: skip
CAUSED_BY_VOICE: Final = frozenset({*NUMBERS} - {"offset", "digital silence"})

_BLOCK_S: Final = 0.02
_FFT: Final = 1_024
_QUIETEST: Final = 1e-12
_SILENT: Final = 10.0**-3.5  # of the loudest block's power
_FULL_SCALE: Final = 0.999
_BAND_RANGE: Final = 1e-6  # of the strongest bin's power
_FLOOR_SHARE: Final = 0.1

Facts = Mapping[str, str | float]


class Properties:
    """Takes a clip in windows of any length, and measures it in memory that grows by 50 numbers a second."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._size = max(1, round(_BLOCK_S * sample_rate))
        self._held_T = np.empty(0, np.float32)
        self._powers: list[NDArray[np.float64]] = []
        self._spectrum_F = np.zeros(_FFT // 2 + 1)
        self._length, self._peak, self._num_full, self._num_zeros, self._sum = 0, 0.0, 0, 0, 0.0

    def add(self, waveform_T: NDArray[np.float32]) -> None:
        """Take the next samples (T,)."""
        level_T = np.abs(waveform_T)
        self._length += len(waveform_T)
        self._peak = max(self._peak, float(level_T.max(initial=0.0)))
        self._num_full += int(np.count_nonzero(level_T >= _FULL_SCALE))
        self._num_zeros += int(np.count_nonzero(waveform_T == 0))
        self._sum += float(waveform_T.sum(dtype=np.float64))
        self._held_T = np.concatenate([self._held_T, waveform_T])
        num_blocks = len(self._held_T) // self._size
        blocks_ST = self._held_T[: num_blocks * self._size].reshape(num_blocks, self._size)
        self._powers.append(np.einsum("st,st->s", blocks_ST, blocks_ST).astype(np.float64) / self._size)
        self._held_T = self._held_T[num_blocks * self._size :]
        self._spectrum_F += _spectrum(waveform_T)

    def facts(self, header: Info, num_bytes: int) -> Facts:
        """Every property by its name; text for categories, numbers (seconds, dB, Hz, shares) for the rest."""
        power_S = np.concatenate([*self._powers, [_mean_square(self._held_T)] if self._is_short else []])
        lead, trail = _silence(power_S)
        return {
            "sample rate": f"{header.sample_rate} Hz",
            "channels": str(header.channels),
            "container": header.format,
            "codec": header.codec,
            "bytes a second": num_bytes / max(header.duration_s, _BLOCK_S),
            "duration": self._length / self._rate,
            "level": _db(float(power_S.mean())),
            "peak": _db(self._peak**2),
            "noise floor": _db(float(np.quantile(power_S, _FLOOR_SHARE))),
            "leading silence": lead * _BLOCK_S,
            "trailing silence": trail * _BLOCK_S,
            "clipping": self._num_full / max(1, self._length),
            "offset": self._sum / max(1, self._length),
            "digital silence": self._num_zeros / max(1, self._length),
            "bandwidth": _bandwidth(self._spectrum_F, self._rate),
        }

    @property
    def _is_short(self) -> bool:
        return self._length < self._size


def _spectrum(waveform_T: NDArray[np.float32]) -> NDArray[np.float64]:
    """Summed power (F,) of windows that do not overlap; of a shorter waveform, padded."""
    if len(waveform_T) < _FFT:
        waveform_T = np.pad(waveform_T, (0, _FFT - len(waveform_T)))
    windows_ST = waveform_T[: len(waveform_T) // _FFT * _FFT].reshape(-1, _FFT)
    spectrum_SF = np.fft.rfft(windows_ST * np.hanning(_FFT).astype(np.float32), axis=1)
    return np.asarray((spectrum_SF.real**2 + spectrum_SF.imag**2).sum(axis=0), dtype=np.float64)


def _bandwidth(spectrum_F: NDArray[np.float64], sample_rate: int) -> float:
    """The highest frequency within 60 dB of the strongest, in Hz."""
    strong = np.flatnonzero(spectrum_F > _BAND_RANGE * float(spectrum_F.max()))
    return float(strong[-1]) * sample_rate / _FFT if len(strong) else 0.0


def _silence(power_S: NDArray[np.float64]) -> tuple[int, int]:
    """Blocks before and behind those within 35 dB of the loudest."""
    loud = np.flatnonzero(power_S > _SILENT * float(power_S.max()))
    return (int(loud[0]), len(power_S) - 1 - int(loud[-1])) if len(loud) else (len(power_S), 0)


def _mean_square(waveform_T: NDArray[np.float32]) -> float:
    return float(np.mean(waveform_T**2)) if len(waveform_T) else 0.0


def _db(power: float) -> float:
    return 10.0 * math.log10(max(power, _QUIETEST))
