"""VGGish's net: the first four groups of VGG's configuration A, and three dense layers.

Source: Hershey et al., arXiv 1609.09430; tensorflow/models, research/audioset/vggish, `vggish_slim.py`.
"""

from __future__ import annotations

from torch import Tensor, nn

GROUPS = ((64,), (128,), (256, 256), (512, 512))
MAP = 6 * 4 * 512  # frames x bands x channels that are left of a patch of 96 frames and 64 bands
HIDDEN = 4096


class Vgg(nn.Module):
    """Patches (P, 1, 96, 64) to vectors (P, D): convolutions of 3 x 3 and maxima of 2 x 2, then dense layers.

    Args:
        dim: Size of the last layer, which has no activation.
        fcn1: Stop behind the first dense layer and its activation: 4,096 numbers.
    """

    def __init__(self, *, dim: int = 128, fcn1: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for group in GROUPS:
            for filters in group:
                layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.convolutions = nn.Sequential(*layers)
        self.dense = nn.Sequential(nn.Linear(MAP, HIDDEN), nn.ReLU())
        if not fcn1:
            self.dense.extend([nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, dim)])

    def forward(self, image_BCSM: Tensor) -> Tensor:
        """Map images (B, 1, 96, 64) to vectors (B, D); the map is flattened channels last, as TensorFlow does."""
        map_BCSM: Tensor = self.convolutions(image_BCSM)
        vector_BD: Tensor = self.dense(map_BCSM.permute(0, 2, 3, 1).flatten(1))
        return vector_BD
