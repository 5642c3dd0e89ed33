"""Four clips in each language, two of them train, with a file that is listed twice and a reader of another gender."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.fleurs import LANGUAGES

TAKES = (("train", 1, "FEMALE"), ("train", 2, "MALE"), ("dev", 3, "MALE"), ("test", 4, "FEMALE"))


def build(root: Path) -> str:
    for row, language in enumerate(LANGUAGES):
        lists: dict[str, list[str]] = {"train": [], "dev": [], "test": []}
        for split, take, gender in TAKES:
            name = f"{10_000_000 + 100 * row + take}.wav"
            sound(root, f"{language}/audio/{split}/{name}")
            told = "OTHER" if (language, take) == ("zu_za", 1) else gender
            lists[split].append(f'{take}\t{name}\tSay "it".\tsay it\ts a y | i t |\t1600\t{told}\n')
        lists["train"] += lists["train"][:1] if language == "af_za" else []
        for split, lines in lists.items():
            (root / language / f"{split}.tsv").write_text("".join(lines), encoding="utf-8")
    return "fleurs"
