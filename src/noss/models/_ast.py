"""The audio spectrogram transformer: overlapping patches of a spectrogram, two class tokens, a plain transformer.

Source: Gong et al. 2021 (arXiv:2104.01778): patches of 16 x 16 every 10 frames and bands, DeiT's class and distillation
tokens, their mean as the embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from noss.audio.logmel import LogMel

PATCH, STRIDE = 16, 10
MEAN, DEVIATION = -4.2677393, 4.5689974  # of AudioSet's log-mel; the paper halves the deviation


@dataclass(frozen=True, kw_only=True)
class Size:
    """Shape of a transformer and of the spectrograms that it takes; heads are 64 wide."""

    dim: int
    depth: int
    num_frames: int
    n_mels: int

    @property
    def grid(self) -> tuple[int, int]:
        """Patches over bands and over frames."""
        return (self.n_mels - PATCH) // STRIDE + 1, (self.num_frames - PATCH) // STRIDE + 1


class AST(nn.Module):
    """Spectrograms of one size to one vector each.

    Args:
        size: Its shape.
        dropout: Rate on the tokens and behind attention and linear layers, in training; 0 as published.
    """

    def __init__(self, size: Size, *, dropout: float = 0.0) -> None:
        super().__init__()
        bands, frames = size.grid
        self.class_tokens = nn.Parameter(torch.empty(2, size.dim))
        self.positions = nn.Parameter(torch.empty(bands * frames + 2, size.dim))
        self.patches = nn.Conv2d(1, size.dim, PATCH, stride=STRIDE)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList([Layer(size.dim, dropout=dropout) for _ in range(size.depth)])
        self.norm = nn.LayerNorm(size.dim, eps=1e-12)
        self.apply(_initialise)
        for tokens in (self.class_tokens, self.positions):
            nn.init.trunc_normal_(tokens, std=0.02)

    def forward(self, logmel_P1SM: Tensor) -> Tensor:
        """Map log-mel (P, 1, S, M) to vectors (P, D), the mean of the two class tokens."""
        return self.tokens(logmel_P1SM)[:, :2].mean(dim=1)

    def tokens(self, logmel_P1SM: Tensor) -> Tensor:
        """All tokens that leave the last layer: class, distillation, then the patches, band by band."""
        patches_PND = self.patches(logmel_P1SM.transpose(2, 3)).flatten(2).transpose(1, 2)
        tokens_PND = torch.cat([self.class_tokens.expand(len(patches_PND), -1, -1), patches_PND], dim=1)
        tokens_PND = self.dropout(tokens_PND + self.positions)
        for layer in self.layers:
            tokens_PND = layer(tokens_PND)
        normed_PND: Tensor = self.norm(tokens_PND)
        return normed_PND


class Layer(nn.Module):
    """Attention and two linear layers, each behind a norm and beside a shortcut."""

    def __init__(self, dim: int, *, dropout: float) -> None:
        super().__init__()
        self.num_heads = dim // 64
        self.norm_attention, self.norm_linear = nn.LayerNorm(dim, eps=1e-12), nn.LayerNorm(dim, eps=1e-12)
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.linear = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), nn.Dropout(dropout))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens_BND: Tensor) -> Tensor:
        """Map tokens (B, N, D) to tokens (B, N, D)."""
        tokens_BND = tokens_BND + self.dropout(self._attention(self.norm_attention(tokens_BND)))
        shifted_BND: Tensor = tokens_BND + self.linear(self.norm_linear(tokens_BND))
        return shifted_BND

    def _attention(self, tokens_BND: Tensor) -> Tensor:
        heads = (
            part(tokens_BND).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed_BND: Tensor = self.out(functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))
        return mixed_BND


class ClipAST(nn.Module):
    """One vector a clip of up to 10.24 s: its log-mel, zeros behind it, standardised by AudioSet's numbers."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.num_frames = size.num_frames
        self.front_end = LogMel(
            n_mels=size.n_mels,
            f_min=20.0,
            f_max=8_000.0,
            power=2,
            log_floor=torch.finfo(torch.float32).eps,
            log_offset=0.0,
        )
        self.net = AST(size)

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to vectors (B, 1, 1, D) and ones (B,)."""
        logmel_BSM, num_frames_B = self.front_end(waveform_BT, lengths_B)
        logmel_BSM = functional.pad(logmel_BSM, (0, 0, 0, self.num_frames))[:, : self.num_frames]
        behind_BS = torch.arange(self.num_frames, device=lengths_B.device) >= num_frames_B[:, None]
        logmel_BSM = (logmel_BSM.masked_fill(behind_BS[..., None], 0.0) - MEAN) / (2 * DEVIATION)
        vectors_BD: Tensor = self.net(logmel_BSM[:, None])
        return vectors_BD[:, None, None], torch.ones_like(lengths_B)


def _initialise(module: nn.Module) -> None:
    """DeiT's start: cut normal weights, no offsets."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)
