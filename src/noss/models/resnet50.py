"""TRILL's ResNet-50, untrained: `resnet50` gives its 512-d output, `resnet50/layer19` the 12,288-d one; every 0.17 s.

The front end and patches are TRILL's (0.96 s every 0.17 s, clips under 1 s padded with zeros). That the net is the audio
ResNet-50 of Hershey et al., with a first convolution that skips nothing, and where its layer 19 lies, is read off what was
published of it: 12,288 numbers there, 24.5 million parameters in all (arXiv 2110.04621, table 1; 24,550,848 here), and about
9 million parameters and 1.5 thousand million multiplications up to that layer (9,062,336 and 1.50 here).

Source: Shor et al., arXiv 2002.12764; Hershey et al., arXiv 1609.09430.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models._untrained import untrained

if TYPE_CHECKING:
    from torch import nn

SOURCE = "arXiv:2002.12764"
CITATION = "Shor et al. 2020, Towards learning a universal non-semantic representation of speech"
CARDS = {
    "": untrained(dim=512, num_parameters=24_550_848, frame_rate=100 / 17, source=SOURCE, citation=CITATION),
    "layer19": untrained(dim=12_288, num_parameters=9_062_336, frame_rate=100 / 17, source=SOURCE, citation=CITATION),
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net with TRILL's front end, in evaluation mode; weights are drawn by `seed`."""
    from noss.audio.logmel import LogMel, Patches
    from noss.models._patch_net import PatchFrames, seeded
    from noss.models._resnet import Trill

    return seeded(
        lambda: PatchFrames(Trill(layer19=choice == "layer19"), front_end=LogMel.trill(), patches=Patches.trill()),
        seed=seed,
    )
