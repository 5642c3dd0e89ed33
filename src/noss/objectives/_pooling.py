"""Frames of clips as one vector each, with weights that are learned: what fine-tuning puts on a student.

All look at a clip's own frames alone. Sources: attention, Safari et al. 2020 (arXiv 2008.01077); AutoPool, McFee et al. 2018
(arXiv 1804.10070, eq. 6); NetVLAD, Arandjelovic et al. 2016 (arXiv 1511.07247, eq. 4); statistics, Snyder et al. 2017.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.objectives._pool import mean_over_time

Pooling = Literal["mean", "attentive", "autopool", "netvlad", "statistics"]


class Mean(nn.Module):
    """The mean over frames."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, frames_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """Map frames (B, S, D) to vectors (B, D)."""
        return mean_over_time(frames_BSD, lengths_B)


class Statistics(nn.Module):
    """The mean and the standard deviation over frames, side by side."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = 2 * dim

    def forward(self, frames_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """Map frames (B, S, D) to vectors (B, 2 D)."""
        mean_BD = mean_over_time(frames_BSD, lengths_B)
        variance_BD = mean_over_time((frames_BSD - mean_BD[:, None]).square(), lengths_B)
        return torch.cat([mean_BD, (variance_BD + 1e-6).sqrt()], dim=1)


class Attentive(nn.Module):
    """A weighted mean over frames: softmax over time of a linear score."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.score = dim, nn.Linear(dim, 1, bias=False)

    def forward(self, frames_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """Map frames (B, S, D) to vectors (B, D)."""
        score_BS1 = self.score(frames_BSD).masked_fill(~_own(frames_BSD, lengths_B), -torch.inf)
        pooled_BD: Tensor = (frames_BSD * score_BS1.softmax(dim=1)).sum(dim=1)
        return pooled_BD


class AutoPool(nn.Module):
    """A weighted mean of its own for each dimension: softmax over time of alpha times the value; 0 is the mean."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim, self.alpha_D = dim, nn.Parameter(torch.zeros(dim))

    def forward(self, frames_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """Map frames (B, S, D) to vectors (B, D)."""
        score_BSD = (self.alpha_D * frames_BSD).masked_fill(~_own(frames_BSD, lengths_B), -torch.inf)
        return (frames_BSD * score_BSD.softmax(dim=1)).sum(dim=1)


class NetVlad(nn.Module):
    """How frames lie around centres, each with its share in each of them."""

    def __init__(self, dim: int, *, clusters: int = 8) -> None:
        super().__init__()
        self.dim = dim * clusters
        self.assign = nn.Linear(dim, clusters)
        self.centres_KD = nn.Parameter(torch.randn(clusters, dim) / dim**0.5)

    def forward(self, frames_BSD: Tensor, lengths_B: Tensor) -> Tensor:
        """Map frames (B, S, D) to vectors (B, K D), of unit length a centre and as a whole."""
        share_BSK = self.assign(frames_BSD).softmax(dim=2) * _own(frames_BSD, lengths_B)
        sums_BKD = share_BSK.transpose(1, 2) @ frames_BSD
        around_BKD = sums_BKD - share_BSK.sum(dim=1)[..., None] * self.centres_KD
        return functional.normalize(functional.normalize(around_BKD, dim=2).flatten(1), dim=1)


def make_pooling(kind: Pooling, *, dim: int, clusters: int) -> Mean | Statistics | Attentive | AutoPool | NetVlad:
    """A pooling by name; its `dim` is the size of what it gives."""
    if kind == "netvlad":
        return NetVlad(dim, clusters=clusters)
    plain: dict[str, type[Mean] | type[Statistics] | type[Attentive] | type[AutoPool]]
    plain = {"mean": Mean, "statistics": Statistics, "attentive": Attentive, "autopool": AutoPool}
    return plain[kind](dim)


def _own(frames_BSD: Tensor, lengths_B: Tensor) -> Tensor:
    """Which frames are a clip's own (B, S, 1)."""
    return (torch.arange(frames_BSD.shape[1], device=frames_BSD.device) < lengths_B[:, None])[..., None]
