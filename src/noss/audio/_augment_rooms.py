"""Reverberation: a made or measured impulse response of a room, and a waveform heard in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noss.errors import AudioError


def room_impulse(
    rt60_s: float, *, sample_rate: int, seed: int | np.random.Generator, direct_to_reverberant_db: float = 0.0
) -> NDArray[np.float32]:
    """A made impulse response (T,) of a room: a click, then noise that falls by 60 dB in `rt60_s` seconds.

    The statistical model of a diffuse field: no single echoes, the same decay at every frequency, the direct sound at once.

    Args:
        rt60_s: Reverberation time in seconds.
        sample_rate: In Hz.
        seed: A number or a generator.
        direct_to_reverberant_db: Energy of the click over that of the noise.

    Source: Polack, "La transmission de l'énergie sonore dans les salles", 1988.
    """
    if not rt60_s > 0:
        raise AudioError(f"rt60_s is {rt60_s} and must be above 0")
    seconds_T = np.arange(1, max(2, round(rt60_s * sample_rate))) / sample_rate
    tail_T = np.random.default_rng(seed).standard_normal(len(seconds_T)) * 10 ** (-3 * seconds_T / rt60_s)
    tail_T *= 10 ** (-direct_to_reverberant_db / 20) / np.sqrt(np.sum(tail_T**2))
    return np.concatenate([[1.0], tail_T]).astype(np.float32)


def trim_impulse(impulse_T: NDArray[np.float32]) -> NDArray[np.float32]:
    """A measured impulse response (T,) from its direct sound on, its loudest sample, so that nothing is delayed.

    Raises:
        AudioError: It is silent.
    """
    loudest = int(np.argmax(np.abs(impulse_T)))
    if impulse_T[loudest] == 0.0:
        raise AudioError("the impulse response is silent: leave it out")
    return impulse_T[loudest:]


def reverberate(waveform_T: NDArray[np.float32], impulse_T: NDArray[np.float32]) -> NDArray[np.float32]:
    """The waveform (T,) heard through an impulse response of any length at the same rate.

    Its length is kept, so that the last echoes are cut off, and its mean power too, so that only the room is heard and not a
    change of level.
    """
    from scipy.signal import oaconvolve

    heard_T = oaconvolve(waveform_T.astype(np.float64), impulse_T.astype(np.float64))[: len(waveform_T)]
    power, heard = float(np.mean(waveform_T.astype(np.float64) ** 2)), float(np.mean(heard_T**2))
    return np.asarray(heard_T * (np.sqrt(power / heard) if heard > 0 else 1.0), dtype=np.float32)
