"""What a task gives away without listening: log duration, level, peak and noise floor of the clip. A control, unranked.

A score that these four numbers reach says nothing about the voice: classes of other length or loudness, or recorded in
other rooms, are told apart without it. Every report shows this model beside the others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from noss.models import Card, Embedder

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE_RATE = 16_000
BLOCK = 320  # samples, 20 ms
QUIETEST_DB = -120.0

CARDS = {
    "": Card(
        sample_rate=SAMPLE_RATE,
        frame_rate=0.0,
        dim=4,
        source="this file",
        licence="Apache-2.0",
        weights=None,
        window_s=None,
        num_parameters=0,
        size_mb=0.0,
        ranked=False,
        notes="A control: log duration (s), level, peak and noise floor (dB below full scale).",
    )
}


def build(choice: str) -> Embedder:
    """An embedder that measures each clip by itself."""
    import torch

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        clips = zip(waveform_BT.cpu().numpy(), lengths_B.tolist(), strict=True)
        embedding_BD = np.stack([measure(clip_T[:length]) for clip_T, length in clips])
        return torch.from_numpy(embedding_BD)[:, None, None], torch.ones(len(embedding_BD), dtype=torch.int64)

    return embed


def measure(waveform_T: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log duration, level, peak and noise floor (4,) of a clip (T,) at 16 kHz.

    Level is the root mean square; the noise floor that of the block of 20 ms which a tenth of the blocks lie below. Both
    and the peak are in dB of full scale, -120 at the lowest.
    """
    num_whole = max(1, len(waveform_T) // BLOCK)
    blocks = waveform_T[: num_whole * BLOCK].reshape(num_whole, -1)
    powers = np.sort(np.einsum("nt,nt->n", blocks, blocks) / blocks.shape[1])
    level = float(waveform_T @ waveform_T) / len(waveform_T)
    peak = float(np.abs(waveform_T).max())
    floor = float(powers[(num_whole - 1) // 10])
    log_duration = np.log(len(waveform_T) / SAMPLE_RATE)
    return np.array([log_duration, *(_to_db(power) for power in (level, peak**2, floor))], dtype=np.float32)


def _to_db(power: float) -> float:
    return max(QUIETEST_DB, 10.0 * math.log10(max(power, 1e-30)))
