"""EfficientNet-B0 to B7, untrained: `efficientnet/b0` ... `efficientnet/b7`, one 1,024-d vector a clip.

As TRILLsson has its students: log-mel of 80 bands, patches of 195 frames side by side (clips under 2 s mirrored, a remainder
dropped), the mean over frames, bands and patches, a dense layer to 1,024.

Source: Tan and Le, arXiv 1905.11946; students: arXiv 2203.00236. With three channels and a layer of 1,000 classes the nets have
the published sizes, B0 to B7: 5,288,548, 7,794,184, 9,109,994, 12,233,232, 19,341,616, 30,389,784, 43,040,704 and 66,347,960
parameters (torchvision's documentation; Keras' counts the running statistics too). A card counts what is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models._untrained import untrained

if TYPE_CHECKING:
    from torch import nn

NUM_PARAMETERS = {
    "b0": 5_318_716,
    "b1": 7_824_352,
    "b2": 9_143_234,
    "b3": 12_269_400,
    "b4": 19_383_784,
    "b5": 30_438_096,
    "b6": 43_095_016,
    "b7": 66_408_272,
}
CARDS = {
    size: untrained(
        dim=1024,
        num_parameters=number,
        source="arXiv:1905.11946",
        citation="Tan and Le 2019, EfficientNet",
    )
    for size, number in NUM_PARAMETERS.items()
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net with TRILLsson's front end, in evaluation mode; weights are drawn by `seed`."""
    from noss.models._efficientnet import SIZES, EfficientNet
    from noss.models._patch_net import PatchMean, seeded

    def make() -> nn.Module:
        net = EfficientNet(SIZES[choice])
        return PatchMean(net, width=net.width)

    return seeded(make, seed=seed)
