"""Our own embedding: `noss/small`, whose weights come with the package; `noss/small-untrained` is its net before any training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from noss.models import Card

if TYPE_CHECKING:
    from torch import nn

DIM = 2048
NUM_PARAMETERS = 600_192
CARDS = {
    "small-untrained": Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=DIM,
        source="arXiv:2103.06695",
        licence="Apache-2.0",
        weights=None,
        min_s=0.07,
        num_parameters=NUM_PARAMETERS,
        citation="Niizumi et al. 2021, BYOL for Audio",
        ranked=False,
        devices=("cpu", "cuda"),
        notes="Random initialisation: a control, or a start for training.",
    )
}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net behind its front end, in evaluation mode; `seed` draws the weights of the untrained one."""
    del choice
    import torch

    from noss.models._audiontt import Size
    from noss.models._voice_net import VoiceNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return VoiceNet(Size(dim=DIM // 4)).eval()
