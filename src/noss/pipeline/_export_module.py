"""A model as the one module that is written to a file: a waveform goes in, its embedding comes out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Exportable(nn.Module):
    """An embedder of one layer that takes waveforms alone: each is as long as it is.

    Args:
        embedder: In evaluation mode.
        frames: Whether to give frames, in place of their mean.
    """

    def __init__(self, embedder: nn.Module, *, frames: bool) -> None:
        super().__init__()
        self.embedder, self.frames = embedder, frames

    def forward(self, waveform: Tensor) -> Tensor:
        """Map waveforms (B, T) to vectors (B, D), or to frames (B, S, D)."""
        lengths_B = torch.full((waveform.shape[0],), waveform.shape[1], dtype=torch.int64)
        frames_BLSD, _ = self.embedder(waveform, lengths_B)
        frames_BSD: Tensor = frames_BLSD[:, 0]
        return frames_BSD if self.frames else frames_BSD.mean(dim=1)
