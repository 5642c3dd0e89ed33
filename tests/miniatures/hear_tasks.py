"""A task of HEAR with two words and silence, in the layout that hear-preprocess leaves: two sample rates, three splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from miniatures import sound

WORDS = ("_silence_", "no", "yes")
METADATA: dict[str, Any] = {
    "task_name": "speech_commands",
    "version": "v0.0.2",
    "embedding_type": "scene",
    "prediction_type": "multiclass",
    "split_mode": "trainvaltest",
    "sample_duration": 0.1,
    "evaluation": ["top1_acc", "mAP", "d_prime", "aucroc"],
    "default_mode": "full",
    "max_task_duration_by_split": {"test": None, "train": None, "valid": None},
    "splits": ["train", "valid", "test"],
    "mode": "full",
}


def write(
    folder: Path, labels: dict[str, dict[str, list[Any]]], *, rates: tuple[int, ...] = (48000,), **facts: Any
) -> Path:
    """A task's folder, from the labels of every file of every split; a fact given here replaces the miniature's."""
    names = sorted({str(label) for files in labels.values() for found in files.values() for label in found})
    for rate in rates:
        sound(folder, *(f"{rate}/{split}/{file}" for split, files in labels.items() for file in files))
    (folder / "task_metadata.json").write_text(json.dumps({**METADATA, "splits": list(labels), **facts}, indent=True))
    vocabulary = [f"{number},{name}" for number, name in enumerate(names)]
    (folder / "labelvocabulary.csv").write_text("\n".join(["idx,label", *vocabulary]) + "\n")
    for split, files in labels.items():
        (folder / f"{split}.json").write_text(json.dumps(files, indent=True))
        counts = [label for found in files.values() for label in found]
        shares = {str(label): counts.count(label) / len(counts) for label in counts}
        (folder / f"labelcount_{split}.json").write_text(json.dumps(shares, indent=True))
    return folder


def build(root: Path) -> str:
    sizes = {"train": 12, "valid": 6, "test": 6}
    labels = {
        split: {f"{WORDS[row % 3].strip('_')}-{split}{row:02d}-nohash-0.wav": [WORDS[row % 3]] for row in range(size)}
        for split, size in sizes.items()
    }
    write(root, labels, rates=(16000, 48000))
    return f"hear_tasks/{root}"
