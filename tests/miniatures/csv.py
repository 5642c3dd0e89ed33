"""Twelve clips of six speakers in a table."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound


def build(root: Path) -> str:
    sound(root, *(f"{row}.wav" for row in range(12)))
    rows = [f"{row}.wav,s{row // 2},{'xy'[row % 2]}" for row in range(12)]
    (root / "t.csv").write_text("\n".join(["file,speaker,label", *rows]))
    return f"csv/{root}/t.csv"
