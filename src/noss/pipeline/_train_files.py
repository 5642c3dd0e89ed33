"""The files of a training run's folder: the recipe it was begun with, what its model is, what could not be used."""

from __future__ import annotations

import csv
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from noss import __version__
from noss.errors import DataError, Failure
from noss.pipeline._embed_machine import device_name
from noss.pipeline._models import Model
from noss.pipeline._run_files import write_failures
from noss.pipeline._train_checkpoint import checkpoints
from noss.pipeline._train_recipe import Recipe, difference
from noss.runs import write_json, write_text

MODEL: Final = "model.json"
COMPRESSION: Final = "compression.json"
_NEEDED: Final = {"student", "objective", "data", "steps", "batch_size"}
_PACKAGES: Final = ("torch", "accelerate", "numpy", "safetensors", "soundfile", "soxr")


def claim(folder: Path, recipe: Recipe, *, source: Path, options: Sequence[str] = ()) -> None:
    """Note in `run.json` what a run is begun with; once it has a checkpoint, make sure that it goes on with the same.

    Raises:
        DataError: The folder was begun with another recipe; the message says in what they differ.
    """
    path = folder / "run.json"
    if path.is_file() and checkpoints(folder / "checkpoints"):
        known = json.loads(path.read_text(encoding="utf-8"))["recipe"]
        if changes := difference(known, json.loads(json.dumps(recipe.facts()))):
            raise DataError(
                f"{folder} was begun with another recipe ({'; '.join(changes)}): give a new --out, or the recipe as it was"
            )
        return
    write_text(folder / "recipe.py", source.read_text(encoding="utf-8"))
    write_json(
        path,
        {
            "noss_version": __version__,
            "command": _command(folder, source, options),
            "recipe": recipe.facts(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": {name: metadata.version(name) for name in _PACKAGES},
        },
    )


def _command(folder: Path, source: Path, options: Sequence[str]) -> list[str]:
    """The line that began a run, or, where Python did, the line that does the same."""
    program = Path(sys.argv[0])
    if program.stem == "noss" or program.parts[-2:] == ("noss", "__main__.py"):
        return ["noss", *sys.argv[1:]]
    return ["noss", "train", str(source), "--out", str(folder), *options]


def note_machine(folder: Path, *, device: str, processes: int) -> None:
    """Note in `run.json` where a run goes on; a run may see several machines."""
    path = folder / "run.json"
    known = json.loads(path.read_text(encoding="utf-8"))
    here = f"{device_name(device)}{f', {processes} processes' if processes > 1 else ''}"
    if here not in known.get("machines", []):
        write_json(path, {**known, "machines": [*known.get("machines", []), here]})


def is_training(settings: Mapping[str, Any]) -> bool:
    """Whether what a folder's `run.json` says is of a training run."""
    recipe = settings.get("recipe")
    return isinstance(recipe, Mapping) and set(recipe) >= _NEEDED


def write_model(
    folder: Path,
    recipe: Recipe,
    student: Model,
    options: Mapping[str, Any],
    *,
    start_revision: str | None,
    classes: Sequence[str],
    compressed: Mapping[str, Any] | None = None,
) -> None:
    """Write what the weights in the checkpoints belong to, so that the folder is a model by itself."""
    write_json(
        folder / MODEL,
        {
            "student": recipe.student,
            "start": recipe.start,
            "start_revision": start_revision,
            "options": dict(options),
            "card": asdict(student.card),
            "objective": recipe.objective,
            "trained_on": list(recipe.shares),
            "teacher": " and ".join(recipe.teachers) or None,
            "classes": list(classes),
            "compressed": compressed,
        },
    )


def write_broken(folder: Path, recipe: Recipe, broken: Mapping[str, str]) -> None:
    """Write `failures.csv`: recordings that could not be used, with the reason."""
    rows = [Failure(file=file, start_s=0.0, end_s=None, stage="read", reason=why) for file, why in broken.items()]
    write_failures(folder / "failures.csv", {recipe.student: rows})


def read_broken(folder: Path) -> list[Failure]:
    """The recordings that a run could not use."""
    path = folder / "failures.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Failure(file=row["file"], start_s=0.0, end_s=None, stage=row["stage"], reason=row["reason"])
            for row in csv.DictReader(file)
        ]
