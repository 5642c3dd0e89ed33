"""Two speakers a split in each language."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.common_language import LANGUAGES

SPLITS = {"train": "trn", "dev": "dev", "test": "tst"}


def build(root: Path) -> str:
    for row, language in enumerate(LANGUAGES):
        folder = f"common_voice_kpd/{language}"
        for split, word in SPLITS.items():
            lines = ["\tclient_id\tpath\tsentence\tage\tgender"]
            for take in range(2):
                client, name = f"{language[:4].lower()}_{word}_sp_{take}", f"common_voice_{row}_{split}{take}.wav"
                sound(root, f"{folder}/{split}/{client}/{name}")
                lines.append(f'{take}\t{client}\t{name}\tSay "it".\t{("twenties", "not_defined")[take]}\tnot_defined')
            (root / folder / f"{split}.csv").write_bytes("\r\n".join([*lines, ""]).encode("utf-16"))
    return "common_language"
