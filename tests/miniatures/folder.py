"""Two classes of six clips."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound


def build(root: Path) -> str:
    sound(root, *(f"{label}/{row}.wav" for label in ("happy", "sad") for row in range(6)))
    return f"folder/{root}"
