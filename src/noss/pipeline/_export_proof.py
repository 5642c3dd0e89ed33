"""Does a written file give what the model gives? Both are fed the same sounds, through the shelf of models."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._check_model_feed import voice
from noss.pipeline._embed_forward import Forward

Waveform = NDArray[np.float32]
CALLS = 7
LONG_S = 7.3  # of the long sound where there is no window
TOGETHER = 3


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How far a file is from its model on one sound.

    Attributes:
        sound: What it is.
        seconds: How long it is.
        difference: The largest, as a share of the largest value where that is above 1.
        cosine: The least of its vectors'.
        windowed: The cosine to the vector of the sound heard whole, where the file hears it in windows.
    """

    sound: str
    seconds: float
    difference: float
    cosine: float
    windowed: float | None = None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a file takes sound: `sample_rate`, its `window` in samples or None for any length, frames or vectors out."""

    sample_rate: int
    min_s: float
    window: int | None
    frames: bool


def sounds_of(shape: Shape) -> dict[str, Waveform]:
    """A short sound, one of a window or a second, and a long one."""
    usual_s = shape.window / shape.sample_rate if shape.window else max(1.0, shape.min_s)
    short_s, long_s = max(0.37 * usual_s, shape.min_s), max(2.6 * usual_s, 0.0 if shape.window else LONG_S)
    lengths = {"short": short_s, "one window" if shape.window else "usual": usual_s, "long": long_s}
    return {name: made(seconds, shape, seed=seed) for seed, (name, seconds) in enumerate(lengths.items())}


def made(seconds: float, shape: Shape, *, seed: int) -> Waveform:
    """A sound like a voice (T,), drawn by a seed."""
    sound: Waveform = voice(seconds, shape.sample_rate, np.random.default_rng(seed)).astype(np.float32)
    return sound[: shape.window] if shape.window and seconds * shape.sample_rate <= shape.window else sound


def ranges_from(shape: Shape, clips: Sequence[Waveform]) -> list[Waveform]:
    """Sounds (T,) to set the ranges of whole numbers by: made ones, and clips in pieces."""
    size = shape.window or ceil(max(2.0, shape.min_s) * shape.sample_rate)
    sounds = [made(size / shape.sample_rate, shape, seed=100 + number)[:size] for number in range(8)]
    return [*sounds, *(piece for clip in clips for piece in pieces(clip, size))]


def pieces(sound: Waveform, window: int) -> list[Waveform]:
    """A sound (T,) in windows side by side, zeros behind the last."""
    padded = np.pad(sound, (0, -len(sound) % window))
    return list(padded.reshape(-1, window))


def compare(model: Forward, file: Forward, sounds: dict[str, Waveform], *, shape: Shape) -> list[Compared]:
    """Every sound through both, then some of one length at once."""
    compared = [_compare(model, file, name, sound, shape) for name, sound in sounds.items()]
    return compared if shape.frames else [*compared, _together(model, file, shape)]


def milliseconds(model: Forward, file: Forward, *, shape: Shape) -> tuple[float, float]:
    """The shortest of calls of each, in turn, on a window or a second of sound and one thread."""
    import torch

    sound, before = list(sounds_of(shape).values())[1], torch.get_num_threads()
    spent: tuple[list[float], list[float]] = ([], [])
    torch.set_num_threads(1)
    try:
        for _ in range(CALLS):
            for forward, times in zip((model, file), spent, strict=True):
                began = time.perf_counter()
                forward([sound])
                times.append(1e3 * (time.perf_counter() - began))
    finally:
        torch.set_num_threads(before)
    return min(spent[0]), min(spent[1])


def _compare(model: Forward, file: Forward, name: str, sound: Waveform, shape: Shape) -> Compared:
    found = file.frames([sound])[0][:, 0]
    windowed = None
    if shape.window is not None:
        expected = model(pieces(sound, shape.window))[:, 0]
        if len(sound) / shape.sample_rate >= shape.min_s:
            windowed = _cosine(expected.mean(axis=0, keepdims=True), model([sound])[:, 0])
    elif shape.frames:
        expected = model.frames([sound])[0][:, 0]
    else:
        expected = model([sound])[:, 0]
    return _compared(name, len(sound) / shape.sample_rate, found, expected, windowed=windowed)


def _together(model: Forward, file: Forward, shape: Shape) -> Compared:
    usual = list(sounds_of(shape).values())[1]
    many = [np.roll(usual, 1_000 * number) for number in range(TOGETHER)]
    expected = np.concatenate([model([sound])[:, 0] for sound in many])
    return _compared(f"{TOGETHER} at once", len(usual) / shape.sample_rate, file(many)[:, 0], expected)


def _compared(
    name: str,
    seconds: float,
    found: NDArray[np.float32],
    expected: NDArray[np.float32],
    *,
    windowed: float | None = None,
) -> Compared:
    if found.shape != expected.shape:
        return Compared(sound=name, seconds=seconds, difference=np.inf, cosine=0.0)
    largest = max(1.0, float(np.abs(expected).max()))
    return Compared(
        sound=name,
        seconds=seconds,
        difference=float(np.abs(found - expected).max()) / largest,
        cosine=_cosine(found, expected),
        windowed=windowed,
    )


def _cosine(one_SD: NDArray[np.float32], other_SD: NDArray[np.float32]) -> float:
    """The least cosine of rows with one another; of rows that are both zero, 1."""
    one, other = one_SD.astype(np.float64), other_SD.astype(np.float64)
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = (one * other).sum(axis=1) / np.maximum(norms, 1e-30)
    return float(np.min(np.where((one == other).all(axis=1), 1.0, cosines)))
