"""Every dataset is the same on an object store: the small copy of each, here and on fsspec's memory file system."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from noss import shelf
from noss.datasets import Clip
from noss.errors import PlaceError
from noss.pipeline._clips import open_dataset
from noss.places import path_of

fsspec = pytest.importorskip("fsspec")
COPIED = {"hf", "tfds", "webdataset"}  # their audio lies in archives, which are unpacked into the cache first
MADE = {"demo"}
LARGE = {"dementiabank", "speechocean762", "voxceleb1", "voxlingua107"}  # thousands of files
ALL = [name for name in shelf.names("datasets") if name not in MADE | COPIED]
PARTS = [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in ALL]


def _small(part: str, root: Path) -> str:
    root.mkdir()
    name: str = importlib.import_module(f"miniatures.{part}").build(root)
    fsspec.filesystem("memory").put(str(root), f"/corpora/{part}", recursive=True)
    return name


def _told(clip: Clip, *roots: Path) -> Any:
    place = str(clip.path)
    for root in roots:  # a list may name its files in full
        place = place.removeprefix(str(root))
    return place, clip.labels, clip.speaker, clip.split, clip.fold, clip.start_s, clip.end_s, clip.facts


@pytest.mark.parametrize("part", PARTS)
def test_clips_are_the_same_on_a_store(part: str, tmp_path: Path) -> None:
    if part in {"audformat"}:
        pytest.importorskip("audformat")
    here, there = tmp_path / part, path_of(f"memory://corpora/{part}")
    name = _small(part, here)
    _, clips, _ = open_dataset(name, roots={part: here})
    _, others, _ = open_dataset(name.replace(str(here), str(there)), roots={part: there})
    assert [_told(clip, there, here) for clip in others] == [_told(clip, here) for clip in clips]


@pytest.mark.parametrize("part", sorted(COPIED))
def test_archives_on_a_store_are_refused_in_one_line(part: str) -> None:
    with pytest.raises(PlaceError, match="copy it to a folder"):
        open_dataset(f"{part}/memory://corpora/{part}", roots={})
