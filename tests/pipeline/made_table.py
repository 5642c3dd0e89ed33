"""A user's own table: short noises whose loudness tells the mood, spoken by speakers who are louder or softer."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile
import tiny_model

TINY = str(Path(tiny_model.__file__))
LEVELS = {"calm": 0.02, "angry": 0.2}


def write_noise(path: Path, level: float, *, seed: int, seconds: float = 0.2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    waveform_T = level * np.random.default_rng(seed).uniform(-1, 1, round(16_000 * seconds))
    soundfile.write(path, waveform_T, 16_000)
    return path


def write_table(folder: Path, rows: list[dict[str, str]]) -> Path:
    path = folder / "calls.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def made_rows(folder: Path, *, num_speakers: int = 6, takes: int = 2, labels: dict[str, str] | None = None):
    """Rows of a table of noises: every speaker says every mood `takes` times."""
    rows, generator = [], np.random.default_rng(0)
    for speaker in range(num_speakers):
        own = generator.uniform(0.7, 1.4)
        for mood, level in LEVELS.items():
            for take in range(takes):
                name = f"{speaker}_{mood}_{take}.wav"
                write_noise(folder / "wavs" / name, own * level, seed=len(rows))
                label = mood if labels is None else labels[mood]
                rows.append({"file": f"wavs/{name}", "speaker": f"s{speaker}", "mood": label})
    return rows
