"""Every part and every code, speakers known and unknown, and a part whose labels are hidden."""

from __future__ import annotations

from pathlib import Path

from miniatures import sound
from noss.datasets.msp_podcast import EMOTIONS

HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"
PARTS = ("Train", "Development", "Test1", "Test2")


def build(root: Path) -> str:
    lines, names = [HEADER], []
    for podcast, part in enumerate(PARTS, start=1):
        for row in range(20):
            names.append(f"MSP-PODCAST_{podcast:04d}_{row:04d}.wav")
            numbers = f"{1 + row % 7},{1 + row % 6}.5,{1 + row % 5}.333333"
            speaker = "Unknown,Unknown" if part == "Train" and row < 5 else f"{10 * podcast + row % 4},Female"
            lines.append(f"{names[-1]},{list(EMOTIONS)[row % 10]},{numbers},{speaker},{part}")
    names.append("MSP-PODCAST_0005_0001_0001.wav")
    lines.append(f"{names[-1]},,,,,Unknown,Unknown,Test3")
    sound(root, *(f"Audios/{name}" for name in names))
    (root / "Labels").mkdir()
    (root / "Labels/labels_consensus.csv").write_text("\n".join(lines) + "\n")
    return "msp_podcast"
