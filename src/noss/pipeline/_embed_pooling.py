"""Pooling: how the frames of a window become one vector, and the windows of a clip another.

Frames behind a clip's end never count. A clip that is cut into windows is pooled as the frames of all its windows would be,
but that a window's share in a mean is its length in samples, whatever number of frames it gave:

- `mean`: the mean over the frames of a window; the mean over windows, weighted by length;
- `mean+std`: that mean, then the deviation around it: variance within windows and between their means, weighted alike;
- `max`: the largest value of each dimension over all frames of all windows;
- `first`: the first frame of the first window.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models import Card
from noss.shelf import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Pooling:
    """One way to pool.

    Attributes:
        name: As it stands in a model's name, behind `+`.
        words: What it does, as the store and the manifest state it.
        size: Numbers that it makes of each dimension.
        window: Maps frames (B, L, S, D) and their numbers (B,) to a vector (B, L, E) a window, E being size * D.
        clip: Makes what adds up the windows of a clip.
    """

    name: str
    words: str
    size: int
    window: Callable[[Tensor, Tensor], Tensor]
    clip: Callable[[], Windows]

    def card(self, frames_card: Card, *, name: str) -> Card:
        """The facts of a model's embeddings, from those of its frames.

        Raises:
            ModelError: The model gives one vector a clip, which leaves nothing to pool.
        """
        if self.name == "mean":
            return frames_card
        if frames_card.frame_rate == 0.0:
            raise ModelError(f"{name} gives one vector a clip and there is nothing to pool: leave +{self.name} out")
        return dataclasses.replace(frames_card, dim=self.size * frames_card.dim)


class Windows:
    """The length-weighted mean over the windows of a clip."""

    def __init__(self) -> None:
        self.total: Vector | None = None
        self.samples = 0

    def add(self, vector_LE: NDArray[np.float32], *, place: int, samples: int) -> None:
        """Take in a window's vector (L, E), its place in the clip, and its length, in whatever order they come."""
        del place
        share_LE = vector_LE.astype(np.float64) * samples
        self.total = share_LE if self.total is None else self.total + share_LE
        self.samples += samples

    def join(self, later: Windows) -> None:
        """Take in what was added up of later windows of the same clip."""
        if later.total is not None:
            self.total = later.total if self.total is None else self._both(self.total, later.total, later.samples)
        self.samples += later.samples

    def _both(self, total: Vector, later: Vector, samples: int) -> Vector:
        """Two totals in one, the later of so many samples."""
        del samples
        return total + later

    def pooled(self) -> NDArray[np.float32] | None:
        """The clip's vector (L, E); None where there was no window."""
        return None if self.total is None else (self.total / max(self.samples, 1)).astype(np.float32)


class _MeanAndDeviation(Windows):
    """Mean and variance of a clip, window after window.

    Source: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances (1979).
    """

    def add(self, vector_LE: NDArray[np.float32], *, place: int, samples: int) -> None:
        del place
        mean_LD, variance_LD = np.split(vector_LE.astype(np.float64), 2, axis=1)
        window = np.concatenate([mean_LD, variance_LD * samples], axis=1)
        self.total = window if self.total is None else self._both(self.total, window, samples)
        self.samples += samples

    def _both(self, total: Vector, later: Vector, samples: int) -> Vector:
        before_LD, squares_LD = np.split(total, 2, axis=1)
        mean_LD, more_LD = np.split(later, 2, axis=1)
        both, apart_LD = max(self.samples + samples, 1), mean_LD - before_LD
        squares_LD = squares_LD + more_LD + apart_LD**2 * (self.samples * samples / both)
        return np.concatenate([before_LD + apart_LD * (samples / both), squares_LD], axis=1)

    def pooled(self) -> NDArray[np.float32] | None:
        if self.total is None:
            return None
        mean_LD, squares_LD = np.split(self.total, 2, axis=1)
        return np.concatenate([mean_LD, np.sqrt(squares_LD / max(self.samples, 1))], axis=1).astype(np.float32)


