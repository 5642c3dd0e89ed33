"""Every speaker says two sentences in every emotion, but one take that listeners misheard."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.emodb import EMOTIONS, SPEAKERS


def build(root: Path) -> str:
    names = [f"{speaker}{text}{emotion}a" for speaker in SPEAKERS for text in ("a01", "b10") for emotion in EMOTIONS]
    sound(root, *(f"wav/{name}.wav" for name in names if name != "03a01Ea"))
    for folder in ("labsilb", "lablaut"):
        (root / folder).mkdir()
    return "emodb"
