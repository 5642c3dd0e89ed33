"""Five words of every speaker, each on two channels, denoised and as they were."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.uaspeech import CONTROLS, PERCENT

WORDS = ("B1_C10", "B1_D0", "B2_LO", "B2_CW100", "B3_UW7")


def build(root: Path) -> str:
    for speaker in (*PERCENT, *CONTROLS):
        names = [f"{speaker}/{speaker}_{word}_{channel}.wav" for word in WORDS for channel in ("M5", "M6")]
        sound(root, *(f"audio/noisereduce/{name}" for name in names), f"audio/original/{names[0]}")
    return "uaspeech"
