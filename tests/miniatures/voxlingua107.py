"""Two videos in each language, and one in each of 33 in dev."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.voxlingua107 import LANGUAGES


def build(root: Path) -> str:
    sound(
        root,
        *(f"{name}/{name}-Vid_{take}__U__S{take}---0361.400-0361.500.wav" for name in LANGUAGES for take in (0, 1)),
    )
    sound(root, *(f"dev/{name}/{name}-dev__U__S3---0010.000-0010.100.wav" for name in LANGUAGES[::3][:33]))
    return "voxlingua107"