class _Largest(Windows):
    def add(self, vector_LE: NDArray[np.float32], *, place: int, samples: int) -> None:
        del place
        value_LE = vector_LE.astype(np.float64)
        self.total = value_LE if self.total is None else np.maximum(self.total, value_LE)
        self.samples += samples

    def _both(self, total: Vector, later: Vector, samples: int) -> Vector:
        del samples
        larger: Vector = np.maximum(total, later)
        return larger

    def pooled(self) -> NDArray[np.float32] | None:
        return None if self.total is None else self.total.astype(np.float32)


class _First(_Largest):
    def add(self, vector_LE: NDArray[np.float32], *, place: int, samples: int) -> None:
        if place == 0:
            self.total = vector_LE.astype(np.float64)
        self.samples += samples

    def _both(self, total: Vector, later: Vector, samples: int) -> Vector:
        del later, samples
        return total


def pooled_alone(clip: Callable[[], Windows], vector_LE: NDArray[np.float32], *, samples: int) -> NDArray[np.float32]:
    """The vector (L, D) of a window that is a clip of its own, from what its pooling made (L, E)."""
    windows = clip()
    windows.add(vector_LE, place=0, samples=samples)
    pooled_LD = windows.pooled()
    assert pooled_LD is not None
    return pooled_LD


def mean(frames_BLSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    """The mean (B, L, D) over the frames (B, L, S, D) that belong to each clip; what lies behind them may be NaN."""
    if frames_BLSD.shape[2] == 1:
        return frames_BLSD[:, :, 0]
    behind_B1S1 = _behind(frames_BLSD, frame_lengths_B)
    total_BLD = frames_BLSD.masked_fill(behind_B1S1, 0.0).sum(dim=2)
    return total_BLD / frame_lengths_B.to(frames_BLSD.device)[:, None, None]


def _mean_and_variance(frames_BLSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    import torch

    mean_BLD = mean(frames_BLSD, frame_lengths_B)
    squared_BLSD = (frames_BLSD - mean_BLD[:, :, None]).square()
    return torch.cat([mean_BLD, mean(squared_BLSD, frame_lengths_B)], dim=2)


def _largest(frames_BLSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    return frames_BLSD.masked_fill(_behind(frames_BLSD, frame_lengths_B), -float("inf")).amax(dim=2)


def _first(frames_BLSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    del frame_lengths_B
    return frames_BLSD[:, :, 0]


def _behind(frames_BLSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    """Which frames lie behind a clip's end: (B, 1, S, 1)."""
    import torch

    lengths_B = frame_lengths_B.to(frames_BLSD.device)
    behind_BS = torch.arange(frames_BLSD.shape[2], device=frames_BLSD.device) >= lengths_B[:, None]
    return behind_BS[:, None, :, None]


# The words are part of a store's key: another wording would embed everything anew.
MEAN = Pooling("mean", "mean over the frames of a window; mean over windows, weighted by length", 1, mean, Windows)
POOLINGS: Mapping[str, Pooling] = {
    one.name: one
    for one in (
        MEAN,
        Pooling(
            "mean+std",
            "mean and deviation over the frames of a window; the same over windows, weighted by length",
            2,
            _mean_and_variance,
            _MeanAndDeviation,
        ),
        Pooling("max", "largest value over the frames of all windows", 1, _largest, _Largest),
        Pooling("first", "first frame of the first window", 1, _first, _First),
    )
}


def pooling_of(text: str | None, *, name: str) -> Pooling:
    """The pooling that a model's name asks for; the mean where it asks for none.

    Raises:
        ModelError: There is no such pooling.
    """
    if text is None:
        return MEAN
    if text not in POOLINGS:
        raise ModelError(f"no pooling {text!r} in {name}: {did_you_mean(text, list(POOLINGS))}")
    return POOLINGS[text]
