"""Made speech: syllables of harmonics under moving formants; a take says the same sentence again, as people do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def voice(sentence: int, *, take: int = 0, seconds: float = 2.0, pitch_hz: float = 120.0) -> NDArray[np.float32]:
    """A sentence (T,) at 16 kHz: its syllables are drawn from `sentence`, its pitch, timing and breath from `take`."""
    said, spoken = np.random.default_rng(sentence), np.random.default_rng([sentence, take, 1])
    num_syllables = max(1, round(4 * seconds))
    times = np.linspace(0, seconds, num_syllables) + spoken.normal(0, 0.02, num_syllables)
    t = np.arange(int(seconds * RATE)) / RATE
    formants = [
        np.interp(t, times, said.uniform(low, high, num_syllables))
        for low, high in ((250, 900), (800, 2_300), (2_200, 3_200))
    ]
    loudness = np.interp(t, times, said.uniform(0.05, 1.0, num_syllables) * spoken.uniform(0.8, 1.2, num_syllables))
    bends = np.interp(t, times, spoken.normal(1.0, 0.06, num_syllables))
    phase = 2 * np.pi * np.cumsum(pitch_hz * bends) / RATE
    wave_T = np.zeros(len(t))
    for harmonic in range(1, int(3_400 / pitch_hz)):
        hz = harmonic * pitch_hz * bends
        gain = sum(np.exp(-(((hz - formant) / 180.0) ** 2)) for formant in formants)
        wave_T += gain * np.sin(harmonic * phase + spoken.uniform(0, 2 * np.pi))
    wave_T = wave_T * loudness + 0.02 * spoken.standard_normal(len(t))
    return (0.5 * wave_T / np.abs(wave_T).max()).astype(np.float32)
