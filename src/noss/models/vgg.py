"""VGGish's architecture, untrained: `vgg` gives its 128-d output, `vgg/fcn1` its first dense layer, a vector each 0.96 s.

Patches of 96 frames side by side, a remainder dropped, log of mel + 0.01, clips under 0.975 s padded with zeros. The
original then whitens and quantises its output with a matrix of its own, which is part of the weights and not of the net.

Source: Hershey et al., arXiv 1609.09430; tensorflow/models, research/audioset/vggish. 72,141,184 parameters, as torchvggish
has them; `vgg/fcn1` leaves out what lies behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models._untrained import untrained

if TYPE_CHECKING:
    from torch import nn

SOURCE = "arXiv:1609.09430"
CITATION = "Hershey et al. 2017, CNN architectures for large-scale audio classification"
CARDS = {
    "": untrained(dim=128, num_parameters=72_141_184, frame_rate=100 / 96, source=SOURCE, citation=CITATION),
    "fcn1": untrained(dim=4096, num_parameters=54_835_456, frame_rate=100 / 96, source=SOURCE, citation=CITATION),
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """VGGish with its front end, in evaluation mode; weights are drawn by `seed`."""
    from noss.audio.logmel import LogMel, Patches
    from noss.models._patch_net import PatchFrames, seeded
    from noss.models._vgg import Vgg

    return seeded(
        lambda: PatchFrames(
            Vgg(fcn1=choice == "fcn1"),
            front_end=LogMel(log_floor=0.0, log_offset=0.01, min_samples=15_600),
            patches=Patches(width=96, hop=96),
        ),
        seed=seed,
    )
