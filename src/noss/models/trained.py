"""A model that `noss train` made: `trained/RUN` for the best checkpoint, `trained/RUN:last` for the last.

The best is that of the watcher's suite where there was one, else that with the least loss on held-out speech. `trained/RUN:start`
is the student before its first step, with the weights that the run's seed draws: the control that an embedding must beat.
The folder holds what the student is (`model.json`) and its weights (`checkpoints/`); where the run kept a moving average of
the weights, that is the model. Weights are safetensors; no code is read from the folder.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss import shelf
from noss.errors import ModelError
from noss.models import Card, Embedder
from noss.models._files import existing, megabytes
from noss.models._start import take_over

if TYPE_CHECKING:
    from torch import Tensor

MODEL = "model.json"
_OWN_FACTS = {"weights", "proofs", "trained_on", "size_mb", "notes", "ranked", "licence"}


def card(choice: str) -> Card:
    """The facts of the student, with those of its training.

    Raises:
        ModelError: There is no such run, or it has no checkpoint yet.
    """
    folder, path = _paths(choice)
    known, is_start = _model(folder), path.name == MODEL
    names = [field.name for field in dataclasses.fields(Card)]
    facts: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in known["card"].items()
        if name in names and name not in _OWN_FACTS
    }
    if (small := known.get("compressed")) and not is_start:
        facts["num_parameters"] = small["num_parameters"]
    how = f"{known['objective']}{' from ' + known['teacher'] if known['teacher'] else ''}"
    return Card(
        **facts,
        licence="unknown",
        weights=str(path),
        size_mb=None if is_start else megabytes(path),
        trained_on=() if is_start else tuple(known["trained_on"]),
        ranked=not is_start,
        notes=f"{known['student']} as it was before it was trained by {how}."
        if is_start
        else f"{known['student']} trained by {how}.",
    )


def build(choice: str) -> Embedder:
    """The student with its trained weights, in evaluation mode.

    Raises:
        ModelError: The weights are not here, are damaged, or do not fit the student.
        MissingExtraError: They are in int8, and torchao is not here.
    """
    folder, path = _paths(choice)
    known = _model(folder)
    parsed = shelf.parse_model(known["student"])
    module: Any = shelf.load("models", parsed.part).build(parsed.choice or "", **known["options"])
    if path.name == MODEL:
        if start := known.get("start"):
            _refuse_code(folder, start)
            take_over(module, start, student=known["student"])
        untrained: Embedder = module.eval()
        return untrained
    small = known.get("compressed")
    try:
        if small:
            from noss.models._compressed import load_compressed

            load_compressed(module, _weights(path), small)
        else:
            module.load_state_dict(_weights(path))
    except RuntimeError as error:
        raise ModelError(
            f"{path} does not fit {known['student']} ({' '.join(str(error).split())[:200]}): train it again"
        ) from error
    embedder: Embedder = module.eval()
    return embedder


def _paths(choice: str) -> tuple[Path, Path]:
    """The run's folder, and the file of the weights."""
    name, _, which = choice.partition(":")
    if which not in {"", "best", "last", "start"}:
        raise ModelError(f"trained/{choice} asks for {which!r} and a run keeps best, last and start: write one of them")
    folder = existing(name, needed_by=f"trained/{choice}")
    if which == "start":
        return folder, existing(folder / MODEL, needed_by=f"trained/{choice}")
    watched = folder / "watch" / "best.json"
    if not which and watched.is_file():
        step = int(json.loads(watched.read_text(encoding="utf-8"))["step"])
        return folder, _paths(f"{folder / 'watch' / 'models' / f'{step:07d}'}:last")[1]
    steps = sorted(path for path in (folder / "checkpoints").glob("step-*") if path.is_dir())
    note = folder / "checkpoints" / "best.json"
    if not steps or not note.is_file():
        raise ModelError(f"{folder} has no checkpoint yet: train it with `noss train`, or name another folder")
    best = folder / "checkpoints" / Path(json.loads(note.read_text(encoding="utf-8"))["checkpoint"]).name
    path = steps[-1] if which == "last" else best
    return folder, existing(path / "student.safetensors", needed_by=f"trained/{choice}")


def _model(folder: Path) -> dict[str, Any]:
    path = existing(folder / MODEL, needed_by=f"trained/{folder}")
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    _refuse_code(folder, known["student"])
    return known


def _refuse_code(folder: Path, name: str) -> None:
    if shelf.parse_model(name).part.endswith(".py"):
        raise ModelError(f"{folder} was trained from {name}, which is code of its own: put it on the shelf")


def _weights(path: Path) -> Mapping[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read ({error}): use another checkpoint, or train again") from error
    return found
