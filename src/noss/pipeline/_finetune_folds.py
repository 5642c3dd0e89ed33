"""A net trained anew on each training fold of a task, and what it says about the clips left out.

The folds are those of the protocol `clean`, so that rows stand beside those of frozen embeddings. A fold's clips are written
to `fold-N/train.csv`, the only data that its training is given. Where the recipe's `validation` is above 0, the speakers of
one inner fold (or the published dev split) have the split dev in it: they choose the checkpoint, and do not train. Where it
is 0, all train and the last checkpoint is taken.
"""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import __version__, shelf
from noss.errors import DataError, Failure
from noss.identity import clip_ids
from noss.pipeline._clips import Task
from noss.pipeline._embed_machine import device_name
from noss.pipeline._finetune_predict import CLASS, open_net, predict_clips
from noss.pipeline._models import Model, open_model
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_data import Data, data_of, source_hash
from noss.pipeline._predictions_task import plain_facts, predictions_of
from noss.pipeline._split import Fold, Splits, folds
from noss.pipeline._train_checkpoint import best_of, checkpoints, load
from noss.pipeline._train_recipe import Recipe, read_recipe
from noss.pipeline.train import train
from noss.runs import signature, slug, write_text

PROBE = "finetune"
_COLUMNS = ("file", "start", "end", "speaker", "split", "label")


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How a net is fine-tuned: the recipe's file, what differs from it, and where things are."""

    source: Path
    changes: Sequence[str]
    out: Path
    cache: Path
    seed: int
    device: str
    workers: int | None

    @property
    def settings(self) -> list[str]:
        """What differs from the recipe's file in every fold."""
        return [*self.changes, "data=['train.csv']", "target=label", "watch=None", f"seed={self.seed}"]

    def recipe(self, *own: str) -> Recipe:
        """The recipe with its changes, and those of a fold."""
        return read_recipe(self.source, [*self.settings, *own])


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A task whose folds are laid out: nothing is trained yet."""

    task: Task
    data: Data
    ids: Sequence[str | None]
    failures: Sequence[Failure]
    split: Splits
    model: Model
    signature: str


def lay_out(task: Task, tuning: Tuning) -> Tuned:
    """The folds of a task, and a hash over all that its predictions depend on.

    Raises:
        DataError: The target is a number, the objective scores no classes, the recipe compresses, or the task cannot be split.
    """
    recipe = tuning.recipe()
    part = shelf.load("objectives", recipe.objective)
    if recipe.compress is not None:
        raise DataError(
            "fine-tuning by folds makes no net smaller: take compress out of the recipe, or --set compress=None"
        )
    if task.classes is None or not hasattr(part.Objective, "scores"):
        found = f"{task.name} has numbers" if task.classes is None else f"{recipe.objective} gives no scores of classes"
        raise DataError(f"{found}, and fine-tuning by folds learns classes: choose a task with classes, and classify")
    named = clip_ids(task.clips, cache=tuning.cache)
    failures = [one for one in named if isinstance(one, Failure)]
    ids = [None if isinstance(one, Failure) else one for one in named]
    data, model = data_of(task, ids, failures=failures), open_model(recipe.student, cache=tuning.cache)
    facts = {name: value for name, value in recipe.facts().items() if name not in ("data", "root")}
    source = source_hash(part)
    begun = None if recipe.start is None else open_model(recipe.start, cache=tuning.cache).revision
    key = signature(
        [model.revision, begun, facts, source, task.name, task.classes, task.metric, data.revision, __version__]
    )
    split = folds(task, seed=tuning.seed, ids=ids)
    return Tuned(task=task, data=data, ids=ids, failures=failures, split=split, model=model, signature=key)


def train_and_predict(tuned: Tuned, tuning: Tuning) -> tuple[Predictions, list[Failure]]:
    """Train a net a fold, and score the clips left out; and those that could not be read."""
    scores: dict[int, NDArray[np.float64]] = {}
    fold_of: dict[int, int] = {}
    lost, options, speed = list(tuned.failures), list[dict[str, Any]](), [0.0, 0.0]
    for place, fold in enumerate(tuned.split.folds):
        test_N = [row for row in fold.test_N.tolist() if tuned.ids[row] is not None]
        if not test_N:
            continue
        found, facts, (seconds, heard_s) = _one_fold(tuned, tuning, fold, place=place, test_N=test_N)
        options.append(facts)
        speed = [speed[0] + seconds, speed[1] + heard_s]
        lost += [one for one in found if isinstance(one, Failure)]
        scores |= {row: one for row, one in zip(test_N, found, strict=True) if not isinstance(one, Failure)}
        fold_of |= dict.fromkeys(test_N, place)
    return _predictions(tuned, tuning, scores, fold_of, options, speed=speed), lost


def _one_fold(
    tuned: Tuned, tuning: Tuning, fold: Fold, *, place: int, test_N: Sequence[int]
) -> tuple[list[NDArray[np.float64] | Failure], dict[str, Any], tuple[float, float]]:
    """What the fold's net says about its test clips, how it was trained, and the seconds it took and heard."""
    assert tuned.task.classes is not None
    name = f"{slug(f'{tuned.task.name}--{tuned.model.name}')}-{tuned.signature[:8]}"
    folder = tuning.out / PROBE / name / f"fold-{place}"
    labels = tuned.task.labels
    fit_N, dev_N = sides(fold, labels, validation=tuning.recipe().validation)
    fit, dev = ([row for row in rows.tolist() if tuned.ids[row] is not None] for rows in (fit_N, dev_N))
    write_table(folder / "train.csv", tuned.task, {"train": fit, "dev": dev})
    own = own_settings(tuning.recipe(), folder / "train.csv", num_dev=len(dev))
    given: dict[str, Any] = {"cache": tuning.cache, "device": tuning.device, "workers": tuning.workers}
    train(tuning.source, out=folder / "run", set=[*tuning.settings, *own], **given)
    state = load(best_of(folder / "run" / "checkpoints") or checkpoints(folder / "run" / "checkpoints")[-1])
    recipe = tuning.recipe(*own)
    net = open_net(recipe, folder / "run", state, cache=tuning.cache, device=tuning.device)
    since_s = time.perf_counter()
    clips = [tuned.task.clips[row] for row in test_N]
    found, heard_s = predict_clips(net, clips, classes=tuned.task.classes)
    facts = {"step": state.step, "steps": recipe.steps, "lr": recipe.lr, "num_train": len(fit), "num_dev": len(dev)}
    facts["num_unheard"] = _num_classes([*fit, *dev], labels) - _num_classes(fit, labels)
    return found, facts, (time.perf_counter() - since_s, heard_s)


