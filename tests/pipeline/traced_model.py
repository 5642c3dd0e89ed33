"""A model of a known outcome (the mean and the largest sample) that takes its time and leaves the number of its process."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from noss.models import Card

if TYPE_CHECKING:
    from torch import Tensor

TRACE = "NOSS_TEST_TRACE"  # a folder: a file for every window, that holds the process and is named at random
SLOW = "slow"  # while a file of this name is there, every window takes up to four seconds
CARDS = {"": Card(sample_rate=16_000, frame_rate=0.0, dim=2, source="by hand", licence="CC0-1.0", weights=None)}


def build(choice: str):
    import torch

    def embed(waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        if folder := os.environ.get(TRACE):
            time.sleep(0.2)
            until_s = time.monotonic() + 4.0
            while (Path(folder) / SLOW).exists() and time.monotonic() < until_s:
                time.sleep(0.05)
            (Path(folder) / uuid.uuid4().hex).write_text(str(os.getpid()))
        clips = [waveform_BT[row, :length].double() for row, length in enumerate(lengths_B.tolist())]
        vectors_BD = torch.stack([torch.stack([clip.mean(), clip.amax()]) for clip in clips]).float()
        return vectors_BD[:, None, None], torch.ones(len(clips), dtype=torch.int64)

    return embed
