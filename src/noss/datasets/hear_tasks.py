"""Tasks of the HEAR benchmark, as their archives unpack. `hear_tasks/DIR[/TARGET]`.

DIR is the folder of one task, `tasks/<task>-<version>-full`: `task_metadata.json`, `labelvocabulary.csv`, a list of labels a split (`train.json`, `valid.json`, `test.json`, or
`fold00.json` and so on) and the audio in `48000/train/*.wav`. Of several sample rates the highest is read; `DIR/16000`
names another. Classes keep the vocabulary's order, clips that of the lists.

A task with one label a clip has the target `label`. Of one with several labels a clip each label is a target, `present`
or `absent`: HEAR scores them by one network, here each is a task. Tasks that label moments are not supported.

The first metric of the metadata that is known here is the main one: `top1_acc` and `pitch_acc` are `accuracy`, `mAP` is
`average_precision`, `aucroc` is `auc`; `d_prime` is `dprime`, which averages areas before it turns them, where HEAR
averages afterwards. The lists do not say who speaks. `--protocols hear` scores as HEAR does.

Source: hearpreprocess 2021.1.1, and Turian et al., HEAR: Holistic Evaluation of Audio Representations (2022).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, Split
from noss.datasets._files import Finder
from noss.datasets._hear_task import HearTask, read_task
from noss.errors import DataError

ROOT = "folder"
_METRICS = {
    "top1_acc": "accuracy",
    "pitch_acc": "accuracy",
    "mAP": "average_precision",
    "aucroc": "auc",
    "d_prime": "dprime",
}
_SPLITS: dict[str, Split] = {"train": "train", "valid": "dev", "test": "test"}
_PRESENCE = ("absent", "present")


def describe(root: Path) -> Dataset:
    """The facts of a task: its classes, metric, splits and counts.

    Raises:
        DataError: The folder is no HEAR task, one of a kind that is not supported, or a list of it makes no sense.
    """
    task = read_task(root)
    counts = Counter(split for split in task.splits for _ in task.clips(split))
    num_clips = counts.total()
    return Dataset(
        title=f"HEAR 2021, {task.facts['task_name']} {task.facts.get('version', '')}".strip(),
        source="https://hearbenchmark.com/hear-tasks.html",
        licence="unknown",
        citation="Turian et al., HEAR: Holistic Evaluation of Audio Representations, 2022, arXiv:2203.03022",
        targets=dict.fromkeys(task.vocabulary, _PRESENCE) if task.is_multilabel else {"label": task.vocabulary},
        metric=_metric(task),
        num_clips=num_clips,
        hours=num_clips * float(task.facts.get("sample_duration") or 0.0) / 3_600,
        speakers="unknown",
        num_by_split={} if task.has_folds else {_SPLITS[split]: counts[split] for split in task.splits},
        notes=_notes(task),
    )


def clips(root: Path) -> Iterator[Clip]:
    """Every clip of every split, in the lists' order.

    Raises:
        DataError: The folder is no HEAR task, one of a kind that is not supported, a list of it makes no sense, or none
            of its audio is there.
    """
    task, finder = read_task(root), Finder()
    for place, split in enumerate(task.splits):
        for file, labels in task.clips(split):
            yield Clip(
                path=Path(finder.find(f"{task.audio}/{split}/{file}")),
                labels=_labels(task, labels),
                split=None if task.has_folds else _SPLITS[split],
                fold=place if task.has_folds else None,
            )
    if not finder.num_found:
        raise DataError(
            f"no clip of {task.facts['task_name']} in {task.audio}: it needs {task.splits[0]}/*.wav and so on; "
            "unpack the archive of that sample rate"
        )


def _labels(task: HearTask, labels: list[str]) -> dict[str, str]:
    if not task.is_multilabel:
        return {"label": labels[0]}
    return {name: _PRESENCE[name in labels] for name in task.vocabulary}


def _metric(task: HearTask) -> str:
    """The first metric that is known here; of a label that is there or not, none that takes both sides alike."""
    known = [_METRICS[name] for name in map(str, task.facts["evaluation"]) if name in _METRICS]
    fitting = [name for name in known if not task.is_multilabel or name in {"auc", "dprime"}]
    return next(iter(fitting), "auc" if task.is_multilabel else "accuracy")


def _notes(task: HearTask) -> tuple[str, ...]:
    unknown = [str(name) for name in task.facts["evaluation"] if str(name) not in _METRICS]
    notes = [f"HEAR also reports {', '.join(unknown)}, which has no counterpart here."] if unknown else []
    if task.is_multilabel:
        notes.append("Each label is a target of its own, present or absent; HEAR scores all labels by one network.")
    return tuple(notes)
