"""Blocks of the convolutional nets: TensorFlow's padding, normalised convolutions, inverted residuals.

Images are log-mel patches (B, C, S, M): frames stand where an image has rows, mel bands where it has columns. Padding,
epsilon and momentum are those of TensorFlow, in which all of these nets were published, so that its weights carry over.

Source: MobileNetV2 arXiv 1801.04381, squeeze-and-excitation 1709.01507, stochastic depth 1603.09382.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]


def norm(*, eps: float, momentum: float, scale: bool = True) -> Norm:
    """A maker of batch normalisation; `momentum` is the share of the old average kept, as TensorFlow counts it."""
    return partial(BatchNorm if scale else CentredBatchNorm, eps=eps, momentum=1.0 - momentum)


BatchNorm = nn.BatchNorm2d


class CentredBatchNorm(nn.BatchNorm2d):
    """Batch normalisation that learns an offset and no scale, as in YAMNet."""

    def __init__(self, num_features: int, *, eps: float, momentum: float) -> None:
        super().__init__(num_features, eps=eps, momentum=momentum)
        self.register_parameter("weight", None)

    def reset_parameters(self) -> None:
        """Set the running mean to 0, the variance to 1, the offset to 0."""
        self.reset_running_stats()
        nn.init.zeros_(self.bias)


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": ceil(size / stride) out, the odd zero behind rather than before."""

    def __init__(
        self, channels: int, filters: int, *, kernel: int, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(channels, filters, kernel, stride=stride, padding=padding, groups=groups, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to (B, filters, ceil(S / stride), ceil(M / stride))."""
        return super().forward(same_pad(input, kernel=self.kernel_size[0], stride=self.stride[0]))


def same_pad(image_BCSM: Tensor, *, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """The image (B, C, S, M) padded for a stride above 1, so that every row and column is met."""
    if stride == 1:
        return image_BCSM
    rows, columns = (
        max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (image_BCSM.shape[2], image_BCSM.shape[3])
    )
    edges = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return functional.pad(image_BCSM, edges, value=value) if any(edges) else image_BCSM


class ConvNorm(nn.Sequential):
    """A convolution without bias, its normalisation and, where there is one, its activation."""

    def __init__(
        self,
        channels: int,
        filters: int,
        *,
        kernel: int,
        norm: Norm,
        stride: int = 1,
        groups: int = 1,
        activation: Activation | None = None,
    ) -> None:
        conv = SameConv2d(channels, filters, kernel=kernel, stride=stride, groups=groups)
        super().__init__(conv, norm(filters), *([activation()] if activation else []))


class SqueezeExcite(nn.Module):
    """Weigh channels by a gate read from their means."""

    def __init__(self, channels: int, squeezed: int, *, activation: Activation, gate: Activation) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.activation = activation()
        self.expand = nn.Conv2d(squeezed, channels, 1)
        self.gate = gate()

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """The image (B, C, S, M), each channel times its gate."""
        mean_BC11 = image_BCSM.mean(dim=(2, 3), keepdim=True)
        gate_BC11: Tensor = self.gate(self.expand(self.activation(self.reduce(mean_BC11))))
        return image_BCSM * gate_BC11


class DropPath(nn.Module):
    """In training, drop a clip's whole branch with probability `rate`; what is kept is scaled up."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """The branch (B, C, S, M), or nothing of it."""
        if not self.training or not self.rate:
            return image_BCSM
        kept_B111 = torch.rand(len(image_BCSM), 1, 1, 1, device=image_BCSM.device) >= self.rate
        return image_BCSM * kept_B111 / (1.0 - self.rate)


class InvertedResidual(nn.Module):
    """Widen by a 1 x 1 convolution, filter each channel alone, weigh channels, narrow; added to the input if it fits.

    Args:
        channels: Channels in.
        filters: Channels out.
        expanded: Channels in between; equal to `channels` there is no widening.
        kernel: Size of the filters.
        stride: Their step.
        squeezed: Channels of the squeeze-and-excitation; None leaves it out.
        norm: The normalisation behind every convolution.
        activation: Behind widening and filtering.
        gate: Activation and gate of the squeeze-and-excitation; None takes `activation` and a sigmoid.
        drop: Probability of dropping the branch in training.
        fused: One full convolution in place of widening and filtering.
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        *,
        expanded: int,
        kernel: int,
        stride: int,
        squeezed: int | None,
        norm: Norm,
        activation: Activation,
        gate: tuple[Activation, Activation] | None = None,
        drop: float = 0.0,
        fused: bool = False,
    ) -> None:
        super().__init__()
        inner, gating = gate or (activation, nn.Sigmoid)
        layers: list[nn.Module] = []
        if fused:
            out = expanded if expanded != channels else filters
            layers.append(ConvNorm(channels, out, kernel=kernel, stride=stride, norm=norm, activation=activation))
        else:
            if expanded != channels:
                layers.append(ConvNorm(channels, expanded, kernel=1, norm=norm, activation=activation))
            depthwise = partial(ConvNorm, kernel=kernel, stride=stride, groups=expanded, norm=norm)
            layers.append(depthwise(expanded, expanded, activation=activation))
        if squeezed is not None:
            layers.append(SqueezeExcite(expanded, squeezed, activation=inner, gate=gating))
        if not fused or expanded != channels:
            layers.append(ConvNorm(expanded, filters, kernel=1, norm=norm))
        self.branch = nn.Sequential(*layers)
        self.drop = DropPath(drop)
        self.adds = stride == 1 and channels == filters

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to (B, filters, ceil(S / stride), ceil(M / stride))."""
        branch_BCSM: Tensor = self.branch(image_BCSM)
        return image_BCSM + self.drop(branch_BCSM) if self.adds else branch_BCSM


class MeanPool(nn.Module):
    """The mean (B, C) of an image (B, C, S, M) over frames and bands."""

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to its mean (B, C)."""
        return image_BCSM.mean(dim=(2, 3))


def divisible(channels: float, *, lenient: bool = False) -> int:
    """So many channels, rounded to a multiple of 8; unless `lenient` never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if not lenient and rounded < 0.9 * channels else rounded


def initialise(net: nn.Module, *, generator: torch.Generator) -> None:
    """Draw all weights anew: convolutions as He et al. (by fan out), dense layers as Glorot, the rest as at rest."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size) // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out), generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
