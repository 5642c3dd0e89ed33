"""EfficientNet-B0 to B7 and EfficientNetV2-B0 to B3, S, M, L on one-channel images.

Source: Tan and Le, arXiv 1905.11946 (tables 1 and 3) and arXiv 2104.00298 (table 4); widths of B0 to B3 as in Keras.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import nn

from noss.models._conv import ConvNorm, InvertedResidual, MeanPool, divisible, norm


class Stage(NamedTuple):
    """Blocks of one size; the first of them takes the stride."""

    fused: bool
    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


class Size(NamedTuple):
    """What one size of the family differs by: width and depth factors, dropout, stem and stages."""

    width: float
    depth: float
    dropout: float
    stem: int
    stages: tuple[Stage, ...]


def _stages(*rows: tuple[bool | int, ...]) -> tuple[Stage, ...]:
    return tuple(Stage(bool(row[0]), *row[1:]) for row in rows)


V1 = _stages(
    (0, 1, 3, 1, 1, 16),
    (0, 2, 3, 2, 6, 24),
    (0, 2, 5, 2, 6, 40),
    (0, 3, 3, 2, 6, 80),
    (0, 3, 5, 1, 6, 112),
    (0, 4, 5, 2, 6, 192),
    (0, 1, 3, 1, 6, 320),
)
V2_B = _stages(
    (1, 1, 3, 1, 1, 16),
    (1, 2, 3, 2, 4, 32),
    (1, 2, 3, 2, 4, 48),
    (0, 3, 3, 2, 4, 96),
    (0, 5, 3, 1, 6, 112),
    (0, 8, 3, 2, 6, 192),
)
V2_S = _stages(
    (1, 2, 3, 1, 1, 24),
    (1, 4, 3, 2, 4, 48),
    (1, 4, 3, 2, 4, 64),
    (0, 6, 3, 2, 4, 128),
    (0, 9, 3, 1, 6, 160),
    (0, 15, 3, 2, 6, 256),
)
V2_M = _stages(
    (1, 3, 3, 1, 1, 24),
    (1, 5, 3, 2, 4, 48),
    (1, 5, 3, 2, 4, 80),
    (0, 7, 3, 2, 4, 160),
    (0, 14, 3, 1, 6, 176),
    (0, 18, 3, 2, 6, 304),
    (0, 5, 3, 1, 6, 512),
)
V2_L = _stages(
    (1, 4, 3, 1, 1, 32),
    (1, 7, 3, 2, 4, 64),
    (1, 7, 3, 2, 4, 96),
    (0, 10, 3, 2, 4, 192),
    (0, 19, 3, 1, 6, 224),
    (0, 25, 3, 2, 6, 384),
    (0, 7, 3, 1, 6, 640),
)
SIZES = {
    "b0": Size(1.0, 1.0, 0.2, 32, V1),
    "b1": Size(1.0, 1.1, 0.2, 32, V1),
    "b2": Size(1.1, 1.2, 0.3, 32, V1),
    "b3": Size(1.2, 1.4, 0.3, 32, V1),
    "b4": Size(1.4, 1.8, 0.4, 32, V1),
    "b5": Size(1.6, 2.2, 0.4, 32, V1),
    "b6": Size(1.8, 2.6, 0.5, 32, V1),
    "b7": Size(2.0, 3.1, 0.5, 32, V1),
}
V2_SIZES = {
    "b0": Size(1.0, 1.0, 0.2, 32, V2_B),
    "b1": Size(1.0, 1.1, 0.2, 32, V2_B),
    "b2": Size(1.1, 1.2, 0.2, 32, V2_B),
    "b3": Size(1.2, 1.4, 0.2, 32, V2_B),
    "s": Size(1.0, 1.0, 0.2, 24, V2_S),
    "m": Size(1.0, 1.0, 0.2, 24, V2_M),
    "l": Size(1.0, 1.0, 0.2, 32, V2_L),
}
DROP = 0.2  # probability of dropping the last block; it grows from 0 with depth


class EfficientNet(nn.Sequential):
    """Images (B, C, S, M) to vectors (B, `width`): stem, blocks, a last 1 x 1 convolution, the mean, dropout.

    Args:
        size: One of `SIZES` or `V2_SIZES`.
        channels: Channels of the image; 1 for log-mel.
        version: 2 keeps a tenth of new batch statistics and not a hundredth, and rounds widths without a lower bound.
    """

    width: int

    def __init__(self, size: Size, *, channels: int = 1, version: int = 1) -> None:
        batch_norm = norm(eps=1e-3, momentum=0.9 if version == 2 else 0.99)
        stem, top = (divisible(filters * size.width, lenient=version == 2) for filters in (size.stem, 1280))
        blocks = list(_blocks(size, lenient=version == 2))
        layers: list[nn.Module] = [
            ConvNorm(channels, stem, kernel=3, stride=2, norm=batch_norm, activation=nn.SiLU),
        ]
        width = stem
        for number, stage in enumerate(blocks):
            layers.append(
                InvertedResidual(
                    width,
                    stage.filters,
                    expanded=width * stage.expansion,
                    kernel=stage.kernel,
                    stride=stage.stride,
                    squeezed=None if stage.fused else max(1, width // 4),
                    norm=batch_norm,
                    activation=nn.SiLU,
                    drop=DROP * number / len(blocks),
                    fused=stage.fused,
                )
            )
            width = stage.filters
        layers.append(ConvNorm(width, top, kernel=1, norm=batch_norm, activation=nn.SiLU))
        super().__init__(*layers, MeanPool(), nn.Dropout(size.dropout))
        self.width = top


def widths(sizes: Sequence[str], *, version: int = 1) -> dict[str, int]:
    """The size of the vectors of each net, without making it."""
    known = V2_SIZES if version == 2 else SIZES
    return {name: divisible(1280 * known[name].width, lenient=version == 2) for name in sizes}


def _blocks(size: Size, *, lenient: bool) -> Iterator[Stage]:
    """A stage of one block each, at its true width."""
    for stage in size.stages:
        filters = divisible(stage.filters * size.width, lenient=lenient)
        for number in range(math.ceil(stage.repeats * size.depth)):
            yield stage._replace(repeats=1, filters=filters, stride=stage.stride if number == 0 else 1)
