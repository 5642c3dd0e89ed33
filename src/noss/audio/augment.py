"""Waveforms altered as the world alters them: noise, rooms, levels, telephones, codecs, lost packets; and masks.

Functions from samples (T,) to samples, full scale 1, at a stated rate. They keep the number of samples unless they say
otherwise, alter nothing in place, and give the same for the same `seed`, which may be a number or a generator that many
calls share.
"""

from __future__ import annotations

import math

import numpy as np
import soxr
from numpy.typing import NDArray

from noss.audio._augment_codecs import mu_law, through_mp3, through_opus
from noss.audio._augment_noise import MadeNoise, add_noise, loop, made_noise
from noss.audio._augment_rooms import reverberate, room_impulse, trim_impulse
from noss.errors import AudioError

__all__ = [
    "MadeNoise",
    "add_noise",
    "change_gain",
    "change_speed",
    "clip_peaks",
    "crop",
    "limit_band",
    "loop",
    "lose_packets",
    "made_noise",
    "mask_logmel",
    "mu_law",
    "reverberate",
    "room_impulse",
    "through_mp3",
    "through_opus",
    "trim_impulse",
]

Waveform = NDArray[np.float32]
Seed = int | np.random.Generator


def change_gain(waveform_T: Waveform, *, gain_db: float) -> Waveform:
    """The waveform (T,) louder by so many dB, or softer where negative; what goes beyond full scale is kept."""
    _finite("gain_db", gain_db)
    return (waveform_T * np.float32(10 ** (gain_db / 20))).astype(np.float32)


def crop(waveform_T: Waveform, *, sample_rate: int, crop_s: float, seed: Seed) -> Waveform:
    """A random piece of `crop_s` seconds of a waveform (T,), any start as likely; all of it where it is no longer."""
    size = round(crop_s * sample_rate)
    if size < 1:
        raise AudioError(f"crop_s is {crop_s} and must hold at least one sample")
    if size >= len(waveform_T):
        return waveform_T
    start = int(np.random.default_rng(seed).integers(len(waveform_T) - size + 1))
    return waveform_T[start : start + size]


def change_speed(waveform_T: Waveform, *, factor: float) -> Waveform:
    """The waveform (T,) played `factor` times as fast, at `T / factor` samples: pitch and formants move with it.

    Source: Ko et al., "Audio augmentation for speech recognition", Interspeech 2015, which takes 0.9 and 1.1.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise AudioError(f"factor is {factor} and must be above 0")
    if factor == 1.0:
        return waveform_T
    changed_T: Waveform = soxr.resample(waveform_T, factor, 1.0, quality="HQ")
    return changed_T if len(changed_T) else waveform_T[:1]


def limit_band(waveform_T: Waveform, *, sample_rate: int, low_hz: float = 300.0, high_hz: float = 3400.0) -> Waveform:
    """The waveform (T,) without what lies outside a band; by default that of a telephone.

    A Butterworth band-pass of order 8 run forwards and backwards: nothing is delayed, and both edges are 6 dB down. An upper
    edge at or beyond half the sample rate cuts nothing.

    Source: ITU-T G.712 for the telephone's band.
    """
    from scipy.signal import butter, sosfiltfilt

    if not 0 < low_hz < high_hz:
        raise AudioError(f"{low_hz:g}-{high_hz:g} Hz is no band: give two edges, the lower first")
    if low_hz >= sample_rate / 2:
        raise AudioError(f"a band from {low_hz:g} Hz leaves nothing at {sample_rate} Hz: lower its edge")
    is_band = high_hz < sample_rate / 2
    edges = (low_hz, high_hz) if is_band else low_hz
    sections = butter(
        8 if not is_band else 4, edges, "bandpass" if is_band else "highpass", output="sos", fs=sample_rate
    )
    padding = min(3 * (2 * len(sections) + 1), len(waveform_T) - 1)
    return np.asarray(sosfiltfilt(sections, waveform_T, padlen=padding), dtype=np.float32)


def clip_peaks(waveform_T: Waveform, *, share: float) -> Waveform:
    """The waveform (T,) with that share of its samples, the loudest, cut off at one level; the level follows the clip's."""
    if not 0 <= share < 1:
        raise AudioError(f"share is {share} and must be 0 or more and below 1")
    level = np.quantile(np.abs(waveform_T), 1 - share)
    return np.clip(waveform_T, -level, level).astype(np.float32)


def lose_packets(
    waveform_T: Waveform, *, sample_rate: int, rate: float, burst: float = 2.0, packet_ms: float = 20.0, seed: Seed
) -> Waveform:
    """The waveform (T,) with packets lost in bursts, zeros in their place.

    A chain of two states: in one every packet arrives, in the other none.

    Args:
        waveform_T: Samples (T,).
        sample_rate: In Hz.
        rate: The share of packets that is lost in the long run, 0 to below 1.
        burst: How many packets are lost in a row, on average; 1 or more, and enough that `rate` can be reached.
        packet_ms: Length of a packet in milliseconds.
        seed: A number or a generator.

    Raises:
        AudioError: No chain has such a rate and such bursts.

    Source: Gilbert, "Capacity of a burst-noise channel", 1960; Elliott, "Estimates of error rates for codes on burst-noise
    channels", 1963.
    """
    if not 0 <= rate < 1 or burst < 1 or rate > burst * (1 - rate):
        raise AudioError(f"a loss of {rate:g} in bursts of {burst:g} packets is impossible: lower it, or lengthen them")
    size = max(1, round(packet_ms / 1000 * sample_rate))
    lost_P = _lost(math.ceil(len(waveform_T) / size), rate=rate, burst=burst, seed=seed)
    return np.where(np.repeat(lost_P, size)[: len(waveform_T)], np.float32(0), waveform_T)


def mask_logmel(
    logmel_SM: NDArray[np.float32],
    *,
    seed: Seed,
    num_freq_masks: int = 2,
    most_bands: int = 10,
    num_time_masks: int = 2,
    most_frames: int = 10,
    filling: float = 0.0,
) -> NDArray[np.float32]:
    """A log-mel spectrogram (S, M) with a few bands and a few stretches of time masked.

    Every mask is as wide as drawn, from 0 to its most, and lies anywhere; masks may overlap. Time is not warped.

    Source: Park et al., "SpecAugment", Interspeech 2019; the defaults are those of the original system.
    """
    generator, masked_SM = np.random.default_rng(seed), logmel_SM.copy()
    for _ in range(num_freq_masks):
        masked_SM[:, _span(generator, logmel_SM.shape[1], most_bands)] = filling
    for _ in range(num_time_masks):
        masked_SM[_span(generator, logmel_SM.shape[0], most_frames)] = filling
    return masked_SM


def _span(generator: np.random.Generator, size: int, most: int) -> slice:
    width = int(generator.integers(min(most, size) + 1))
    start = int(generator.integers(size - width + 1))
    return slice(start, start + width)


def _lost(num_packets: int, *, rate: float, burst: float, seed: Seed) -> NDArray[np.bool_]:
    """Which packets (P,) are lost; the chain starts in its long run."""
    drawn_P = np.random.default_rng(seed).random(num_packets)
    stays, begins = 1 - 1 / burst, rate / (burst * (1 - rate))
    lost_P = np.zeros(num_packets, dtype=np.bool_)
    for place, drawn in enumerate(drawn_P):
        chance = rate if place == 0 else stays if lost_P[place - 1] else begins
        lost_P[place] = drawn < chance
    return lost_P


def _finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise AudioError(f"{name} is {value} and must be a finite number")
