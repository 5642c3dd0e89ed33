"""The three lists of the logical-access part, every attack in them, and files that no list has."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound

PARTS = {"train": ("trn", "T", range(79, 83), range(1, 7)), "dev": ("trl", "D", range(69, 73), range(1, 7)),
         "eval": ("trl", "E", range(1, 5), range(7, 20))}  # fmt: skip


def build(root: Path) -> str:
    lists = root / "LA" / "ASVspoof2019_LA_cm_protocols"
    lists.mkdir(parents=True)
    for part, (ending, letter, speakers, attacks) in PARTS.items():
        kinds = ["- bonafide", "- bonafide", *(f"A{attack:02d} spoof" for attack in attacks)]
        told = [(speaker, kind) for speaker in speakers for kind in kinds]
        names = [f"LA_{letter}_{1_000_000 + 137 * row}" for row in range(len(told))]
        rows = [f"LA_{speaker:04d} {name} - {kind}\n" for name, (speaker, kind) in zip(names, told, strict=True)]
        (lists / f"ASVspoof2019.LA.cm.{part}.{ending}.txt").write_text("".join(rows), encoding="utf-8")
        enrolling = [f"LA_{letter}_9999999"] if part != "train" else []
        sound(root, *(f"LA/ASVspoof2019_LA_{part}/flac/{name}.wav" for name in [*names, *enrolling]))
    return "asvspoof2019"
