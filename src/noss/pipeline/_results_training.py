"""Training runs in a results store: `results/training/<model>.json`, a file a run, named after the first of its models.

A file is a `Training`: all that the page of a run shows, but for the names of recordings that failed, and with `models`, the
names under which the weights are scored. It belongs to records by these names alone: `noss/small` is also what is meant by
`noss/small@3` or `noss/small+max`, and `trained/runs/a` by `trained/runs/a:start`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from noss import shelf
from noss.errors import DataError
from noss.pipeline._publish_paths import first_path
from noss.pipeline._results_analyses import OF_THIS_MACHINE
from noss.pipeline._schema import SCHEMA, complaint, parse, read_text, schema_of
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._verdict import Verdict
from noss.reports import Unit
from noss.reports._training import Look, Training
from noss.reports._training_smaller import Compressed
from noss.runs import slug

TRAINING: Final = "training"
_CHECKPOINT: Final = re.compile(r":(start|last|best)$")


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """What is read of a run's settings beside its recipe."""

    noss_version: str = ""
    python: str = ""
    machines: Sequence[str] = ()
    command: Sequence[str] | None = None


def training_schema() -> dict[str, Any]:
    """The JSON Schema of a file."""
    schema = schema_of(
        Training, title="A training run, and the models that its weights are: a file of results/training"
    )
    del schema["properties"]["failures"]
    return {**schema, "required": [*schema["required"], "models"]}


def training_path(folder: Path, model: str) -> Path:
    """The file of the run that made a model, in the folder `training`."""
    return folder / f"{slug(model)}.json"


def training_files(folder: Path) -> list[Path]:
    """The files in a folder `training`."""
    return sorted(path for path in folder.glob("*.json") if path.name != SCHEMA)


def read_trainings(store: Path) -> dict[str, Training]:
    """The training runs of a results store, by the name of their file without its suffix; none where there are none.

    Raises:
        DataError: A file breaks a rule of the store, or two are of one model.
    """
    found: dict[str, Training] = {}
    for path in training_files(store / TRAINING):
        training = read_training_file(path)
        check_unclaimed(training, found, where=path)
        found[path.stem] = training
    return found


def read_training_file(path: Path) -> Training:
    """The training run that a file of a results store tells of.

    Raises:
        DataError: It breaks a rule of the store.
    """
    training = training_of(parse(read_text(path), str(path)), where=path)
    if path.name != (own := training_path(path.parent, training.models[0]).name):
        raise DataError(f"{path} is of {training.models[0]}: it belongs in {own}")
    return training


def training_of(facts: Any, *, where: Path) -> Training:
    """A training run from plain facts.

    Raises:
        DataError: They are none that a results store may hold.
    """
    _check_fields(facts, where)
    if path := first_path(facts):
        raise DataError(f"{where} holds {_short(path)!r}, with a path of one machine: publish the run again")
    if not facts["models"]:
        raise DataError(f"{where} names no model: publish the run again, with --model where it has no other name")
    for model in facts["models"]:
        if OF_THIS_MACHINE.search(model):
            raise DataError(f"{where} names the model {model!r}, a path of one machine: give the name that others use")
        if weights_name(model) != model:
            raise DataError(f"{where} names {model!r}, of which the weights are {weights_name(model)!r}: name that")
    training = Training(
        **{
            **facts,
            "numbers": {name: [tuple(point) for point in points] for name, points in facts.get("numbers", {}).items()},
            "looks": [Look(**look) for look in facts.get("looks", [])],
            "units": {name: Unit(**unit) for name, unit in facts.get("units", {}).items()},
        }
    )
    if not training.is_done:
        steps = f"{training.step:,} of {training.recipe['steps']:,} steps"
        raise DataError(f"{where} has {steps} in a checkpoint: finish the run with `noss train`, then publish it")
    return training


def check_unclaimed(training: Training, others: Mapping[str, Training], *, where: Path) -> None:
    """Make sure that no other run says that it made the same model.

    Raises:
        DataError: One does.
    """
    for name, other in others.items():
        for model in training.models:
            if model in other.models:
                raise DataError(
                    f"{where} and {name}.json are both of {model}, which one run made: remove one of the two"
                )


def weights_name(model: str) -> str:
    """A model's name without layer, pooling and checkpoint: models of the same weights, and of the same run, share it."""
    parsed = shelf.parse_model(model)
    return _CHECKPOINT.sub("", f"{parsed.part}/{parsed.choice}" if parsed.choice else parsed.part)


def made_by(model: str, trainings: Mapping[str, Training]) -> str | None:
    """The file of the run that made a model, or of which it is a part, such as a copy from before it was made smaller."""
    name, found = weights_name(model), {}
    for stem, training in trainings.items():
        for own in training.models:
            if name == own or (own.startswith("trained/") and name.startswith(f"{own}/")):
                found[len(own)] = stem
    return found[max(found)] if found else None


def check_trainings(store: Path) -> Iterator[Verdict]:
    """A verdict on each file of the folder `training`."""
    found: dict[str, Training] = {}
    for path in training_files(store / TRAINING):
        name = f"{TRAINING}/{path.name}"
        try:
            training = read_training_file(path)
            check_unclaimed(training, found, where=path)
        except DataError as error:
            yield Verdict(name, False, str(error), files=[(str(path), str(error))])
        else:
            found[path.stem] = training
            yield Verdict(name, True, f"{training.recipe['steps']:,} steps of {' and '.join(training.models)}")


def _check_fields(facts: Any, where: Path) -> None:
    """The file's own fields, and of its parts those that are known here: a later version may have more."""
    wrong = complaint(facts, training_schema())
    for name, kind in {"recipe": Recipe, "compression": Compressed, "settings": _Settings}.items():
        if not wrong and (name == "recipe" or facts.get(name)):
            wrong = complaint(facts[name], _with_others(schema_of(kind, title=name)))
            wrong = f"{name}: {wrong}" if wrong else None
    if wrong:
        raise DataError(f"{where} {wrong}: publish the run again")


def _with_others(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that lets unknown fields stand."""
    return {
        key: _with_others(value) if isinstance(value, Mapping) else value
        for key, value in schema.items()
        if (key, value) != ("additionalProperties", False)
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."
