"""A training run as a file of a results store: what its page shows, thinned, without paths of this machine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from noss import shelf
from noss.errors import DataError, ModelError
from noss.pipeline._models_card import card_of
from noss.pipeline._publish_paths import shared
from noss.pipeline._request import words
from noss.pipeline._results_analyses import OF_THIS_MACHINE
from noss.pipeline._results_training import (
    check_unclaimed,
    read_training_file,
    training_files,
    training_of,
    training_path,
)
from noss.pipeline._train_page import read_training
from noss.reports._training import Training


def training_file(run: Path, folder: Path, *, models: Sequence[str], licences: Sequence[str]) -> tuple[Path, str]:
    """The file of a training run in the folder `training` of a results store, and its text.

    Raises:
        DataError: It is no training run or is not finished, a name means nothing on another machine or is another run's,
            or a file in the folder is broken.
        NossError: There is no such model.
    """
    training = read_training(run)
    named = [*_own_name(run), *words(models)]
    if not named:
        raise DataError(
            f"trained/{run} names nothing on another machine: give the run's folder by a path below where you are, or say "
            "with --model NAME under which name its weights ship"
        )
    for model in words(models):
        _check_model(model, training)
    stated = {**training.licences, **dict(map(_stated, licences))}
    facts = shared(_facts(replace(training, models=list(dict.fromkeys(named)), licences=stated, run=_place(run))))
    checked, path = training_of(facts, where=run), training_path(folder, named[0])
    others = {one.stem: read_training_file(one) for one in training_files(folder) if one != path}
    check_unclaimed(checked, others, where=path)
    return path, _text(facts)


def _own_name(run: Path) -> list[str]:
    """What records call a run's weights; nothing where that is a path of this machine."""
    name = f"trained/{run.as_posix()}"
    return [] if OF_THIS_MACHINE.search(name) else [name]


def _place(run: Path) -> str:
    return run.as_posix() if _own_name(run) else run.resolve().name


def _check_model(name: str, training: Training) -> None:
    """Make sure that there is such a model, and that it may have the run's weights."""
    if OF_THIS_MACHINE.search(name):
        raise DataError(f"--model {name} is a path of one machine: give the name that others use")
    parsed = shelf.parse_model(name)
    cards = getattr(shelf.load("models", parsed.part), "CARDS", {})
    if cards and (parsed.choice or "") not in cards:
        known = [f"{parsed.part}/{choice}" if choice else parsed.part for choice in cards]
        raise ModelError(f"no model {name!r}: {shelf.did_you_mean(name, known)}")
    card = card_of(name)
    if card is not None and training.dim is not None and card.dim != training.dim:
        sizes = f"has {card.dim:,} dimensions and this run's student {training.dim:,}"
        raise DataError(f"{name} {sizes}, so it is not what the run made: name the model that ships its weights")


def _stated(word: str) -> tuple[str, str]:
    name, _, licence = (part.strip() for part in word.rpartition("="))
    if not name or not licence:
        raise DataError(f"the licence {word!r} is not NAME=LICENCE: write, for example, 'Common Voice=CC0-1.0'")
    return name, licence


def _facts(training: Training) -> dict[str, Any]:
    """Plain facts of a run: numbers to six digits, looks that are numbers, no names of recordings nor of one kernel."""
    facts = asdict(training)
    del facts["failures"]
    facts["settings"].pop("platform", None)
    looks = [look for look in facts["looks"] if all(math.isfinite(look[end]) for end in ("value", "low", "high"))]
    numbers = {name: [[step, _rounded(value)] for step, value in points] for name, points in training.numbers.items()}
    return {**facts, "looks": looks, "numbers": numbers}


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _text(facts: Mapping[str, Any]) -> str:
    """JSON with a line a field, so that a change of one is seen as such."""
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in facts.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
