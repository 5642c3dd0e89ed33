"""Residual nets on one-channel images: the ResNet-50 of TRILL, and narrower ones.

The audio ResNet-50 keeps every frame and band in its first convolution, so that a patch of 96 frames and 64 bands ends as
a map of 6 x 4; it then has the size that was published for TRILL. Everything else is the first published form: the stride stands in a block's first 1 x 1 convolution.

Source: He et al., arXiv 1512.03385 (table 1); Hershey et al., arXiv 1609.09430 (section 3.5, the audio variant).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from noss.models._conv import ConvNorm, MeanPool, norm

NORM = norm(eps=1.001e-5, momentum=0.99)
RESNET_50 = (3, 4, 6, 3)
EXPANSION = 4


class Bottleneck(nn.Module):
    """Narrow by 1 x 1, filter by 3 x 3, widen by 1 x 1; added to the input, which is projected where sizes differ."""

    def __init__(self, channels: int, filters: int, *, stride: int, first: bool) -> None:
        super().__init__()
        wide = EXPANSION * filters
        self.shortcut = ConvNorm(channels, wide, kernel=1, stride=stride, norm=NORM) if first else nn.Identity()
        self.narrow = ConvNorm(channels, filters, kernel=1, stride=stride, norm=NORM)
        self.rest = nn.Sequential(
            ConvNorm(filters, filters, kernel=3, norm=NORM, activation=nn.ReLU),
            ConvNorm(filters, wide, kernel=1, norm=NORM),
        )

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to (B, 4 filters, ceil(S / stride), ceil(M / stride))."""
        branch_BCSM = self.rest(functional.relu(self.narrow(image_BCSM)))
        return functional.relu(self.shortcut(image_BCSM) + branch_BCSM)


class ResNet(nn.Module):
    """Images (B, C, S, M) to maps (B, 32 filters, S / 16, M / 16), or half of that with a strided stem.

    Args:
        blocks: Blocks in each of the four stages.
        filters: Channels of the stem, and narrow channels of the first stage; each stage doubles them.
        channels: Channels of the image; 1 for log-mel.
        stem_stride: 1 for audio, 2 as published for photographs.
    """

    width: int

    def __init__(
        self, blocks: Sequence[int] = RESNET_50, *, filters: int = 64, channels: int = 1, stem_stride: int = 1
    ) -> None:
        super().__init__()
        conv = nn.Conv2d(channels, filters, 7, stride=stem_stride, padding=3, bias=False)
        self.stem = nn.Sequential(conv, NORM(filters), nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))
        self.stages = nn.Sequential()
        width = filters
        for number, repeats in enumerate(blocks):
            narrow, stage = filters << number, nn.Sequential()
            for block in range(repeats):
                stride = 2 if block == 0 and number > 0 else 1
                stage.append(Bottleneck(width, narrow, stride=stride, first=block == 0))
                width = EXPANSION * narrow
            self.stages.append(stage)
        self.width = width

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to the last stage's map (B, 32 filters, S / 16, M / 16)."""
        map_BCSM: Tensor = self.stages(self.stem(image_BCSM))
        return map_BCSM


class Trill(nn.Module):
    """TRILL's ResNet-50 on patches (P, 1, 96, 64), up to its last vector, of length 1, or up to its layer 19.

    Args:
        dim: Size of the last vector.
        layer19: Stop at the narrow map with which the last stage begins, before its activation: 6 x 4 x 512 numbers,
            channels last. What lies behind is left out; the names of the weights stay.
    """

    def __init__(self, *, dim: int = 512, layer19: bool = False) -> None:
        super().__init__()
        self.resnet = ResNet()
        self.dense = None if layer19 else nn.Linear(self.resnet.width, dim)
        if layer19:
            self.resnet.stages[-1] = nn.Sequential(_Narrow(next(self.resnet.stages[-1].children())))

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map images (B, 1, S, M) to vectors (B, D)."""
        map_BCSM: Tensor = self.resnet(image_BCSM)
        if self.dense is None:
            return map_BCSM.permute(0, 2, 3, 1).flatten(1)
        return functional.normalize(self.dense(map_BCSM.mean(dim=(2, 3))), dim=1)


class _Narrow(nn.Module):
    """The beginning of a block: its first convolution and normalisation."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        assert isinstance(block, Bottleneck)
        self.narrow = block.narrow

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map an image (B, C, S, M) to (B, filters, S / stride, M / stride)."""
        narrow_BCSM: Tensor = self.narrow(image_BCSM)
        return narrow_BCSM


def narrow_resnet() -> nn.Module:
    """Images (B, 1, S, M) to vectors (B, 1024): three blocks a stage, half as wide as ResNet-50."""
    return nn.Sequential(ResNet((3, 3, 3, 3), filters=32), MeanPool())
