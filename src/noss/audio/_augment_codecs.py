"""There and back through a codec: mu-law as in telephones, Opus and MP3 as libsndfile writes them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from noss.errors import AudioError

_MU, _STEPS = 255.0, 127  # a sign and seven bits, so that silence stays silent
_BLOCK = 1 << 16  # samples handed to the encoder at once
_OPUS_KBITS = (6.0, 256.0)
_MP3_KBITS = (8.0, 160.0)  # of MPEG-2 layer III, the sample rates from 16 to 24 kHz
_MP3_DELAY = (
    1105  # samples of LAME and of the decoder together; a file with room for LAME's own note is decoded without
)


def mu_law(waveform_T: NDArray[np.float32], *, sample_rate: int, coded_rate: int = 8_000) -> NDArray[np.float32]:
    """The waveform (T,) resampled to 8 kHz, coded in 8 bits by the continuous mu-law, and brought back.

    What goes beyond full scale is cut off.

    Source: ITU-T G.711, with the curve itself in place of its straight pieces.
    """
    coded_T = np.clip(_resampled(waveform_T, sample_rate, coded_rate), -1, 1)
    steps_T = np.round(_STEPS * np.log1p(_MU * np.abs(coded_T)) / np.log1p(_MU))
    decoded_T = np.sign(coded_T) * np.expm1(steps_T / _STEPS * np.log1p(_MU)) / _MU
    return _fitted(_resampled(decoded_T.astype(np.float32), coded_rate, sample_rate), len(waveform_T))


def through_opus(waveform_T: NDArray[np.float32], *, sample_rate: int, kbits: float) -> NDArray[np.float32]:
    """The waveform (T,) through Opus in Ogg at 16 kHz and about so many kbit/s, from 6 to 256.

    Raises:
        AudioError: Opus has no such bit rate.
    """
    low, high = _OPUS_KBITS
    level = _level(kbits, low, high, codec="Opus")
    how = {"format": "OGG", "subtype": "OPUS", "compression_level": level}
    return _through(waveform_T, sample_rate, how)


def through_mp3(waveform_T: NDArray[np.float32], *, sample_rate: int, kbits: float) -> NDArray[np.float32]:
    """The waveform (T,) through MP3 at 16 kHz and a constant 16 to 160 kbit/s; what the encoder delays is cut away.

    Raises:
        AudioError: MP3 has no such bit rate at this sample rate.
    """
    if kbits < 16:
        raise AudioError(f"MP3 at 16 kHz has no {kbits:g} kbit/s here: give 16 to 160")
    low, high = _MP3_KBITS
    level = _level(kbits, low, high, codec="MP3 at 16 kHz")
    how = {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": level, "bitrate_mode": "CONSTANT"}
    return _through(waveform_T, sample_rate, how)


def _through(waveform_T: NDArray[np.float32], sample_rate: int, how: dict[str, Any]) -> NDArray[np.float32]:
    import soundfile

    coded_rate, file = 16_000, io.BytesIO()
    given_T = _resampled(waveform_T, sample_rate, coded_rate)
    with soundfile.SoundFile(file, "w", samplerate=coded_rate, channels=1, **how) as writer:
        for start in range(0, len(given_T), _BLOCK):
            writer.write(np.clip(given_T[start : start + _BLOCK], -1, 1))
    file.seek(0)
    decoded_T, _ = soundfile.read(file, dtype="float32")
    if len(decoded_T) > len(given_T) + _MP3_DELAY // 2:
        decoded_T = decoded_T[_MP3_DELAY:]
    return _fitted(_resampled(_fitted(decoded_T, len(given_T)), coded_rate, sample_rate), len(waveform_T))


def _level(kbits: float, low: float, high: float, *, codec: str) -> float:
    """Libsndfile's compression level for a bit rate: 1 is its lowest."""
    if not low <= kbits <= high:
        raise AudioError(f"{codec} has no {kbits:g} kbit/s: give {low:g} to {high:g}")
    return 1 - (kbits - low) / (high - low)


def _resampled(waveform_T: NDArray[np.float32], rate: int, sample_rate: int) -> NDArray[np.float32]:
    if rate == sample_rate:
        return waveform_T
    resampled_T: NDArray[np.float32] = soxr.resample(waveform_T, rate, sample_rate, quality="HQ")
    return resampled_T


def _fitted(waveform_T: NDArray[np.float32], num_samples: int) -> NDArray[np.float32]:
    """Cut, or filled up with zeros, to so many samples."""
    return np.pad(waveform_T[:num_samples], (0, max(0, num_samples - len(waveform_T))))
