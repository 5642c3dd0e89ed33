"""Our own embedding, in the package: `noss/small`; `noss/small-untrained` is its net before any training.

`small` is BYOL-S's encoder, trained on with labels of speaker, language, gender and age on nine hours of open speech, and four
statistics of its frames over time. `recipes/noss_small.py` makes it; `docs/noss_small.md` is its card.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from noss.errors import ModelError
from noss.models import Card

if TYPE_CHECKING:
    from torch import nn

DIM = 2048
WEIGHTS = Path(__file__).with_name("_noss_small.safetensors")
UNTRAINED = Card(
    sample_rate=16_000,
    frame_rate=0.0,
    dim=DIM,
    source="arXiv:2103.06695",
    licence="Apache-2.0",
    weights=None,
    min_s=0.07,
    num_parameters=600_192,
    citation="Niizumi et al. 2021, BYOL for Audio",
    ranked=False,
    devices=("cpu", "cuda"),
    notes="Random initialisation: a control, or a start for training.",
)
SMALL = replace(
    UNTRAINED,
    source="recipes/noss_small.py",
    licence="Apache-2.0 AND MIT",
    weights=str(WEIGHTS),
    size_mb=1.203,
    trained_on=(
        "AudioSet",
        "Common Voice",
        "LibriSpeech",
        "speechocean762 (training part)",
        "Speech Commands (three words)",
        "Kerstin",
    ),
    ranked=True,
    notes="BYOL-S's encoder (MIT) trained on; standardised clip by clip, so that level does not matter.",
)
CARDS = {"small": SMALL, "small-untrained": UNTRAINED}


def build(choice: str, *, seed: int = 0) -> nn.Module:
    """The net with its weights behind its front end, in evaluation mode; `seed` draws those of the untrained one.

    Raises:
        ModelError: The package is damaged.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from noss.models._audiontt import Size
    from noss.models._voice_net import NUM_STATISTICS, VoiceNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VoiceNet(Size(dim=DIM // NUM_STATISTICS)).eval()
    if choice == "small-untrained":
        return model
    try:
        model.load_state_dict(load_file(WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(f"{WEIGHTS} does not hold the weights of noss/small ({error}): install noss again") from error
    return model
