"""Six sounds of ten speakers, one of whom came twice, with the paths of somebody else's disk in the lists."""

from __future__ import annotations

import json
from pathlib import Path

from miniatures import sound
from noss.datasets.vocalsound import SOUNDS

PARTS = {"tr": ("f0003_0", "m0004_0", "f0005_0", "f0005_1", "m0006_0"), "val": ("f0007_0", "m0008_0"),
         "te": ("f0009_0", "m0010_0", "m0011_0")}  # fmt: skip


def build(root: Path) -> str:
    for folder in ("datafiles", "meta"):
        (root / folder).mkdir()
    for part, takes in PARTS.items():
        names = [f"{take}_{name}.wav" for take in takes for name in SOUNDS]
        sound(root, *(f"audio_16k/{name}" for name in names))
        entries = [{"wav": f"/data/sls/audio/vocalsound/{name}", "labels": "/m/01b_21"} for name in names]
        (root / "datafiles" / f"{part}.json").write_text(json.dumps({"data": entries}, indent=1), encoding="utf-8")
        people = sorted({take.partition("_")[0] for take in takes})
        lines = [f'{person},{"fe" * (person[0] == "f")}male,{20 + row},"Korea, South",English,no\n'
                 for row, person in enumerate(people)]  # fmt: skip
        (root / "meta" / f"{part}_meta.csv").write_text("".join(lines), encoding="utf-8")
    return "vocalsound"
