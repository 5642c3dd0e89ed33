"""Every actor says every emotion once."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound


def build(root: Path) -> str:
    names = [f"03-01-{emotion:02d}-01-01-01" for emotion in range(1, 9)]
    sound(root, *(f"Actor_{actor:02d}/{name}-{actor:02d}.wav" for actor in range(1, 25) for name in names))
    return "ravdess"
