"""A built model: waveforms in, one checked embedding a waveform out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.pipeline._models import Model

if TYPE_CHECKING:
    from torch import Tensor


class Forward:
    """A model that is built, and pools what it returns.

    Args:
        model: The model to build.
        device: Where it runs.
    """

    def __init__(self, model: Model, *, device: str = "cpu") -> None:
        import torch

        self._name = model.name
        self._card = model.card
        self._device = device
        self._embedder: Any = model.build()
        if device == "cuda":
            torch.backends.cudnn.allow_tf32 = False
        if isinstance(self._embedder, torch.nn.Module):
            self._embedder.eval().to(device)

    def __call__(self, pieces: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Embeddings (B, L, D) of waveforms (T,) that the model sees together."""
        import torch

        lengths_B = np.array([len(piece) for piece in pieces])
        waveform_BT = np.zeros((len(pieces), int(lengths_B.max())), dtype=np.float32)
        for row_T, piece in zip(waveform_BT, pieces, strict=True):
            row_T[: len(piece)] = piece
        with torch.inference_mode():
            waves_BT, sizes_B = (torch.from_numpy(array).to(self._device) for array in (waveform_BT, lengths_B))
            frames_BLSD, frame_lengths_B = self._embedder(waves_BT, sizes_B)
            self._check(frames_BLSD, frame_lengths_B, len(pieces))
            pooled: NDArray[np.float32] = pool(frames_BLSD, frame_lengths_B).float().cpu().numpy()
        return pooled

    def _check(self, frames_BLSD: Tensor, frame_lengths_B: Tensor, num: int) -> None:
        shape, expected = tuple(frames_BLSD.shape), (num, self._card.layers, "frames", self._card.dim)
        if len(shape) != 4 or shape[:2] != expected[:2] or shape[3] != expected[3]:
            raise ModelError(
                f"{self._name} returned frames {shape} and its card promises {expected}: correct one of them"
            )
        lengths = frame_lengths_B.tolist()
        if len(lengths) != num or min(lengths) < 1 or max(lengths) > shape[2]:
            raise ModelError(
                f"{self._name} returned frame lengths {lengths} for {num} clips of up to {shape[2]} frames: each must be in between"
            )


def pool(frames_BLSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    """The mean (B, L, D) over the frames (B, L, S, D) that belong to each clip; what lies behind them may be NaN."""
    import torch

    if frames_BLSD.shape[2] == 1:
        return frames_BLSD[:, :, 0]
    lengths_B = frame_lengths_B.to(frames_BLSD.device)
    behind_BS = torch.arange(frames_BLSD.shape[2], device=frames_BLSD.device) >= lengths_B[:, None]
    total_BLD = frames_BLSD.masked_fill(behind_BS[:, None, :, None], 0.0).sum(dim=2)
    return total_BLD / lengths_B[:, None, None]
