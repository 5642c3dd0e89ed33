"""Folders of clips: one sub-folder a class, or plain audio without labels. `folder/PATH`.

The target is `label`: the name of the first folder below the root, however deep the file lies. Where these first
folders are splits (`train`, `test`, and perhaps `val`), the second are the classes. Hidden files are ignored, links
followed. Speakers are unknown: use a table (`csv`) where they are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Split
from noss.datasets._files import folders, walk
from noss.errors import DataError

ROOT = "folder"
_SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train",
    "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
    "test": "test", "testing": "test",
}  # fmt: skip


def describe(root: Path) -> Dataset:
    """The facts of a folder: its classes and how many clips it holds.

    Raises:
        DataError: No such folder, or no audio in it.
    """
    num_clips, found = 0, set[str | None]()
    for _, label, _ in _audio(root):
        num_clips += 1
        found.add(label)
    classes = sorted(label for label in found if label is not None)
    return Dataset(
        title=root.absolute().name,
        source=str(root),
        licence="unknown",
        targets={"label": tuple(classes)} if len(classes) > 1 else {},
        metric="uar",
        num_clips=num_clips,
        hours=0.0,
        speakers="unknown",
        notes=() if len(classes) > 1 else ("There is no target: put the clips into one sub-folder a class.",),
    )


def clips(root: Path) -> Iterator[Clip]:
    """Every audio file below the folder, sorted.

    Raises:
        DataError: No such folder, or no audio in it.
    """
    labels: dict[str | None, Mapping[str, str]] = {None: {}}
    for file, label, split in _audio(root):
        if label is not None and label not in labels:
            labels[label] = {"label": label}
        yield Clip(path=root / file, labels=labels[label], split=split)


def _audio(root: Path) -> Iterator[tuple[str, str | None, Split | None]]:
    """Each file as seen from the root, its class and its split."""
    if not root.is_dir():
        raise DataError(f"no folder {root}: give the path of a folder of audio files")
    by_split = _are_splits([folder.name for folder in folders(root)])
    file = None
    for file in walk(root):
        above = file.split("/")[:-1]
        split = _SPLITS[above.pop(0).lower()] if by_split and above else None
        yield file, above[0] if above else None, split
    if file is None:
        raise DataError(f"no audio below {root}: give a folder that holds files such as .wav, .flac, .mp3 or .ogg")


def _are_splits(names: list[str]) -> bool:
    splits = {_SPLITS.get(name.lower()) for name in names}
    return {"train", "test"} <= splits and None not in splits
