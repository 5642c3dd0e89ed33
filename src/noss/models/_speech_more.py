"""Front ends that add nothing of their own: codecs take samples, others the library's own feature extractor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from noss.errors import ModelError
from noss.models._speech_facts import Facts
from noss.shelf import require

Fed = tuple[dict[str, Tensor], Tensor]


class Codec(nn.Module):
    """Samples as a neural codec's encoder takes them; a codec of two channels hears the same in both."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self.step, self.channels = facts.step, facts.channels

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> Fed:
        """Samples (B, C, T), and the frames (B,) that cover each clip."""
        frame_lengths_B = (lengths_B + self.step - 1).div(self.step, rounding_mode="floor")
        return {"input_values": waveform_BT[:, None].expand(-1, self.channels, -1)}, frame_lengths_B


class Extracted(nn.Module):
    """The library's feature extractor, clip by clip, on the processor."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        name = f"transformers' {facts.family.extractor}"
        transformers = require("transformers", extra="transformers", needed_by=name)
        settings = {
            key: value for key, value in facts.front_end.items() if key not in {"max_length_s", "processor_class"}
        }
        try:
            self.extractor: Any = getattr(transformers, facts.family.extractor).from_dict(settings)
        except ImportError as error:
            text = " ".join(str(error).split())
            raise ModelError(f"{name} cannot be made ({text}): install what it names") from error
        self.step, self.sample_rate = facts.step, facts.sample_rate

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> Fed:
        """Features of clips, stacked, and the frames (B,) of each."""
        waves = waveform_BT.cpu().numpy()
        clips = [waves[row, :length] for row, length in enumerate(lengths_B.tolist())]
        with np.errstate(divide="ignore", invalid="ignore"):
            made = [self.extractor(clip, sampling_rate=self.sample_rate, return_tensors="pt") for clip in clips]
        fed = {key: _finite(torch.cat([features[key] for features in made])).to(waveform_BT.device) for key in made[0]}
        if not self.step:
            return fed, torch.ones_like(lengths_B)
        return fed, (lengths_B + self.step - 1).div(self.step, rounding_mode="floor")


def _finite(features: Tensor) -> Tensor:
    """Features with zero where they are not finite: an extractor that divides by a deviation does so in silence too."""
    return torch.nan_to_num(features, nan=0.0, posinf=0.0, neginf=0.0) if features.is_floating_point() else features
