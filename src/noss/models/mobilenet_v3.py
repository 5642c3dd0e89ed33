"""MobileNetV3 as FRILL searched it, untrained: `mobilenet_v3/SIZE-WIDTH`, a 2,048-d vector each 0.17 s.

Sizes are tiny (FRILL's own), small and large; FRILL is `small-2.0`, with 10,095,472 parameters (10.1 million in arXiv
2110.04621, table 1; 38.5 MiB in its model card). Options of `build`: `average_pool`, `bottleneck` and `momentum`. The front end
and patches are TRILL's (0.96 s every 0.17 s, clips under 1 s padded with zeros).

Source: Peplinski et al., arXiv 2011.04609; Howard et al., arXiv 1905.02244. With three channels and a layer of 1,000 classes
small-1.0 and large-1.0 have the published 2,542,856 and 5,483,032 parameters (torchvision's documentation).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from noss.errors import ModelError
from noss.models import Card
from noss.models._untrained import untrained
from noss.shelf import did_you_mean

if TYPE_CHECKING:
    from torch import nn

BOTTLENECK = 2048
MOMENTUM = 0.999
NUM_PARAMETERS = {
    "small-0.5": 2_667_136,
    "small-0.75": 3_115_784,
    "small-1.0": 3_616_768,
    "small-1.5": 6_542_376,
    "small-2.0": 10_095_472,
    "tiny-0.5": 1_383_520,
    "tiny-0.75": 1_652_328,
    "tiny-1.0": 1_948_872,
    "tiny-1.5": 3_594_712,
    "tiny-2.0": 5_570_824,
    "large-0.5": 4_032_104,
    "large-0.75": 5_335_728,
    "large-1.0": 6_825_232,
    "large-1.5": 13_340_736,
    "large-2.0": 21_803_704,
}
CARDS = {
    choice: untrained(
        dim=BOTTLENECK,
        num_parameters=number,
        frame_rate=100 / 17,
        source="arXiv:2011.04609",
        citation="Peplinski et al. 2021, FRILL",
    )
    for choice, number in NUM_PARAMETERS.items()
}
FILTERS = {"tiny": 512, "small": 1024, "large": 1280}  # of the last 1 x 1 convolution, in multiples of a width above 1
MAP = 3 * 2


def card(choice: str, *, average_pool: bool = True, bottleneck: int | None = BOTTLENECK) -> Card:
    """The facts of a net, with or without pooling and bottleneck.

    Raises:
        ModelError: There is no such size or width.
    """
    if choice not in CARDS:
        raise ModelError(f"mobilenet_v3 has no size and width {choice!r}: {did_you_mean(choice, list(CARDS))}")
    if average_pool and bottleneck == BOTTLENECK:
        return CARDS[choice]
    size, width = _parsed(choice)
    pooled = round(FILTERS[size] * max(width, 1.0)) * (1 if average_pool else MAP)
    return replace(CARDS[choice], dim=bottleneck or pooled, num_parameters=None, size_mb=None)


def build(
    choice: str,
    *,
    average_pool: bool = True,
    bottleneck: int | None = BOTTLENECK,
    momentum: float = MOMENTUM,
    seed: int = 0,
) -> nn.Module:
    """The net with TRILL's front end, in evaluation mode.

    Args:
        choice: Size and width, as `small-2.0`.
        average_pool: Take the mean over frames and bands before the last 1 x 1 convolution; else flatten the map.
        bottleneck: Size of the dense layer behind; None gives what goes into it.
        momentum: Share of the old average that batch norm keeps at a step. The published one looks back a thousand steps:
            a run of few thousand wants a smaller one, or the net is tested with the statistics of its random beginning.
        seed: Draws the weights.
    """
    from noss.audio.logmel import LogMel, Patches
    from noss.models._conv import norm
    from noss.models._mobilenet import MobileNetV3
    from noss.models._patch_net import PatchFrames, seeded

    size, width = _parsed(choice)

    def make() -> nn.Module:
        batch_norm = norm(eps=1e-3, momentum=momentum)
        net = MobileNetV3(size, width=width, average_pool=average_pool, bottleneck=bottleneck, batch_norm=batch_norm)
        return PatchFrames(net, front_end=LogMel.trill(), patches=Patches.trill())

    return seeded(make, seed=seed)


def _parsed(choice: str) -> tuple[str, float]:
    size, _, width = choice.partition("-")
    return size, float(width)
