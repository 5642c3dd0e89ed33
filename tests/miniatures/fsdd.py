"""Every digit three times a speaker."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.fsdd import SPEAKERS


def build(root: Path) -> str:
    sound(root, *(f"recordings/{d}_{name}_{take}.wav" for d in range(10) for name in SPEAKERS for take in (0, 5, 6)))
    return "fsdd"
