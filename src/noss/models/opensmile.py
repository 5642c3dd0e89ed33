"""openSMILE's hand-made feature sets: `opensmile/egemaps` (eGeMAPSv02, 88), `opensmile/compare` (ComParE 2016, 6,373).

Functionals over the whole clip, at 16 kHz. Features that openSMILE leaves undefined (NaN or infinite) are set to 0. The
licence of openSMILE forbids commercial use of the program and of what it extracts.

Source: Eyben et al. 2016 (eGeMAPS); Schuller et al. 2016 (ComParE).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from noss.models import Card, Embedder
from noss.shelf import require

if TYPE_CHECKING:
    from torch import Tensor

LOUDEST = 32_767 / 32_768


def _card(*, dim: int, citation: str) -> Card:
    return Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=dim,
        source="https://audeering.github.io/opensmile-python/",
        licence="LicenseRef-openSMILE",
        weights=None,
        min_s=0.06,
        window_s=300.0,
        citation=citation,
        notes="Non-commercial licence; undefined features are 0; samples are rounded to 16 bit.",
    )


CARDS = {
    "egemaps": _card(dim=88, citation="Eyben et al. 2016, GeMAPS, version v02"),
    "compare": _card(dim=6373, citation="Schuller et al. 2016, ComParE"),
}
SETS = {"egemaps": "eGeMAPSv02", "compare": "ComParE_2016"}


def build(choice: str) -> Embedder:
    """An embedder that runs openSMILE in this process, clip by clip."""
    opensmile = require("opensmile", extra="opensmile", needed_by=f"opensmile/{choice}")
    smile = opensmile.Smile(getattr(opensmile.FeatureSet, SETS[choice]), opensmile.FeatureLevel.Functionals)
    rate = CARDS[choice].sample_rate

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        import torch

        # openSMILE's own cast to 16 bit turns a sample of 1.0 into the most negative one.
        clips = np.clip(waveform_BT.cpu().numpy(), -1.0, LOUDEST)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Segment too short", category=UserWarning)
            rows = [smile(clip[:length], rate)[0, :, 0] for clip, length in zip(clips, lengths_B.tolist(), strict=True)]
        embedding_BD = np.nan_to_num(np.stack(rows).astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        return torch.from_numpy(embedding_BD)[:, None, None], torch.ones(len(rows), dtype=torch.int64)

    return embed
