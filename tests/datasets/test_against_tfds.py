"""crema_d, savee and dementiabank against the builders of TensorFlow Datasets, file by file."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tfds_builder import Record, built

from noss import shelf
from noss.datasets import Clip

SPLITS = {"train": "train", "dev": "validation", "test": "test"}
CREMA_D = "https://raw.githubusercontent.com/CheyneyComputerScience/CREMA-D/master/processedResults/summaryTable.csv"
CREMA_D_WAV = "https://media.githubusercontent.com/media/CheyneyComputerScience/CREMA-D/master/AudioWAV/"

pytestmark = pytest.mark.slow


def miniature(name: str, root: Path) -> list[Clip]:
    root.mkdir()
    importlib.import_module(f"miniatures.{name}").build(root)
    return list(shelf.load("datasets", name).clips(root))


def records(clips: Iterable[Clip], target: str) -> dict[str, list[Record]]:
    """Our clips as the builders' records, keyed by the file's name without its suffix."""
    found: dict[str, list[Record]] = {name: [] for name in SPLITS.values()}
    for clip in clips:
        assert clip.split is not None
        found[SPLITS[clip.split]].append((clip.path.stem, str(clip.labels[target]), clip.speaker))
    return {split: sorted(rows) for split, rows in found.items()}


def stems(records: Mapping[str, list[Record]]) -> dict[str, list[Record]]:
    """The builders' records without what they put around a file's name in their keys."""
    return {
        split: sorted((key.removesuffix(".mp3").removeprefix(f"{who}_"), label, who) for key, label, who in rows)
        for split, rows in records.items()
    }


def test_crema_d_agrees_with_tensorflow_datasets_file_by_file(tmp_path: Path) -> None:
    clips = miniature("crema_d", tmp_path / "corpus")
    wavs = sorted((tmp_path / "corpus/AudioWAV").glob("*.wav"))
    downloads = {CREMA_D: tmp_path / "corpus/processedResults/summaryTable.csv"}
    downloads |= {CREMA_D_WAV + path.name: path for path in wavs}
    theirs = built("crema_d", data_dir=tmp_path / "tfds", downloads=downloads)
    assert records(clips, "emotion") == theirs
    assert sum(map(len, theirs.values())) == len(clips) == 455


def test_savee_agrees_with_tensorflow_datasets_file_by_file(tmp_path: Path) -> None:
    clips = miniature("savee", tmp_path / "corpus")
    shutil.make_archive(str(tmp_path / "manual/AudioData"), "zip", tmp_path / "corpus")
    theirs = built("savee", data_dir=tmp_path / "tfds", manual_dir=tmp_path / "manual")
    assert records(clips, "emotion") == stems(theirs)
    assert {split: len(rows) for split, rows in theirs.items()} == {"train": 240, "validation": 120, "test": 120}


def test_dementiabank_agrees_with_tensorflow_datasets_file_by_file(tmp_path: Path) -> None:
    clips = miniature("dementiabank", tmp_path / "corpus")
    theirs = built("dementiabank", data_dir=tmp_path / "tfds", manual_dir=tmp_path / "corpus")
    assert records(clips, "diagnosis") == stems(theirs)
    assert sum(map(len, theirs.values())) == len(clips)
