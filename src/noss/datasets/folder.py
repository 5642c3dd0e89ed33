"""Folders of clips: one sub-folder a class, or plain audio without labels. `folder/PATH`.

The target is `label`: the name of the first folder below the root, however deep the file lies. Where these first
folders are splits (`train`, `test`, and perhaps `val`), the second are the classes. Hidden files are ignored, links
followed. Speakers are unknown: use a table (`csv`) where they are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from sys import intern

from noss.datasets import Clip, Dataset, Split
from noss.datasets._files import folders, walk
from noss.errors import DataError

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
    listed = list(clips(root))
    classes = sorted({str(clip.labels["label"]) for clip in listed if clip.labels})
    return Dataset(
        title=root.absolute().name,
        source=str(root),
        licence="unknown",
        targets={"label": tuple(classes)} if len(classes) > 1 else {},
        metric="uar",
        num_clips=len(listed),
        hours=0.0,
        speakers="unknown",
        notes=() if len(classes) > 1 else ("There is no target: put the clips into one sub-folder a class.",),
    )


def clips(root: Path) -> Iterator[Clip]:
    """Every audio file below the folder, sorted.

    Raises:
        DataError: No such folder, or no audio in it.
    """
    if not root.is_dir():
        raise DataError(f"no folder {root}: give the path of a folder of audio files")
    by_split = _are_splits([folder.name for folder in folders(root)])
    depth, empty = len(root.parts), True
    for path in walk(root):
        empty = False
        below = path.parts[depth:-1]
        split, classes = (_SPLITS[below[0].lower()], below[1:]) if by_split and below else (None, below)
        yield Clip(path=path, labels={"label": intern(classes[0])} if classes else {}, split=split)
    if empty:
        raise DataError(f"no audio below {root}: give a folder that holds files such as .wav, .flac, .mp3 or .ogg")


def _are_splits(names: list[str]) -> bool:
    splits = {_SPLITS.get(name.lower()) for name in names}
    return {"train", "test"} <= splits and None not in splits