def sides(
    fold: Fold, labels: Sequence[str | float], *, validation: float | str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows (N,) that train and those that choose the checkpoint; the latter are none where nothing is held out.

    Of the folds inside, it is the first that leaves the most classes to learn from.
    """
    if validation == 0 or not fold.inner:
        return fold.train_N, np.zeros(0, dtype=np.int64)
    return max(fold.inner, key=lambda pair: _num_classes(pair[0].tolist(), labels))


def write_table(path: Path, task: Task, rows: Mapping[str, Sequence[int]]) -> None:
    """Write clips of a task, by split, as the table that a fold's net learns from."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_lines(task, rows))
    write_text(path, text.getvalue())


def own_settings(recipe: Recipe, table: Path, *, num_dev: int) -> list[str]:
    """What a fold's training sets by itself: its data, and how much of it is looked at for the checkpoint."""
    held_out = "dev" if num_dev else "0"
    batches = max(1, math.ceil(num_dev * recipe.accumulate / recipe.batch_size))
    return [f"data={[f'csv/{table.absolute()}']!r}", f"validation={held_out}", f"validation_batches={batches}"]


def _num_classes(rows: Sequence[int], labels: Sequence[str | float]) -> int:
    return len({labels[row] for row in rows})


def _warnings(options: Sequence[Mapping[str, Any]]) -> list[str]:
    unheard = sum(one["num_unheard"] > 0 for one in options)
    if not unheard:
        return []
    return [
        f"{unheard} of {len(options)} nets never hear a class of their training set, all of whose speakers choose the checkpoint: "
        "--set validation=0 trains on all"
    ]


def _lines(task: Task, rows: Mapping[str, Sequence[int]]) -> Iterator[list[str | float]]:
    for split, some in rows.items():
        for row in some:
            clip = task.clips[row]
            end = "" if clip.end_s is None else clip.end_s
            place: list[str | float] = [str(clip.path.absolute()), clip.start_s, end]
            yield [*place, clip.speaker or "", split, f"{CLASS}{clip.labels[task.target]}"]


def _predictions(
    tuned: Tuned,
    tuning: Tuning,
    scores: Mapping[int, NDArray[np.float64]],
    fold_of: Mapping[int, int],
    options: Sequence[Mapping[str, Any]],
    *,
    speed: Sequence[float],
) -> Predictions:
    ids = [name if row in scores or row not in fold_of else None for row, name in enumerate(tuned.ids)]
    data, split = data_of(tuned.task, ids, failures=tuned.failures), tuned.split
    rows = sorted(scores)
    chosen = "the published dev split" if split.selection == "published dev split" else "one fold inside train"
    how = f"checkpoint chosen on {chosen}" if any(one["num_dev"] for one in options) else "last checkpoint"
    facts = plain_facts(
        data, tuned.model, split=split, seed=tuning.seed, speed=(speed[0], speed[1], device_name(tuning.device))
    )
    own = {
        "splits": f"{split.name}; a net trained on each training set, {how}",
        "probabilities": True,
        "warnings": [*facts["warnings"], *_warnings(options)],
        "ranked": True,
        "probe_options": [dict(one) for one in options],
        "num_train": round(float(np.mean([one["num_train"] for one in options]))),
        "protocol": "clean",
        "variant": "",
        "aside": False,
        "probe": PROBE,
        "signature": tuned.signature,
    }
    return predictions_of(
        data,
        {**facts, **own},
        rows_N=data.places(np.array(rows, dtype=np.int64)),
        folds=[fold_of[row] if len(split.folds) > 1 else None for row in rows],
        scores_NK=np.stack([scores[row] for row in rows]),
    )
