"""Mean, deviation and percentiles of log-mel over time: the floor that every learned embedding must beat.

The front end is that of TRILL (64 bands, 125 to 7,500 Hz) without its padding to 1 s; the percentiles are 5, 25, 50, 75
and 95, straight between neighbours, as `numpy.percentile` takes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from noss.models import Card, Embedder

if TYPE_CHECKING:
    from torch import Tensor

BANDS = 64
PERCENTILES = (5, 25, 50, 75, 95)

CARDS = {
    "": Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=(2 + len(PERCENTILES)) * BANDS,
        source="arXiv:2002.12764 (front end)",
        licence="Apache-2.0",
        weights=None,
        min_s=0.025,
        num_parameters=0,
        size_mb=0.0,
        notes="Mean, standard deviation and percentiles 5, 25, 50, 75, 95 of 64 log-mel bands over the clip's frames.",
    )
}


def build(choice: str) -> Embedder:
    """An embedder that takes clip by clip: on a CPU that is as fast as a padded batch, and needs no masks."""
    import torch

    from noss.audio.logmel import LogMel

    front_end = LogMel(n_mels=BANDS)

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            clips = (waveform_BT[row : row + 1, :length] for row, length in enumerate(lengths_B.tolist()))
            frames = (front_end(clip_1T, lengths_B[:1])[0] for clip_1T in clips)
            embedding_BD = np.stack([statistics(frames_1SM[0].numpy()) for frames_1SM in frames])
        return torch.from_numpy(embedding_BD)[:, None, None], torch.ones(len(embedding_BD), dtype=torch.int64)

    return embed


def statistics(frames_SM: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean, deviation and percentiles (7 M,) of frames (S, M) over time, statistic by statistic."""
    sorted_MS = frames_SM.T.copy(order="C")
    sorted_MS.sort(axis=1)
    num_frames = sorted_MS.shape[1]
    place = np.array(PERCENTILES) * ((num_frames - 1) / 100)
    below = place.astype(np.intp)
    above = np.minimum(below + 1, num_frames - 1)
    percentiles_MQ = sorted_MS[:, below]
    percentiles_MQ += (sorted_MS[:, above] - percentiles_MQ) * (place - below).astype(np.float32)
    mean_M = sorted_MS.mean(axis=1)
    sorted_MS -= mean_M[:, None]
    deviation_M = np.sqrt(np.einsum("ms,ms->m", sorted_MS, sorted_MS) / num_frames)
    return np.concatenate([mean_M, deviation_M, percentiles_MQ.T.ravel()])
