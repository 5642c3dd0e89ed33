"""Every recording of the four men, and the owner's description beside them."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound

LETTERS = {"a": 15, "d": 15, "f": 15, "h": 15, "n": 30, "sa": 15, "su": 15}


def build(root: Path) -> str:
    names = [f"{letters}{sentence + 1:02d}" for letters, count in LETTERS.items() for sentence in range(count)]
    sound(root, *(f"AudioData/{speaker}/{name}.wav" for speaker in ("DC", "JE", "JK", "KL") for name in names))
    (root / "AudioData/Info.txt").write_text("'DC', 'JE', 'JK' and 'KL' are four male speakers\r\n")
    return "savee"
