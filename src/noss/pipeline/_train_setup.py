"""What a training run starts from: the student, the objective around it, its optimiser and its schedule."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from noss import shelf
from noss.errors import ModelError
from noss.models._start import take_over
from noss.objectives import Needs
from noss.pipeline._models import Model, open_model
from noss.pipeline._train_classes import codes
from noss.pipeline._train_recipe import Recipe
from noss.shelf import did_you_mean


@dataclass(frozen=True)
class Student:
    """A model that can be trained: its facts, module and options, and the revision of what its weights are from, if of another."""

    model: Model
    module: nn.Module
    options: Mapping[str, Any]
    start_revision: str | None = None


def open_student(recipe: Recipe, *, cache: Path) -> Student:
    """The student of a recipe, built, with weights drawn by its seed.

    Raises:
        ModelError: It cannot be built, or is no module with trainable weights.
    """
    options = dict(recipe.student_options)
    build = getattr(shelf.load("models", shelf.parse_model(recipe.student).part), "build", None)
    if build is not None and "seed" in inspect.signature(build).parameters:
        options.setdefault("seed", recipe.seed)
    model, begun = open_model(recipe.student, cache=cache, **options), None
    module: Any = model.build()
    if not isinstance(module, nn.Module) or not any(weights.requires_grad for weights in module.parameters()):
        raise ModelError(
            f"{recipe.student} has no weights that torch can train: choose an architecture, such as audiontt/512"
        )
    if recipe.start is not None:
        begun = open_model(recipe.start, cache=cache).revision  # says, too, what is wrong with its name, or its weights
        take_over(module, recipe.start, student=recipe.student)
    return Student(model, module, model.options, start_revision=begun)


def needs_of(recipe: Recipe) -> Needs:
    """What the objective of a recipe wants in a batch.

    Raises:
        UnknownPartError: No such objective.
    """
    needs: Needs = shelf.load("objectives", recipe.objective).NEEDS
    return needs


def make_objective(
    recipe: Recipe, student: nn.Module, *, dim: int, teacher_dim: int | None, classes: Sequence[str]
) -> nn.Module:
    """The objective of a recipe around its student; its own weights are drawn by the seed.

    Raises:
        ModelError: It knows no such option, or cannot be made from this student.
    """
    made = shelf.load("objectives", recipe.objective).Objective
    given: dict[str, Any] = dict(recipe.objective_options)
    known = [name for name in inspect.signature(made).parameters if name != "student"]
    for name in given:
        if name not in known:
            raise ModelError(f"{recipe.objective} has no option {name!r}: {did_you_mean(name, known)}")
    found: dict[str, Any] = {"dim": dim, "teacher_dim": teacher_dim, "num_classes": len(classes) or None}
    if "columns" in known and recipe.target is not None:
        found["columns"] = codes(classes, recipe.target)
    given |= {name: value for name, value in found.items() if name in known and value is not None}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        objective: nn.Module = made(student, **given)
    return objective


def make_optimizer(objective: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW over what trains; vectors, biases and norms do not decay. A group remembers its `lr_scale`."""
    groups: list[dict[str, Any]] = []
    for given in _groups(objective):
        weights = [one for one in given["params"] if one.requires_grad]
        for some, decay in (
            ([one for one in weights if one.ndim > 1], recipe.weight_decay),
            ([one for one in weights if one.ndim <= 1], 0.0),
        ):
            if some:
                groups.append({"params": some, "weight_decay": decay, "lr_scale": given.get("lr_scale", 1.0)})
    beta1, beta2 = recipe.betas
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(beta1, beta2), eps=recipe.eps)


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of step 1, 2, ...: a straight rise over `warmup`, then half a cosine to zero, or no change."""
    if step <= recipe.warmup:
        return recipe.lr * step / recipe.warmup
    if recipe.schedule == "constant":
        return recipe.lr
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup + 1)
    return recipe.lr * 0.5 * (1.0 + math.cos(math.pi * done))


def plain_state(student: nn.Module) -> dict[str, Tensor]:
    """A student's weights under the names that it was built with: what is computed from parts, such as LoRA's, as one."""
    state = {name: value for name, value in student.state_dict().items() if "parametrizations." not in name}
    for name, part in student.named_modules():
        for weight in getattr(part, "parametrizations", {}):
            value: Tensor = getattr(part, weight)
            state[f"{name}.{weight}" if name else weight] = value.detach()
    return state


def _groups(objective: nn.Module) -> list[dict[str, Any]]:
    own: Any = getattr(objective, "parameter_groups", None)
    groups: list[dict[str, Any]] = [{"params": list(objective.parameters())}] if own is None else own()
    return groups
