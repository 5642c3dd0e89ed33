"""All speakers, twenty utterances each."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.speechocean762 import SPEAKERS


def build(root: Path) -> str:
    people = [(speaker, "fm"[row % 2], (7, 30)[row // 2 % 2]) for row, speaker in enumerate(SPEAKERS)]
    sound(root, *(f"WAVE/SPEAKER{name}/{name}{take:05d}.WAV" for name, _, _ in people for take in range(20)))
    for half in ("train", "test"):
        (root / half).mkdir()
        (root / half / "spk2gender").write_text("".join(f"{name} {gender}\n" for name, gender, _ in people))
        (root / half / "spk2age").write_text("".join(f"{name} {age}\n" for name, _, age in people))
    return "speechocean762"
