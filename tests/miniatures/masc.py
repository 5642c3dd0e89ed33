"""Ten clips a class and part, listed in one table with the test labels withheld."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound

PARTS = ("train", "devel", "test")


def build(root: Path) -> str:
    names = [f"{part}_{number:05d}.wav" for part in PARTS for number in range(1, 21)]
    sound(root, *(f"wav/{name}" for name in names))
    labels = ["?" if name.startswith("test") else ("clear", "mask")[row % 2] for row, name in enumerate(names)]
    (root / "lab").mkdir()
    lines = [f"{name},{label}\r\n" for name, label in zip(names, labels, strict=True)]
    (root / "lab" / "labels.csv").write_text("file_name,label\r\n" + "".join(lines), encoding="utf-8", newline="")
    return "masc"
