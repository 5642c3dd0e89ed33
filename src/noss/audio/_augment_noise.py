"""Noise mixed in at a stated ratio: white, pink and babble-like noise made here, or any recording."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noss.errors import AudioError

MadeNoise = Literal["white", "pink", "babble"]
_NUM_TALKERS = 8
_SYLLABLES_HZ = 4.0


def add_noise(waveform_T: NDArray[np.float32], noise_T: NDArray[np.float32], *, snr_db: float) -> NDArray[np.float32]:
    """The waveform (T,) with noise (T,) scaled so that the ratio of their mean powers is `snr_db`.

    Both powers are means over the whole clip, pauses included. Silence has no such ratio and comes back as it is; what goes
    beyond full scale is kept.

    Raises:
        AudioError: The ratio is not finite, or the noise is silent or not as long as the waveform.
    """
    if not math.isfinite(snr_db):
        raise AudioError(f"snr_db is {snr_db} and must be a finite number of dB")
    if noise_T.shape != waveform_T.shape:
        raise AudioError(
            f"noise of {len(noise_T)} samples does not fit a waveform of {len(waveform_T)}: loop or cut it"
        )
    power, noise_power = (float(np.mean(np.square(one_T, dtype=np.float64))) for one_T in (waveform_T, noise_T))
    if power == 0.0:
        return waveform_T
    if noise_power == 0.0:
        raise AudioError("the noise is silent and has no level: take another stretch of it")
    scale = math.sqrt(power / noise_power) * 10 ** (-snr_db / 20)
    return (waveform_T + scale * noise_T.astype(np.float64)).astype(np.float32)


def made_noise(
    kind: MadeNoise, num_samples: int, *, sample_rate: int, seed: int | np.random.Generator
) -> NDArray[np.float32]:
    """Made noise (T,) of unit power.

    `white` has the same power at every frequency. `pink` falls by 3 dB an octave from 20 Hz on. `babble` is no speech but sounds like many
    voices at once: eight noises with the average spectrum of speech, level to 500 Hz and falling by 9 dB an octave above,
    each rising and falling about four times a second, as syllables do.

    Source: the spectrum of babble after Byrne et al., "An international comparison of long-term average speech spectra", JASA
    1994, in two straight lines.
    """
    generator = np.random.default_rng(seed)
    if kind == "white":
        noise_T = generator.standard_normal(num_samples)
    elif kind == "pink":
        noise_T = _shaped(num_samples, sample_rate, generator, octave_db=-3.0103, corner_hz=20.0)
    else:
        noise_T = np.sum([_talker(num_samples, sample_rate, generator) for _ in range(_NUM_TALKERS)], axis=0)
    return np.asarray(noise_T / (np.sqrt(np.mean(noise_T**2)) or 1.0), dtype=np.float32)


def loop(recording_T: NDArray[np.float32], num_samples: int, *, seed: int | np.random.Generator) -> NDArray[np.float32]:
    """As many samples (T,) of a recording from a random place on; at its end it starts again."""
    start = int(np.random.default_rng(seed).integers(len(recording_T)))
    return np.take(recording_T, np.arange(start, start + num_samples), mode="wrap")


def _shaped(
    num_samples: int, sample_rate: int, generator: np.random.Generator, *, octave_db: float, corner_hz: float
) -> NDArray[np.float64]:
    """Noise (T,) whose spectrum is level up to a corner and then falls by so many dB an octave."""
    from scipy import fft

    size = fft.next_fast_len(max(2, num_samples), real=True)
    spectrum_F = fft.rfft(generator.standard_normal(size))
    ratio_F = np.maximum(fft.rfftfreq(size, 1 / sample_rate), corner_hz) / corner_hz
    shaped_T = fft.irfft(spectrum_F * ratio_F ** (octave_db / 20 / math.log10(2)), size)
    return np.asarray(shaped_T[:num_samples], dtype=np.float64)


def _talker(num_samples: int, sample_rate: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """A noise (T,) with the average spectrum of speech that rises and falls as syllables do."""
    voice_T = _shaped(num_samples, sample_rate, generator, octave_db=-9.0, corner_hz=500.0)
    seconds_T = np.arange(num_samples) / sample_rate
    rate_hz, phase = generator.uniform(0.75, 1.25) * _SYLLABLES_HZ, generator.uniform(0, 2 * np.pi)
    return np.asarray(voice_T * (1 + np.sin(2 * np.pi * rate_hz * seconds_T + phase)), dtype=np.float64)
