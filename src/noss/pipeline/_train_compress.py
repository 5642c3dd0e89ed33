"""Compression of a student while it trains: thin matrices, fewer outputs, or weights in int8.

What is kept of the student is compressed from the first checkpoint on, and so is what hears held-out speech. The student as it was
before is left in `RUN/uncompressed`, a model like any other.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from noss.errors import DataError
from noss.models import _compressed
from noss.pipeline import _train_checkpoint
from noss.pipeline._train_checkpoint import State
from noss.pipeline._train_compress_layers import chosen, followers, ranks, sides
from noss.pipeline._train_compress_settings import Int8, LowRank, Prune, Settings
from noss.pipeline._train_compress_weights import blend, inside, is_compressed, mask, original
from noss.pipeline._train_files import MODEL
from noss.runs import write_json

UNCOMPRESSED = "uncompressed"


class Compression:
    """The compression of one run's student.

    `record` is what `model.json` says of it.

    Args:
        student: What is compressed: changed at once, so before an objective or an optimiser sees it.
        settings: The recipe's.

    Raises:
        DataError: No such layer, or a rank that it cannot have.
        MissingExtraError: torchao is wanted and not here.
    """

    def __init__(self, student: nn.Module, settings: Settings) -> None:
        self._settings = settings
        self._layers = chosen(student, settings)
        self._behind = {name: to for name, to in followers(student).items() if name in self._layers}
        before = sum(one.numel() for one in student.parameters())
        self.record: dict[str, Any] = {}
        self._saved = 0
        if isinstance(settings, LowRank):
            self._begin_low_rank(settings)
        elif isinstance(settings, Prune):
            self._begin_prune(student, settings)
        else:
            self._begin_int8(student, settings)
        self.record["num_parameters"] = before - self._saved

    def check(self) -> None:
        """Make sure that an objective has not changed the same weights.

        Raises:
            DataError: It has, as `lora` does.
        """
        for name, part in self._layers.items():
            changes: Any = getattr(part, "parametrizations", {})
            if "weight" in changes and len(changes["weight"]) > (not isinstance(self._settings, Int8)):
                raise DataError(f"compress and the objective both change {name}: leave one out, such as lora")

    def before_step(self, step: int, objective: nn.Module, average: nn.Module | None, *, folder: Path | None) -> None:
        """Go where the schedule is at a step, in every copy of the student.

        Args:
            step: The step that is about to be taken.
            objective: What trains, with the student in it.
            average: The moving average of the student; None for none.
            folder: Where to leave the student before it is compressed; None where another process does.
        """
        settings = self._settings
        if isinstance(settings, Int8) or not settings.is_change(step):
            return
        if step == settings.begin and folder is not None:
            student: Any = objective.student if average is None else average
            leave_uncompressed(folder, _before(student), step=step - 1)
        self.before_look(step, objective, average)

    def before_look(self, step: int, objective: nn.Module, average: nn.Module | None) -> None:
        """Bring up to date what held-out speech hears after a step, and a checkpoint keeps, in every copy of the student.

        The student comes first, and moving averages of it, that of an objective too, follow.
        """
        settings = self._settings
        if isinstance(settings, Int8):
            return
        student: Any = objective.student
        own = {name: student.get_submodule(name) for name in self._layers}
        for part in own.values():
            inside(part).change(original(part), settings.done(step))
        for whole in (objective, average):
            for place, part in whole.named_modules() if whole is not None else ():
                if is_compressed(part) and part not in own.values():
                    leader = inside(own[_layer_at(place, own)])
                    inside(part).change(original(part), settings.done(step), leader=leader)

    def kept(self, student: nn.Module) -> dict[str, Tensor]:
        """The weights of the compressed student, by the names that they have in the compressed module."""
        if isinstance(self._settings, Int8):
            plain = copy.deepcopy(self._plain)
            plain.load_state_dict(student.state_dict())
            _compressed.to_int8(plain, lambda name: name in self._layers)
            return _compressed.int8_weights(plain)
        state = {name: value for name, value in student.state_dict().items() if "parametrizations." not in name}
        for name in self._layers:
            part: Any = student.get_submodule(name)
            if isinstance(self._settings, LowRank):
                state |= _thin(name, part, state.pop(f"{name}.bias", None))
            else:
                state |= _masked(name, part)
        for name, to in self._behind.items() if isinstance(self._settings, Prune) else ():
            stay = inside(student.get_submodule(name)).end > 0
            state[f"{name}.weight"] = state[f"{name}.weight"][stay]
            if f"{name}.bias" in state:
                state[f"{name}.bias"] = state[f"{name}.bias"][stay]
            state[f"{to}.weight"] = state[f"{to}.weight"][:, stay]
        return {name: value.detach() for name, value in state.items()}

    def _begin_low_rank(self, settings: LowRank) -> None:
        found = ranks(self._layers, settings)
        whole = {name: sides(part) for name, part in self._layers.items()}
        self._saved = sum(out * ins - found[name] * (out + ins) for name, (out, ins) in whole.items())
        self.record = {"kind": "low_rank", "layers": found}
        for name, part in self._layers.items():
            blend(part, rank=found[name])

    def _begin_prune(self, student: nn.Module, settings: Prune) -> None:
        for part in self._layers.values():
            mask(part, share=settings.share)
        sizes: dict[str, list[int]] = {}
        for name, to in self._behind.items():
            for one in (name, to):
                linear: Any = student.get_submodule(one)
                sizes.setdefault(one, [linear.in_features, linear.out_features])
            gone = inside(self._layers[name]).num_gone
            sizes[name][1] -= gone
            sizes[to][0] -= gone
        for name, (ins, outs) in sizes.items():
            whole: Any = student.get_submodule(name)
            lost = 0 if whole.bias is None else whole.out_features - outs
            self._saved += whole.in_features * whole.out_features - ins * outs + lost
        zeroed = [name for name in self._layers if name not in self._behind]
        self.record = {"kind": "prune", "layers": sizes, "zeroed": zeroed}

    def _begin_int8(self, student: nn.Module, settings: Int8) -> None:
        self._plain = copy.deepcopy(student)
        _compressed.to_int8(copy.deepcopy(student), lambda name: name in self._layers)  # says now what would fail later
        if settings.aware:
            _compressed.feel_int8(student, lambda name: name in self._layers)
        self.record = {"kind": "int8", "layers": dict.fromkeys(self._layers, 8)}


def leave_uncompressed(folder: Path, weights: Mapping[str, Tensor], *, step: int) -> None:
    """Leave the student as it is without compression in `RUN/uncompressed`, as a model of its own."""
    place = folder / UNCOMPRESSED
    known = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    state = State(step=step, student=weights, objective={}, average={}, optimizer={}, facts={"held_out": {}})
    _train_checkpoint.save(place / "checkpoints", state, best=True)
    write_json(place / MODEL, {**known, "compressed": None})


def _layer_at(place: str, layers: Iterable[str]) -> str:
    """The layer that a place in something around a copy of the student is, such as fc.0 at target.0.fc.0."""
    return max((name for name in layers if f".{place}".endswith(f".{name}")), key=len)


def _before(student: nn.Module) -> dict[str, Tensor]:
    """The weights under all blends and masks, by the names that the student was built with."""
    found = {}
    for name, value in student.state_dict().items():
        if "parametrizations." not in name:
            found[name] = value
        elif name.endswith(".original"):
            found[name.replace("parametrizations.", "").removesuffix(".original")] = value
    return found


def _thin(name: str, part: Any, bias: Tensor | None) -> dict[str, Tensor]:
    """The two matrices of a blended layer."""
    pair = inside(part)
    behind = original(part).shape[2:]
    found = {
        f"{name}.0.weight": pair.down.view(*pair.down.shape, *behind),
        f"{name}.1.weight": pair.up.view(*pair.up.shape, *behind),
    }
    return found if bias is None else {**found, f"{name}.1.bias": bias}


def _masked(name: str, part: Any) -> dict[str, Tensor]:
    """A masked layer without the outputs that go in the end."""
    stay = inside(part).end
    weight = original(part)
    found = {f"{name}.weight": weight * stay.view(-1, *([1] * (weight.ndim - 1)))}
    if part.bias is not None:
        found[f"{name}.bias"] = part.parametrizations.bias.original * stay
    return found
