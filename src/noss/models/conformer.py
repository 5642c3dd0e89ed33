"""The Conformer's encoder untrained: `conformer/5m` to `conformer/600m`, `@6` for one layer, `@all` for every one.

CAP12, the teacher of TRILLsson, is the twelfth block of the largest: `conformer/600m@12`. Hidden state 0 enters the first
block, k leaves block k; without a layer, the last.

| choice | dim | blocks | heads | kernel | positions | source |
|---|---|---|---|---|---|---|
| `5m` | 144 | 9 | 4 | 31 | relative | S below with fewer blocks |
| `10m`, `30m`, `120m` | 144, 256, 512 | 16, 16, 17 | 4, 4, 8 | 31 | relative | Conformer S, M, L, arXiv:2005.08100, table 1 |
| `300m` | 768 | 20 | 12 | 31 | relative | between L and XL |
| `600m` | 1024 | 24 | 8 | 5 | none | Conformer XL, arXiv:2010.10504; CAP12, arXiv:2110.04621 |

Published counts of S, M and L (10.3, 30.7 and 118.8 M) include a transducer's decoder, and the paper's kernel of 32 has no
middle: these encoders have 8.7, 27.3 and 115.1 M. Of CAP12 more than 600 M are published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from noss.errors import ModelError
from noss.models import Card
from noss.shelf import did_you_mean

if TYPE_CHECKING:
    from torch import nn

# choice -> dim, blocks, heads, kernel, relative positions, parameters
SIZES = {
    "5m": (144, 9, 4, 31, True, 5_158_512),
    "10m": (144, 16, 4, 31, True, 8_701_632),
    "30m": (256, 16, 4, 31, True, 27_311_104),
    "120m": (512, 17, 8, 31, True, 115_076_608),
    "300m": (768, 20, 12, 31, True, 301_135_872),
    "600m": (1024, 24, 8, 5, False, 609_996_800),
}

CARDS = {
    choice: Card(
        sample_rate=16_000,
        frame_rate=25.0,
        dim=size[0],
        source="arXiv:2110.04621" if choice == "600m" else "arXiv:2005.08100",
        licence="Apache-2.0",
        weights=None,
        min_s=0.025,
        num_parameters=size[-1],
        citation="Gulati et al. 2020, Conformer; Shor et al. 2022, CAP12",
        ranked=False,
        devices=("cpu", "cuda"),
        notes="Random initialisation: a control, or a start for training.",
    )
    for choice, size in SIZES.items()
}


def card(choice: str, *, layer: str | None = None) -> Card:
    """The facts of a size, with as many layers as are asked for.

    Raises:
        ModelError: There is no such size, or it has no such layer.
    """
    if choice not in CARDS:
        raise ModelError(f"no model 'conformer/{choice}': {did_you_mean(choice, list(CARDS))}")
    return replace(CARDS[choice], layers=SIZES[choice][1] + 1 if _layer(choice, layer) == "all" else 1)


def build(choice: str, *, layer: str | None = None, seed: int = 0) -> nn.Module:
    """The encoder behind its front end, in evaluation mode, weights drawn by `seed`.

    Raises:
        ModelError: It has no such layer.
    """
    import torch

    from noss.models._conformer import ConformerFrames, Size

    dim, depth, num_heads, kernel, relative, _ = SIZES[choice]
    size = Size(dim=dim, depth=depth, num_heads=num_heads, kernel=kernel, relative=relative)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ConformerFrames(size, layer=_layer(choice, layer)).eval()


def _layer(choice: str, text: str | None) -> int | str | None:
    if text is None or text == "all":
        return text
    depth = SIZES[choice][1]
    if not text.isdecimal() or int(text) > depth:
        raise ModelError(
            f"conformer/{choice} has no layer {text!r}: write @0 to @{depth}, @all, or nothing for the last one"
        )
    return int(text)
