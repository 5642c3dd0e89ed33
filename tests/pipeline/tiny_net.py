"""A small torch module: log-mel, a random linear layer, tanh; and one whose memory ends at so many samples at once."""

from __future__ import annotations

import os
from typing import Any

from noss.models import Card

FACTS: dict[str, Any] = {
    "sample_rate": 16_000,
    "frame_rate": 100.0,
    "dim": 32,
    "source": "by hand",
    "licence": "CC0-1.0",
    "weights": None,
    "window_s": 2.0,
    "min_s": 0.1,
    "devices": ("cpu", "cuda"),
}
CARDS = {"": Card(**FACTS), "plain": Card(**FACTS), "small": Card(**FACTS)}


def build(choice: str):
    import torch
    from torch import nn

    from noss.audio.logmel import LogMel

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.front_end = LogMel(n_mels=40)
            generator = torch.Generator().manual_seed(0)
            self.layer = nn.Linear(40, 32, bias=False)
            with torch.no_grad():
                self.layer.weight.copy_(torch.randn(32, 40, generator=generator) / 10)

        def forward(self, waveform_BT, lengths_B):
            if choice == "small":
                _fit(waveform_BT)
            logmel_BSM, frame_lengths_B = self.front_end(waveform_BT, lengths_B)
            return torch.tanh(self.layer(logmel_BSM))[:, None], frame_lengths_B

    net = Net()
    return (lambda waveform_BT, lengths_B: net(waveform_BT, lengths_B)) if choice == "plain" else net


def _fit(waveform_BT) -> None:
    import torch

    if log := os.environ.get("TINY_LOG"):
        with open(log, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{waveform_BT.numel()}\n")
    if waveform_BT.numel() > int(os.environ.get("TINY_ROOM", "1000000000")):
        raise torch.OutOfMemoryError(f"tried to allocate {waveform_BT.numel()} samples")
