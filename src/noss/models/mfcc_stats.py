"""Mean and deviation of MFCCs and their slopes over time: the classical baseline of speech classification.

Twenty cepstral coefficients (orthonormal DCT-II, Davis and Mermelstein, 1980) of the 64 log-mel bands of TRILL's front
end, and their slopes over nine frames (Furui, 1986), as `librosa.feature.delta` has them with the ends repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from noss.models import Card, Embedder

if TYPE_CHECKING:
    from torch import Tensor

BANDS = 64
COEFFICIENTS = 20
REACH = 4

CARDS = {
    "": Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=4 * COEFFICIENTS,
        source="Davis and Mermelstein, IEEE TASSP 28(4), 1980",
        licence="Apache-2.0",
        weights=None,
        min_s=0.025,
        num_parameters=0,
        size_mb=0.0,
        notes="Mean and standard deviation of 20 MFCCs and of their slopes over the clip's frames.",
    )
}


def build(choice: str) -> Embedder:
    """An embedder that takes clip by clip, so that a clip's vector cannot depend on its batch."""
    import torch

    from noss.audio.logmel import LogMel

    front_end, basis_MQ = LogMel(n_mels=BANDS), dct_basis()

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            clips = (waveform_BT[row : row + 1, :length] for row, length in enumerate(lengths_B.tolist()))
            frames = (front_end(clip_1T, lengths_B[:1])[0] for clip_1T in clips)
            embedding_BD = np.stack([statistics(frames_1SM[0].numpy() @ basis_MQ) for frames_1SM in frames])
        return torch.from_numpy(embedding_BD)[:, None, None], torch.ones(len(embedding_BD), dtype=torch.int64)

    return embed


def dct_basis() -> NDArray[np.float32]:
    """The first 20 rows of the orthonormal DCT-II as a matrix (M, Q) that turns log-mel into cepstra."""
    band_M, order_Q = np.arange(BANDS)[:, None] + 0.5, np.arange(COEFFICIENTS)[None]
    basis_MQ: NDArray[np.float64] = np.sqrt(2.0 / BANDS) * np.cos(np.pi / BANDS * band_M * order_Q)
    basis_MQ[:, 0] /= np.sqrt(2.0)
    return basis_MQ.astype(np.float32)


def slopes(frames_SQ: NDArray[np.float32]) -> NDArray[np.float32]:
    """The least-squares slope (S, Q) of frames (S, Q) over four frames either side, the first and last repeated."""
    padded_PQ = np.pad(frames_SQ, ((REACH, REACH), (0, 0)), mode="edge")
    steps = np.arange(-REACH, REACH + 1, dtype=np.float32)
    windows_SQR = np.lib.stride_tricks.sliding_window_view(padded_PQ, len(steps), axis=0)
    slope_SQ: NDArray[np.float32] = windows_SQR @ (steps / np.sum(steps * steps))
    return slope_SQ


def statistics(frames_SQ: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean and deviation of frames (S, Q) over time, then of their slopes (4 Q,)."""
    slope_SQ = slopes(frames_SQ)
    parts = [frames_SQ.mean(axis=0), frames_SQ.std(axis=0), slope_SQ.mean(axis=0), slope_SQ.std(axis=0)]
    together_D: NDArray[np.float32] = np.concatenate(parts, dtype=np.float32)
    return together_D
