"""The windows of one clip with their vectors, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._embed_buffer import Chunk
from noss.pipeline._embed_pooling import pooled_alone
from noss.pipeline._embed_worker import Sums, Worker


@dataclass(frozen=True)
class Timeline:
    """A vector a window.

    Attributes:
        starts_S: Where windows start (S,), in seconds from the start of the file.
        ends_S: Where they end (S,); the last one where the audio does.
        embeddings_SD: Their vectors (S, D); (S, L, D) for a model with L > 1 layers.
    """

    starts_S: NDArray[np.float64]
    ends_S: NDArray[np.float64]
    embeddings_SD: NDArray[np.float32]


class Lister(Worker):
    """A worker that keeps the vector of every window of one clip.

    Args:
        model: The model, in windows.
        options: As of every worker.
    """

    def __init__(self, model: Any, **options: Any) -> None:
        super().__init__(model, **options)
        self._found: dict[int, tuple[int, NDArray[np.float32]]] = {}

    def timeline(self, start_s: float) -> Timeline:
        """What was found, of a clip that starts there."""
        rate = self.card.sample_rate
        places = sorted(self._found)
        starts_S = np.array(places) * self.policy.sizes(rate)[1] / rate + start_s
        vectors_SLD = np.stack([self._found[place][1] for place in places])
        return Timeline(
            starts_S=starts_S,
            ends_S=starts_S + np.array([self._found[place][0] for place in places]) / rate,
            embeddings_SD=vectors_SLD[:, 0] if self.card.layers == 1 else vectors_SLD,
        )

    def _run(self, group: Sequence[Chunk], sums: Sequence[Sums]) -> None:
        for piece, vector_LE in zip(group, self.forward([piece.waveform_T for piece in group]), strict=True):
            sums[piece.slot].windows.add(vector_LE, place=piece.place, samples=piece.weight)
            pooled_LD = pooled_alone(self.windows, vector_LE, samples=piece.weight)
            self._found[piece.place] = (piece.weight, pooled_LD)
