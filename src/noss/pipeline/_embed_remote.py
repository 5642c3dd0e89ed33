"""Clips on object stores: few are copied at a time, and the model never waits for one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.pipeline._embed_machine import Spread
from noss.places import Place

_AHEAD: Final = 8  # batches that each worker fetches and decodes while its model is at another

BLOCK: Final = 16_384  # clips whose copies are on disk together: 2.6 GB of five seconds each


def by_the_copy(clips: list[Clip]) -> Iterator[list[Clip]]:
    """The same clips, in short lists where some come from an object store: each is embedded while its copies are here."""
    size = BLOCK if any(isinstance(clip.path, Place) for clip in clips) else max(1, len(clips))
    for first in range(0, max(1, len(clips)), size):
        yield clips[first : first + size] if size < len(clips) else clips


def ahead(how: Spread, clips: Sequence[Clip], places_N: NDArray[np.int64]) -> Spread:
    """How a model is spread, with threads that fetch ahead of it where clips (N,) come from an object store."""
    is_remote = any(isinstance(clips[place].path, Place) for place in places_N.tolist())
    return replace(how, prefetch=max(how.prefetch, _AHEAD)) if is_remote and how.workers else how
