"""MobileNetV1, untrained: `mobilenet_v1/yamnet` and `mobilenet_v1/trill_distilled`, a vector a patch.

`yamnet` is YAMNet's net: 0.96 s every 0.48 s, clips under 0.975 s padded with zeros, 1,024-d. With its layer of 521 classes it
has the 3,729,481 parameters of the original (tensorflow/models, research/audioset/yamnet: 3.7 million).

`trill_distilled` has what is known of TRILL-distilled: a MobileNet, 2,048-d, on TRILL's front end and patches (0.96 s every
0.17 s). Its blocks are not published, and its size is told as 5.6 million or as more than 26 million: here it is MobileNetV1
and a dense layer, 5.3 million.

Source: Howard et al., arXiv 1704.04861; Shor et al., arXiv 2002.12764.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models._untrained import untrained

if TYPE_CHECKING:
    from torch import nn

CARDS = {
    "yamnet": untrained(
        dim=1024,
        num_parameters=3_195_456,
        frame_rate=100 / 48,
        source="https://github.com/tensorflow/models/tree/master/research/audioset/yamnet",
        citation="Gemmeke et al. 2017, Audio Set; Howard et al. 2017, MobileNets",
    ),
    "trill_distilled": untrained(
        dim=2048,
        num_parameters=5_305_600,
        frame_rate=100 / 17,
        source="arXiv:2002.12764",
        citation="Shor et al. 2020, Towards learning a universal non-semantic representation of speech",
        notes="The blocks of the original are not published.",
    ),
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net with its front end, in evaluation mode; weights are drawn by `seed`."""
    from torch import nn

    from noss.audio.logmel import LogMel, Patches
    from noss.models._mobilenet import YAMNET_NORM, MobileNetV1
    from noss.models._patch_net import PatchFrames, seeded

    def yamnet() -> nn.Module:
        front_end, patches = LogMel(log_floor=0.0, min_samples=15_600), Patches(width=96, hop=48)
        return PatchFrames(
            MobileNetV1(batch_norm=YAMNET_NORM, activation=nn.ReLU), front_end=front_end, patches=patches
        )

    def trill_distilled() -> nn.Module:
        net = nn.Sequential(MobileNetV1(), nn.Linear(1024, 2048))
        return PatchFrames(net, front_end=LogMel.trill(), patches=Patches.trill())

    return seeded(yamnet if choice == "yamnet" else trill_distilled, seed=seed)
