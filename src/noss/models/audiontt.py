"""AudioNTT untrained: `audiontt/512`, `/1024`, `/2048` (BYOL-A and BYOL-S) and `/3072` (BYOL-A of 2022).

Parameters follow from the published layers (see `noss.models._audiontt`); the statistics of batch norm are not counted.
With the weights of BYOL-S the net is `byol_s`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models import Card

if TYPE_CHECKING:
    from torch import nn

NUM_PARAMETERS = {512: 600_192, 1024: 1_649_792, 2048: 5_321_856, 3072: 6_333_376}

CARDS = {
    str(dim): Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=dim,
        source="10.1109/TASLP.2022.3221007" if dim == 3072 else "arXiv:2103.06695",
        licence="Apache-2.0",
        weights=None,
        min_s=0.07,
        num_parameters=num_parameters,
        citation="Niizumi et al. 2021, BYOL for Audio",
        ranked=False,
        devices=("cpu", "cuda"),
        notes="Random initialisation: a control, or a start for training.",
    )
    for dim, num_parameters in NUM_PARAMETERS.items()
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net behind its front end, in evaluation mode, weights drawn by `seed`."""
    import torch

    from noss.models._audiontt import AudioNTTEmbedder, Size

    size = Size(dim=3072, blocks=2, hidden=2048, stack=True) if choice == "3072" else Size(dim=int(choice))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AudioNTTEmbedder(size).eval()
