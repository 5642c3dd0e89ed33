"""A folder of a HEAR task as hear-preprocess leaves it: its metadata, its vocabulary and its lists of labels.

Source: hearpreprocess 2021.1.1, `pipeline.py` (the tasks `SubcorpusMetadata`, `MetadataVocabulary` and `FinalCombine`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noss.datasets import _lists
from noss.datasets._files import folders
from noss.errors import DataError

METADATA = "task_metadata.json"
_NEEDED = ("task_name", "embedding_type", "prediction_type", "split_mode", "splits", "evaluation")
_TYPES = ("multiclass", "multilabel")
_FOLDED = ("new_split_kfold", "presplit_kfold")
_SPLITS = {"train", "valid", "test"}


@dataclass(frozen=True, kw_only=True)
class HearTask:
    """A task's folder, what its metadata say, the folder of one sample rate in it, and its labels in their order."""

    folder: Path
    audio: Path
    facts: Mapping[str, Any]
    vocabulary: tuple[str, ...]

    @property
    def splits(self) -> list[str]:
        """The names of its splits, or of its folds in the order of their names."""
        names = [str(name) for name in self.facts["splits"]]
        return sorted(names) if self.has_folds else names

    @property
    def has_folds(self) -> bool:
        """Whether its splits are folds."""
        return str(self.facts["split_mode"]) in _FOLDED

    @property
    def is_multilabel(self) -> bool:
        """Whether a clip may have several labels, or none."""
        return str(self.facts["prediction_type"]) == "multilabel"

    def clips(self, split: str) -> Iterator[tuple[str, list[str]]]:
        """The file and the labels of every clip of a split, in the list's order.

        Raises:
            DataError: The list is not there or makes no sense, or a label is not in the vocabulary.
        """
        path, known = self.folder / f"{split}.json", frozenset(self.vocabulary)
        for file, labels in _object(path).items():
            if not isinstance(labels, list) or not all(isinstance(label, str | int | float) for label in labels):
                raise DataError(f"{path}: {file!r} has {labels!r} and a list of labels is needed: unpack it again")
            names = [str(label) for label in labels]
            if not self.is_multilabel and len(names) != 1:
                raise DataError(f"{path}: {file!r} has {len(names)} labels and one is needed: unpack it again")
            unknown = [name for name in names if name not in known]
            if unknown:
                raise DataError(
                    f"{path}: {file!r} is labelled {unknown[0]!r}, which labelvocabulary.csv lacks: unpack it again"
                )
            yield file, names


def read_task(root: Path) -> HearTask:
    """The task in a folder, or in the folder above where the root is that of one sample rate.

    Raises:
        DataError: The folder is no HEAR task, or one of a kind that is not supported.
    """
    folder = root.absolute().parent if _is_rate(root) and not (root / METADATA).is_file() else root
    if not (folder / METADATA).is_file():
        raise DataError(_no_task(root))
    facts = _object(folder / METADATA)
    absent = [name for name in _NEEDED if name not in facts]
    if absent:
        raise DataError(f"{folder / METADATA} lacks {', '.join(absent)}: unpack the task's archive again")
    _check_kind(folder, facts)
    audio = root if folder != root else _highest_rate(root)
    return HearTask(folder=folder, audio=audio, facts=facts, vocabulary=_vocabulary(folder))


def _check_kind(folder: Path, facts: Mapping[str, Any]) -> None:
    name = facts["task_name"]
    if facts["embedding_type"] != "scene":
        raise DataError(
            f"{name} in {folder} labels moments (embedding_type {facts['embedding_type']!r}) and whole clips are scored "
            "here: take a task of embedding_type 'scene'"
        )
    if facts["prediction_type"] not in _TYPES:
        raise DataError(
            f"{name} in {folder} has the prediction_type {facts['prediction_type']!r} and one of {' and '.join(_TYPES)} is "
            "needed: take another task"
        )
    splits, is_folded = facts["splits"], facts["split_mode"] in _FOLDED
    if not isinstance(splits, list) or not isinstance(facts["evaluation"], list):
        raise DataError(f"{folder / METADATA}: splits and evaluation must be lists: unpack the task's archive again")
    if len(splits) < 2 or not (is_folded or (facts["split_mode"] == "trainvaltest" and set(splits) == _SPLITS)):
        raise DataError(
            f"{folder / METADATA}: split_mode {facts['split_mode']!r} with the splits {splits} is neither train, valid and "
            "test nor folds: unpack the task's archive again"
        )


def _no_task(root: Path) -> str:
    inner = [folder for folder in folders(root) if (folder / METADATA).is_file()] if root.is_dir() else []
    if inner:
        return f"{root} holds {len(inner)} HEAR tasks and one is needed: give one of them, such as {inner[0]}"
    return (
        f"no {METADATA} in {root}: give the folder of one task, as its archive unpacks it (tasks/<task>-<version>-full)"
    )


def _is_rate(folder: Path) -> bool:
    return folder.name.isdigit()


def _highest_rate(root: Path) -> Path:
    rates = [folder for folder in folders(root) if _is_rate(folder)]
    if not rates:
        raise DataError(f"{root} has no folder of a sample rate such as 48000 or 16000: unpack an archive with audio")
    return max(rates, key=lambda folder: int(folder.name))


def _vocabulary(folder: Path) -> tuple[str, ...]:
    """The labels in the order of their index."""
    path = folder / "labelvocabulary.csv"
    by_index: dict[int, str] = {}
    for line, (index, label) in _lists.rows(path, "idx", "label"):
        if not index.isdigit() or int(index) in by_index or label in by_index.values():
            raise _lists.wrong_line(path, line, f"{index},{label} is no new index and label: unpack it again")
        by_index[int(index)] = label
    if sorted(by_index) != list(range(len(by_index))) or len(by_index) < 2:
        raise DataError(
            f"{path} numbers {len(by_index)} labels and 0, 1, ... of two or more is needed: unpack it again"
        )
    return tuple(by_index[index] for index in range(len(by_index)))


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; unpack the task's archive again") from error
    except ValueError as error:
        raise DataError(f"{path} is no JSON ({error}): unpack the task's archive again") from error
    if not isinstance(found, dict):
        raise DataError(f"{path} holds no JSON object and one is needed: unpack the task's archive again")
    return found
