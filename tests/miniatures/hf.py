"""A folder of two parquet files, train and test, of six clips each."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniatures import sound


def build(root: Path) -> str:
    datasets = pytest.importorskip("datasets")
    for split in ("train", "test"):
        names = [f"{split}{row}.wav" for row in range(6)]
        sound(root, *names)
        rows = {
            "audio": [{"bytes": (root / name).read_bytes(), "path": name} for name in names],
            "label": [row % 2 for row in range(6)],
            "speaker_id": [f"{split}{row // 2}" for row in range(6)],
        }
        for name in names:
            (root / name).unlink()
        made = datasets.Dataset.from_dict(rows).cast_column("audio", datasets.Audio())
        made = made.cast_column("label", datasets.ClassLabel(names=["sad", "happy"]))
        made.to_parquet(str(root / f"{split}-00000-of-00001.parquet"))
    return f"hf/{root}"
