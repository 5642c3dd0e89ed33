"""Intervals of CKA hold what they promise, on simulated voices."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from noss.pipeline._similarity_cka import centred, cka, similarities
from noss.pipeline._similarity_interval import jackknife

Array = NDArray[np.float64]


def _draw(
    num_speakers: int, takes: int, generator: np.random.Generator, maps: list[Array]
) -> tuple[list[Array], NDArray[np.int64]]:
    """Two embeddings that share four directions, with voices of their own, and who speaks each clip."""
    speaker_N = np.repeat(np.arange(num_speakers, dtype=np.int64), takes)
    shared_N4 = generator.normal(size=(num_speakers, 4))[speaker_N] + generator.normal(size=(len(speaker_N), 4))
    found = []
    for map_4D in maps:
        voice_ND = 1.5 * generator.normal(size=(num_speakers, map_4D.shape[1]))[speaker_N]
        found.append(shared_N4 @ map_4D + voice_ND + generator.normal(size=voice_ND.shape))
    return found, speaker_N


@pytest.mark.slow
def test_intervals_over_speakers_hold_the_truth() -> None:
    """95 % intervals, 24 speakers of ten clips: at least 88 of 100 simulations, and not all of them."""
    generator = np.random.default_rng(0)
    maps = [generator.normal(size=(4, dim)) for dim in (20, 30)]
    truth = cka(*_draw(20_000, 2, generator, maps)[0])
    held = []
    for _ in range(200):
        layers, speaker_N = _draw(24, 10, generator, maps)

        def read(rows: slice, layers: list[Array] = layers) -> list[Array]:
            return [x_ND[rows] for x_ND in layers]

        found = jackknife(centred(read, 240), similarities(read, 240), speaker_N, unit="speakers")
        assert found is not None
        held.append(found.low_PP[0, 1] <= truth <= found.high_PP[0, 1])
    assert 0.88 < np.mean(held) < 1.0
