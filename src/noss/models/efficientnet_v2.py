"""EfficientNetV2-B0 to B3, S, M and L, untrained: `efficientnet_v2/b0` ... `efficientnet_v2/l`; 1,024-d, one a clip.

As TRILLsson has its students: log-mel of 80 bands, patches of 195 frames side by side (clips under 2 s mirrored, a remainder
dropped), the mean over frames, bands and patches, a dense layer to 1,024. TRILLsson2 has the size of B1 (8.1 million) and
TRILLsson3 that of S (21.5 million).

Source: Tan and Le, arXiv 2104.00298; students: arXiv 2203.00236. With three channels and a layer of 1,000 classes the nets have
the published sizes: B0 to B3 7,139,704, 8,141,052, 10,096,086 and 14,358,406 parameters (Keras' documentation with the
running statistics: 7.2, 8.2, 10.2, 14.5 million), S, M, L 21,458,488, 54,139,356 and 118,515,272 (torchvision's). A card
counts what is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models._untrained import untrained

if TYPE_CHECKING:
    from torch import nn

NUM_PARAMETERS = {
    "b0": 7_169_872,
    "b1": 8_171_220,
    "b2": 10_129_326,
    "b3": 14_394_574,
    "s": 21_488_800,
    "m": 54_169_668,
    "l": 118_545_440,
}
CARDS = {
    size: untrained(
        dim=1024,
        num_parameters=number,
        source="arXiv:2104.00298",
        citation="Tan and Le 2021, EfficientNetV2",
    )
    for size, number in NUM_PARAMETERS.items()
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net with TRILLsson's front end, in evaluation mode; weights are drawn by `seed`."""
    from noss.models._efficientnet import V2_SIZES, EfficientNet
    from noss.models._patch_net import PatchMean, seeded

    def make() -> nn.Module:
        net = EfficientNet(V2_SIZES[choice], version=2)
        return PatchMean(net, width=net.width)

    return seeded(make, seed=seed)
