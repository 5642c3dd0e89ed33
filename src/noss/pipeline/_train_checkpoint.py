"""Checkpoints of a training run: a folder each, whole or not there, without a byte of pickled code.

`step-0000200/` holds `student.safetensors`, which is the model; and what a run needs to go on: `objective.safetensors` (the
student as it trains, and the objective's own weights), `average.safetensors`, `optimizer.safetensors` and `state.json`. Random numbers need no place: every draw is a
function of the seed and the step. `best.json` says which checkpoint is the best.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from noss import __version__
from noss.errors import ModelError, StoreError
from noss.runs import settle, write_json

if TYPE_CHECKING:
    from torch import Tensor

FORMAT: Final = 1
_NAME = re.compile(r"step-(\d{7})")


@dataclass(frozen=True, kw_only=True)
class State:
    """What a run needs to go on.

    Attributes:
        step: Steps done.
        student: The weights of the model: the average where there is one, in the names of the untrained student.
        objective: Weights of the student and of the objective, by name.
        average: The moving average of the student's weights; empty for none.
        optimizer: The optimiser's numbers, by name.
        facts: Plain facts beside them, such as the loss on held-out speech.
    """

    step: int
    student: Mapping[str, Tensor]
    objective: Mapping[str, Tensor]
    average: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def save(folder: Path, state: State, *, best: bool) -> Path:
    """Write a checkpoint below `folder`; then remove older ones but the best.

    Raises:
        StoreError: The disk is full, or the folder cannot be written; earlier checkpoints are as they were.
    """
    from safetensors.torch import save_file

    target = folder / f"step-{state.step:07d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        temporary = Path(tempfile.mkdtemp(prefix=".step-", suffix=".tmp", dir=folder))
        try:
            for name in ("student", "objective", "average", "optimizer"):
                if tensors := getattr(state, name):
                    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
                    save_file(whole, temporary / f"{name}.safetensors")
            facts = {"format": FORMAT, "noss_version": __version__, "step": state.step, **state.facts}
            write_json(temporary / "state.json", facts)
            settle(temporary)
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise _unwritten(target, error) from error
    if best or best_of(folder) is None:
        write_json(folder / "best.json", {"checkpoint": target.name})
    for path in checkpoints(folder)[:-1]:
        if path != best_of(folder):
            shutil.rmtree(path, ignore_errors=True)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints below a folder, the oldest first."""
    return sorted(path for path in folder.glob("step-*") if _NAME.fullmatch(path.name) and path.is_dir())


def best_of(folder: Path) -> Path | None:
    """The best checkpoint below a folder; None where there is none."""
    note = folder / "best.json"
    if not note.is_file():
        return None
    found = folder / str(json.loads(note.read_text(encoding="utf-8"))["checkpoint"])
    return found if _NAME.fullmatch(found.name) and found.is_dir() else None


def load(path: Path) -> State:
    """The state that a checkpoint holds.

    Raises:
        ModelError: It is no checkpoint, is damaged, was written by a newer version, or holds pickled code.
    """
    facts = read_facts(path)
    return State(
        step=int(facts["step"]),
        student=tensors(path / "student.safetensors"),
        objective=tensors(path / "objective.safetensors"),
        average=tensors(path / "average.safetensors") if (path / "average.safetensors").is_file() else {},
        optimizer=tensors(path / "optimizer.safetensors") if (path / "optimizer.safetensors").is_file() else {},
        facts=facts,
    )


def read_facts(path: Path) -> dict[str, Any]:
    """The plain facts of a checkpoint.

    Raises:
        ModelError: It is no checkpoint, was written by a newer version, or holds pickled code.
    """
    for file in sorted(path.iterdir()) if path.is_dir() else []:
        if file.suffix not in {".safetensors", ".json"}:
            raise ModelError(f"{file} is no part of a checkpoint and may hold code: weights are safetensors; remove it")
    try:
        facts: dict[str, Any] = json.loads((path / "state.json").read_text(encoding="utf-8"))
        newer, _ = int(facts["format"]) > FORMAT, int(facts["step"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is no checkpoint ({error}): give the folder that `noss train` wrote") from error
    if newer:
        version = facts.get("noss_version")
        raise ModelError(f"{path} was written by noss {version} and this is {__version__}: install that or a later one")
    return facts


def tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        ModelError: It is not there, or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read ({error}): use another checkpoint, or train again") from error
    return found


def _unwritten(target: Path, error: OSError) -> StoreError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "free some space" if full else "choose a folder that can be written"
    return StoreError(
        f"cannot write {target}: {error.strerror}; the checkpoint before it is whole; {advice} and run again"
    )


def _sweep(folder: Path) -> None:
    """Remove what a killed run left of a checkpoint."""
    for path in folder.glob(".step-*.tmp"):
        shutil.rmtree(path, ignore_errors=True)
