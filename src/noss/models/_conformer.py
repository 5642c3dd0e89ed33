"""The Conformer's encoder: log-mel frames, a quarter of them, blocks of attention and convolution.

Attention and convolution never see what stands behind a clip's end, in training neither: batch norm's statistics there are
those of the clips' own frames.

Source: Gulati et al. 2020 (arXiv:2005.08100), figures 1 to 4; relative positions: Dai et al. 2019 (arXiv:1901.02860),
section 3.3; without them in the large sizes: Zhang et al. 2020 (arXiv:2010.10504), section 3.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.audio.logmel import LogMel

N_MELS = 80


@dataclass(frozen=True, kw_only=True)
class Size:
    """Shape of an encoder: `kernel` of the depth-wise convolution, odd; `relative` positions in attention or none."""

    dim: int
    depth: int
    num_heads: int
    kernel: int
    relative: bool


class Conformer(nn.Module):
    """Log-mel frames to the frames that leave its layers.

    Args:
        size: Its shape.
        dropout: Rate in training, 0.1 as published.
    """

    def __init__(self, size: Size, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.relative = size.relative
        self.subsampling = Subsampling(size.dim, dropout=dropout)
        self.blocks = nn.ModuleList([Block(size, dropout=dropout) for _ in range(size.depth)])

    def forward(
        self, logmel_BSM: Tensor, num_frames_B: Tensor, *, upto: int | None = None
    ) -> tuple[list[Tensor], Tensor]:
        """Map log-mel (B, S, M) to the frames (B, S', D) of hidden states 0 to `upto`, None for all; and their number (B,).

        Hidden state 0 enters the first block, k leaves block k. S' is a quarter of S, rounded up.
        """
        frames_BSD, num_frames_B = self.subsampling(logmel_BSM, num_frames_B)
        within_BS = torch.arange(frames_BSD.shape[1], device=frames_BSD.device) < num_frames_B[:, None]
        positions = sinusoids(frames_BSD) if self.relative else None
        states = [frames_BSD]
        for block in self.blocks[:upto]:
            states.append(block(states[-1], within_BS, positions))
        return states, num_frames_B


class Subsampling(nn.Module):
    """Two convolutions of stride 2 over bands and time, then a linear layer."""

    def __init__(self, dim: int, *, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, dim, 3, stride=2, padding=1)
        self.second = nn.Conv2d(dim, dim, 3, stride=2, padding=1)
        self.linear = nn.Linear(dim * N_MELS // 4, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, logmel_BSM: Tensor, num_frames_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map log-mel (B, S, M) to frames (B, S', D), and how many belong to each clip (B,)."""
        maps = logmel_BSM[:, None]
        for convolution in (self.first, self.second):
            behind_BS = torch.arange(maps.shape[2], device=maps.device) >= num_frames_B[:, None]
            maps = functional.relu(convolution(maps.masked_fill(behind_BS[:, None, :, None], 0.0)))
            num_frames_B = (num_frames_B + 1).div(2, rounding_mode="floor")
        return self.dropout(self.linear(maps.transpose(1, 2).flatten(2))), num_frames_B


class Block(nn.Module):
    """Half a feed-forward step, attention, convolution, half a feed-forward step, a norm."""

    def __init__(self, size: Size, *, dropout: float) -> None:
        super().__init__()
        self.before, self.behind = (_feed_forward(size.dim, dropout) for _ in range(2))
        self.attention = Attention(size, dropout=dropout)
        self.convolution = Convolution(size, dropout=dropout)
        self.norm = nn.LayerNorm(size.dim)

    def forward(self, frames_BSD: Tensor, within_BS: Tensor, positions: Tensor | None) -> Tensor:
        """Map frames (B, S, D) to frames (B, S, D); `within_BS` is True where a clip has frames."""
        frames_BSD = frames_BSD + 0.5 * self.before(frames_BSD)
        frames_BSD = frames_BSD + self.attention(frames_BSD, within_BS, positions)
        frames_BSD = frames_BSD + self.convolution(frames_BSD, within_BS)
        normed_BSD: Tensor = self.norm(frames_BSD + 0.5 * self.behind(frames_BSD))
        return normed_BSD


class Attention(nn.Module):
    """Attention of many heads among a clip's own frames, with relative positions or without."""

    def __init__(self, size: Size, *, dropout: float) -> None:
        super().__init__()
        self.num_heads = size.num_heads
        self.norm = nn.LayerNorm(size.dim)
        self.query, self.key, self.value, self.out = (nn.Linear(size.dim, size.dim) for _ in range(4))
        self.dropout = nn.Dropout(dropout)
        if size.relative:
            self.position = nn.Linear(size.dim, size.dim, bias=False)
            self.content_bias, self.position_bias = (
                nn.Parameter(torch.zeros(size.num_heads, 1, size.dim // size.num_heads)) for _ in range(2)
            )

    def forward(self, frames_BSD: Tensor, within_BS: Tensor, positions: Tensor | None) -> Tensor:
        """Map frames (B, S, D) to what is added to them (B, S, D)."""
        normed_BSD = self.norm(frames_BSD)
        query, key, value = (self._heads(part(normed_BSD)) for part in (self.query, self.key, self.value))
        mask, rate = within_BS[:, None, None], self.dropout.p if self.training else 0.0
        if positions is None:
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=rate)
        else:
            offsets = self.position(positions).unflatten(1, (self.num_heads, -1)).permute(1, 2, 0)
            scores = (query + self.content_bias) @ key.transpose(2, 3) + _skewed((query + self.position_bias) @ offsets)
            weights = (scores / math.sqrt(query.shape[3])).masked_fill(~mask, -torch.inf).softmax(dim=3)
            mixed = functional.dropout(weights, rate) @ value
        added_BSD: Tensor = self.dropout(self.out(mixed.transpose(1, 2).contiguous().flatten(2)))
        return added_BSD

    def _heads(self, frames_BSD: Tensor) -> Tensor:
        batch, frames, dim = frames_BSD.shape
        return frames_BSD.reshape(batch, frames, self.num_heads, dim // self.num_heads).transpose(1, 2)


class Convolution(nn.Module):
    """A gate, a convolution over time for each dimension, batch norm, Swish, a linear layer."""

    def __init__(self, size: Size, *, dropout: float) -> None:
        super().__init__()
        assert size.kernel % 2 == 1, "an even kernel has no middle"
        self.norm = nn.LayerNorm(size.dim)
        self.gate = nn.Linear(size.dim, 2 * size.dim, bias=False)
        self.depthwise = nn.Conv1d(
            size.dim, size.dim, size.kernel, padding=size.kernel // 2, groups=size.dim, bias=False
        )
        self.batch_norm = nn.BatchNorm1d(size.dim)
        self.out = nn.Linear(size.dim, size.dim, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, frames_BSD: Tensor, within_BS: Tensor) -> Tensor:
        """Map frames (B, S, D) to what is added to them (B, S, D)."""
        gated_BSD = functional.glu(self.gate(self.norm(frames_BSD)), dim=2) * within_BS[..., None]
        spread_BSD = self.depthwise(gated_BSD.transpose(1, 2)).transpose(1, 2).contiguous()
        added_BSD: Tensor = self.dropout(self.out(functional.silu(self._normed(spread_BSD, within_BS))))
        return added_BSD

    def _normed(self, frames_BSD: Tensor, within_BS: Tensor) -> Tensor:
        """Batch norm; its statistics in training are those of the clips' own frames."""
        if not self.training:
            normed_BSD: Tensor = self.batch_norm(frames_BSD.transpose(1, 2)).transpose(1, 2)
            return normed_BSD
        return torch.zeros_like(frames_BSD).masked_scatter(within_BS[..., None], self.batch_norm(frames_BSD[within_BS]))


class ConformerFrames(nn.Module):
    """Waveforms to the frames of one layer or of all.

    Args:
        size: Its shape.
        layer: Number of a hidden state, "all" for every one from 0, None for the last.
    """

    def __init__(self, size: Size, *, layer: int | str | None) -> None:
        super().__init__()
        self.layer = layer
        self.front_end = LogMel(n_mels=N_MELS)
        self.net = Conformer(size)

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to frames (B, L, S, D) and their number (B,)."""
        upto = self.layer if isinstance(self.layer, int) else None
        states, num_frames_B = self.net(*self.front_end(waveform_BT, lengths_B), upto=upto)
        return torch.stack(states if self.layer == "all" else states[-1:], dim=1), num_frames_B


def sinusoids(frames_BSD: Tensor) -> Tensor:
    """Sines and cosines of the distances S - 1 to 1 - S between frames (B, S, D): (2 S - 1, D)."""
    size, dim = frames_BSD.shape[1:]
    distance = torch.arange(size - 1, -size, -1, device=frames_BSD.device, dtype=frames_BSD.dtype)
    rate = torch.arange(0, dim, 2, device=frames_BSD.device, dtype=frames_BSD.dtype) * (-math.log(10_000.0) / dim)
    angle = distance[:, None] * rate.exp()
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


def _skewed(scores: Tensor) -> Tensor:
    """Scores by distance (B, H, S, 2 S - 1) as scores by place (B, H, S, S).

    Picked by index: the customary trick, to pad and reshape, cannot be exported with a length that is left open.
    """
    size = scores.shape[2]
    place = torch.arange(size, device=scores.device)
    return scores.gather(3, (size - 1 - place[:, None] + place).expand(*scores.shape[:2], -1, -1))


def _feed_forward(dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim),
        nn.Linear(dim, 4 * dim),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Linear(4 * dim, dim),
        nn.Dropout(dropout),
    )
