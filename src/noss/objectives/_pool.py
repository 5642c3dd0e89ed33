"""One vector a clip from a student's frames, where gradients must flow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from noss.objectives import Batch


def embed(student: nn.Module, batch: Batch) -> Tensor:
    """Embeddings (B, V, D) of all crops of a batch: the mean over the frames of the student's last layer."""
    frames_BLSD, frame_lengths_B = student(*batch.flat)
    mean_BD = mean_over_time(frames_BLSD[:, -1], frame_lengths_B)
    return mean_BD.reshape(*batch.lengths_BV.shape, -1)


def mean_over_time(frames_BSD: Tensor, frame_lengths_B: Tensor) -> Tensor:
    """The mean (B, D) of each clip's own frames."""
    own_BS = torch.arange(frames_BSD.shape[1], device=frames_BSD.device) < frame_lengths_B[:, None]
    return frames_BSD.masked_fill(~own_BS[..., None], 0.0).sum(dim=1) / frame_lengths_B[:, None]
