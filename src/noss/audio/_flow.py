"""Samples that flow: resampled block by block and cut into windows, from anywhere in a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

_PREROLL_S: Final = 1.0  # resampled and thrown away before a window; the resampler's filter is shorter at any rate


def lead_in(skip: int, *, rate: int, sample_rate: int) -> tuple[int, int]:
    """Where to set down a resampler so that sample `skip` at `sample_rate` falls where it would from the start.

    Returns:
        Samples of the file (at `rate`) to leave out, and samples of the result to throw away after that.
    """
    if rate == sample_rate:
        return skip, 0
    whole = math.gcd(rate, sample_rate)
    steps = max(0, skip - round(_PREROLL_S * sample_rate)) // (sample_rate // whole)
    return steps * (rate // whole), skip - steps * (sample_rate // whole)


def resampled(
    blocks: Iterable[NDArray[np.float32]], rate: int, sample_rate: int, *, drop: int = 0
) -> Iterator[NDArray[np.float32]]:
    """Blocks (T,) at another rate, without their first `drop` samples."""
    for block_T in _resampled(blocks, rate, sample_rate):
        yield block_T[drop:]
        drop = max(0, drop - len(block_T))


def windows(
    blocks: Iterable[NDArray[np.float32]], size: int, hop: int, *, goes_on: bool = False
) -> Iterator[NDArray[np.float32]]:
    """Windows (T,) of `size` samples, `hop` apart; the last, which may be shorter, is the first to reach the end.

    `goes_on` says that another window came before them, up to `size - hop` samples into the first.
    """
    held_T, known = np.empty(0, np.float32), size - hop if goes_on else 0
    for block_T in blocks:
        held_T = np.concatenate([held_T, block_T])
        start = 0
        while start + size <= len(held_T):
            yield held_T[start : start + size]
            start, known = start + hop, size - hop
        held_T = held_T[start:]
    if len(held_T) > known:
        yield held_T


def _resampled(blocks: Iterable[NDArray[np.float32]], rate: int, sample_rate: int) -> Iterator[NDArray[np.float32]]:
    if rate == sample_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(rate, sample_rate, 1, dtype="float32", quality="HQ")
    for block_T in blocks:
        yield resampler.resample_chunk(block_T)
    yield resampler.resample_chunk(np.empty(0, np.float32), last=True)
