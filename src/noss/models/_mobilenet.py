"""MobileNetV1, as in YAMNet and TRILL-distilled, and MobileNetV3 tiny, small and large, as in FRILL.

Source: Howard et al., arXiv 1704.04861 (table 1) and 1905.02244 (tables 1 and 2); `tiny` is FRILL's own, arXiv 2011.04609
with google-research/non_semantic_speech_benchmark, distillation/models.py; YAMNet's normalisation from its `params.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from noss.models._conv import ConvNorm, InvertedResidual, MeanPool, Norm, SameConv2d, divisible, norm

V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
YAMNET_NORM = norm(eps=1e-4, momentum=0.99, scale=False)
MAP = 3 * 2  # frames and bands that are left of a patch of 96 and 64
V1_NORM = norm(eps=1e-3, momentum=0.99)
V3_NORM = norm(eps=1e-3, momentum=0.999)


class MobileNetV1(nn.Sequential):
    """Images (B, C, S, M) to vectors (B, 1024 `width`): 13 pairs of a filter by channel and a 1 x 1 convolution.

    Args:
        width: Factor of all channels.
        channels: Channels of the image; 1 for log-mel.
        batch_norm: The normalisation behind every convolution.
        activation: Behind every normalisation; MobileNet itself bounds it by 6, YAMNet does not.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        channels: int = 1,
        batch_norm: Norm = V1_NORM,
        activation: type[nn.Module] = nn.ReLU6,
    ) -> None:
        filters = int(32 * width)
        layers: list[nn.Module] = [
            ConvNorm(channels, filters, kernel=3, stride=2, norm=batch_norm, activation=activation)
        ]
        for wanted, stride in V1:
            layers += [
                ConvNorm(
                    filters,
                    filters,
                    kernel=3,
                    stride=stride,
                    groups=filters,
                    norm=batch_norm,
                    activation=activation,
                ),
                ConvNorm(filters, int(wanted * width), kernel=1, norm=batch_norm, activation=activation),
            ]
            filters = int(wanted * width)
        super().__init__(*layers, MeanPool())


class Block(NamedTuple):
    """One inverted residual: expansion, filters, kernel, stride, squeeze-and-excitation, hard swish or else ReLU."""

    expansion: float
    filters: int
    kernel: int
    stride: int
    squeezes: bool
    swish: bool


def _blocks(*rows: tuple[float, int, int, int, int, int]) -> tuple[Block, ...]:
    return tuple(Block(*row[:4], squeezes=bool(row[4]), swish=bool(row[5])) for row in rows)


START = ((1, 16, 3, 2, 1, 0), (72 / 16, 24, 3, 2, 0, 0), (88 / 24, 24, 3, 1, 0, 0))
MIDDLE = ((4, 40, 5, 2, 1, 1), (6, 40, 5, 1, 1, 1), (6, 40, 5, 1, 1, 1), (3, 48, 5, 1, 1, 1))
LARGE_START = ((1, 16, 3, 1, 0, 0), (4, 24, 3, 2, 0, 0), (3, 24, 3, 1, 0, 0))
LARGE_MIDDLE = (
    *((3, 40, 5, stride, 1, 0) for stride in (2, 1, 1)),
    *((expansion, 80, 3, stride, 0, 1) for expansion, stride in ((6, 2), (2.5, 1), (2.3, 1), (2.3, 1))),
    *((6, 112, 3, 1, 1, 1),) * 2,
)
LARGE_END = ((6, 160, 5, stride, 1, 1) for stride in (2, 1, 1))
# size -> (blocks, filters of the last 1 x 1 convolution)
SIZES = {
    "tiny": (_blocks(*START, *MIDDLE, (6, 96, 5, 2, 1, 1), (6, 96, 5, 1, 1, 1)), 512),
    "small": (_blocks(*START, *MIDDLE, (3, 48, 5, 1, 1, 1), *((6, 96, 5, s, 1, 1) for s in (2, 1, 1))), 1024),
    "large": (_blocks(*LARGE_START, *LARGE_MIDDLE, *LARGE_END), 1280),
}


class MobileNetV3(nn.Sequential):
    """Images (B, C, S, M) to vectors (B, D), through a bottleneck where there is one.

    Args:
        size: `tiny`, `small` or `large`.
        width: Factor of all channels, rounded to multiples of 8.
        average_pool: Take the mean over frames and bands, before the last 1 x 1 convolution. Otherwise the map that is
            left is flattened, row by row, channels last: 3 x 2 of a patch of 96 frames and 64 bands.
        bottleneck: Size of the dense layer behind; None for none.
        channels: Channels of the image; 1 for log-mel.
        batch_norm: The normalisation behind every convolution.
    """

    def __init__(
        self,
        size: str,
        *,
        width: float,
        average_pool: bool = True,
        bottleneck: int | None = 2048,
        channels: int = 1,
        batch_norm: Norm = V3_NORM,
    ) -> None:
        blocks = SIZES[size][0]
        layers: list[nn.Module] = [ConvNorm(channels, 16, kernel=3, stride=2, norm=batch_norm, activation=nn.Hardswish)]
        filters = 16
        for block in blocks:
            layers.append(_residual(filters, block, width=width, batch_norm=batch_norm))
            filters = divisible(block.filters * width)
        inner, point = divisible(6 * filters), last_filters(size, width=width)
        layers.append(ConvNorm(filters, inner, kernel=1, norm=batch_norm, activation=nn.Hardswish))
        layers += [nn.AdaptiveAvgPool2d(1)] if average_pool else []
        layers += [SameConv2d(inner, point, kernel=1, bias=True), nn.Hardswish(), ChannelsLast()]
        if bottleneck:
            layers.append(nn.Linear(point * (1 if average_pool else MAP), bottleneck))
        super().__init__(*layers)


class ChannelsLast(nn.Module):
    """An image (B, C, S, M) as vectors (B, S M C), in the order in which TensorFlow flattens."""

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to vectors (B, S M C)."""
        return image_BCSM.permute(0, 2, 3, 1).flatten(1)


def last_filters(size: str, *, width: float) -> int:
    """Filters of the last 1 x 1 convolution: only a net wider than 1 widens it."""
    return divisible(SIZES[size][1] * width) if width > 1.0 else SIZES[size][1]


def _residual(filters: int, block: Block, *, width: float, batch_norm: Norm) -> InvertedResidual:
    expanded = divisible(filters * block.expansion)
    activation = nn.Hardswish if block.swish else nn.ReLU
    return InvertedResidual(
        filters,
        divisible(block.filters * width),
        expanded=expanded,
        kernel=block.kernel,
        stride=block.stride,
        squeezed=divisible(expanded / 4) if block.squeezes else None,
        norm=batch_norm,
        activation=activation,
        gate=(nn.ReLU, nn.Hardsigmoid),
    )
