"""The one policy for audio that is too short or too long for a model: pad on the right, cut without overlap.

A model takes between `min_s` and `window_s` seconds. Shorter audio is padded on the right to `min_s`. Longer audio is
cut into windows of `window_s` that neither overlap nor leave a gap; the last piece is kept however short it is, and
padded to `min_s` if need be. The embeddings of the pieces are averaged, each weighted by its own length before padding.
`noss.audio.read.stream` cuts a file the same way without holding it in memory.

A model with a `window_s` of None needs a clip whole (it measures its duration, say): the clip is then in memory, 4 bytes a
sample, 0.23 GB an hour at 16 kHz, and is refused where that does not fit. For a time line, windows may overlap: `hop_s`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Padding = Literal["zeros", "symmetric"]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long audio is cut and short audio padded.

    Attributes:
        window_s: Longer audio is cut into windows of this many seconds; None takes any length whole.
        min_s: Shorter audio, and a shorter piece, is padded on the right to this many seconds; where it exceeds `window_s`,
            that is every piece.
        padding: `zeros`, or `symmetric`: the audio mirrored, then forward, then mirrored again, as often as needed.
        hop_s: From the start of one window to that of the next; None puts them side by side.
    """

    window_s: float | None = 30.0
    min_s: float = 0.0
    padding: Padding = "zeros"
    hop_s: float | None = None

    def __post_init__(self) -> None:
        assert self.min_s >= 0.0, f"min_s is {self.min_s} and must not be negative"
        assert self.window_s is None or self.window_s > 0.0, f"window_s is {self.window_s} and must be above 0 or None"
        assert self.hop_s is None or 0.0 < self.hop_s <= (self.window_s or 0.0), (
            "hop_s must be above 0, within window_s"
        )

    def sizes(self, sample_rate: int) -> tuple[int, int]:
        """Samples in a window, and from the start of one to that of the next; asked only where there is a window."""
        assert self.window_s is not None
        size = num_samples(self.window_s, sample_rate)
        return size, size if self.hop_s is None else num_samples(self.hop_s, sample_rate)


def cut(
    waveform_T: NDArray[np.float32], *, sample_rate: int, policy: Policy
) -> tuple[list[NDArray[np.float32]], NDArray[np.float64]]:
    """The pieces of a waveform (T,) that a model gets, and their weights, which sum to 1."""
    assert waveform_T.ndim == 1 and len(waveform_T) > 0, f"cut takes samples (T,), T > 0, not {waveform_T.shape}"
    pieces = list(windows(waveform_T, sample_rate=sample_rate, policy=policy))
    lengths_P = np.array([len(piece) for piece in pieces], dtype=np.float64)
    shortest = num_samples(policy.min_s, sample_rate)
    return [pad(piece, shortest, padding=policy.padding) for piece in pieces], lengths_P / lengths_P.sum()


def windows(waveform_T: NDArray[np.float32], *, sample_rate: int, policy: Policy) -> Iterator[NDArray[np.float32]]:
    """The windows (T,) of a waveform (T,) before they are padded; the last is the first that reaches its end."""
    if policy.window_s is None:
        yield waveform_T
        return
    size, hop = policy.sizes(sample_rate)
    for start in range(0, max(1, len(waveform_T) - (size - hop)), hop):
        yield waveform_T[start : start + size]


def pad(waveform_T: NDArray[np.float32], shortest: int, *, padding: Padding) -> NDArray[np.float32]:
    """A waveform (T,) padded on the right to at least `shortest` samples; the same one where it is long enough.

    Symmetric padding is that of `numpy.pad`: `[0, 1, 2]` to 11 samples is `[0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1]`.
    """
    missing = shortest - len(waveform_T)
    if missing <= 0:
        return waveform_T
    return np.pad(waveform_T, (0, missing), mode="symmetric" if padding == "symmetric" else "constant")


def average(embeddings_PD: NDArray[np.float32], weights_P: NDArray[np.float64]) -> NDArray[np.float32]:
    """The embedding (D,) of a clip from those of its pieces (P, D); also (P, L, D) to (L, D)."""
    return np.tensordot(weights_P, embeddings_PD, axes=1).astype(np.float32)


def num_samples(seconds: float, sample_rate: int) -> int:
    """Seconds in samples, rounded to the nearest."""
    return round(seconds * sample_rate)


def describe(policy: Policy) -> str:
    """The policy in words, as cards and manifests state it."""
    short = f"shorter audio is padded with {_filling(policy)} to {policy.min_s:g} s" if policy.min_s else ""
    if policy.window_s is None:
        long = "audio of any length is taken whole"
    else:
        long = (
            f"longer audio is cut into windows of {policy.window_s:g} s without overlap, last piece included; "
            "embeddings are averaged, weighted by length"
        )
    return "; ".join(filter(None, (long, short)))


def say(duration_s: float, policy: Policy) -> str:
    """What the policy does with audio of this duration, in words: `70 s: 3 pieces, 2 of 30 s and one of 10 s`."""
    if policy.window_s is None or duration_s <= policy.window_s:
        return f"{duration_s:g} s: whole{_padded(duration_s, policy)}"
    num_whole = int(duration_s / policy.window_s + 1e-9)
    rest_s = max(0.0, duration_s - num_whole * policy.window_s)
    if rest_s < 1e-6:
        return f"{duration_s:g} s: {num_whole} pieces of {policy.window_s:g} s"
    pieces = f"{num_whole} of {policy.window_s:g} s and one of {rest_s:g} s{_padded(rest_s, policy)}"
    return f"{duration_s:g} s: {num_whole + 1} pieces, {pieces}"


def _padded(duration_s: float, policy: Policy) -> str:
    return f", padded with {_filling(policy)} to {policy.min_s:g} s" if duration_s < policy.min_s else ""


def _filling(policy: Policy) -> str:
    return "zeros" if policy.padding == "zeros" else "its own mirror image"
