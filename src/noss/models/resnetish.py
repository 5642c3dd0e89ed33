"""A residual net of TRILLsson1's size, untrained: `resnetish`, one 1,024-d vector a clip.

Of TRILLsson1 it is published that it is "ResNetish", has 5.0 million parameters and gives 1,024 numbers; its blocks are not.
This one is the audio ResNet of Hershey et al. at half its width, so that its map has 1,024 channels and needs no dense layer,
with three blocks in each of its four stages, which makes 5.0 million (4,978,912). Front end and patches are TRILLsson's.

Source: Shor and Venugopalan, arXiv 2203.00236 (table 3: 5.0 million); Hershey et al., arXiv 1609.09430.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models._untrained import untrained

if TYPE_CHECKING:
    from torch import nn

CARDS = {
    "": untrained(
        dim=1024,
        num_parameters=4_978_912,
        source="arXiv:2203.00236",
        citation="Shor and Venugopalan 2022, TRILLsson",
        notes="As large as TRILLsson1, whose own blocks are not published.",
    )
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net with TRILLsson's front end, in evaluation mode; weights are drawn by `seed`."""
    from noss.models._patch_net import PatchMean, seeded
    from noss.models._resnet import narrow_resnet

    return seeded(lambda: PatchMean(narrow_resnet(), width=1024), seed=seed)
