"""Sixty participants with one to three visits, real MP3, transcripts beside, and a task that is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

PITT = "dementia/English/Pitt"


def build(root: Path) -> str:
    rng = np.random.default_rng(0)
    for participant in range(1, 61):
        group = "Control" if participant % 3 == 0 else "Dementia"
        for task in ("cookie", "fluency") if group == "Dementia" else ("cookie",):
            folder = root / PITT / group / task
            folder.mkdir(parents=True, exist_ok=True)
            for visit in range(participant % 3 + 1 if task == "cookie" else 1):
                noise_T = rng.uniform(-0.1, 0.1, 4_410)
                soundfile.write(folder / f"{participant:03d}-{visit}.mp3", noise_T, 44_100, format="MP3")
                (folder / f"{participant:03d}-{visit}.cha").write_text("@UTF8\r\n@Begin\r\n")
    return "dementiabank"
