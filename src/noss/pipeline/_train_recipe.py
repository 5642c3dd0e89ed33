"""A training recipe: every setting of a run, from a Python file and from `--set`."""

from __future__ import annotations

import ast
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from noss.errors import DataError
from noss.pipeline._request import defined_in
from noss.pipeline._train_compress_settings import read_compress
from noss.shelf import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a training run.

    Attributes:
        student: Name of a model with trainable weights: `audiontt/512`, or `trained/DIR` to go on from.
        objective: Name of an objective.
        data: Names of datasets, folders, files or shards (`shards/DIR`, `shards/s3://BUCKET/DIR`, `shards/a-{00..99}.tar`); or
            a mapping from them to their share of the crops.
        steps: Steps of the optimiser.
        student_options: Options of the student's `build`.
        objective_options: Options of the objective.
        start: Name of a model whose weights the student starts from, wherever names and shapes are the same; None for its own.
        target: Column that holds the classes, for objectives that want some; or several columns, for those that learn several.
        teacher: Name of the teacher, for objectives that want one; or of several, whose vectors are put one behind the other.
        targets: What the teacher is asked for: its embedding of each crop (`local`), of the whole recording (`global`), or
            one of the two, drawn for each crop (`both`).
        root: Where corpora lie, as `NAME=DIR`.
        crop_s: Seconds of a crop; shorter clips are padded. None for whole recordings, batched by length.
        max_s: Seconds that are taken of recordings which are longer, where `crop_s` is None.
        batch_size: Recordings in a step, over all processes and accumulated parts.
        accumulate: Parts that a step is computed in, one after the other.
        lr: Learning rate of AdamW at its highest.
        betas: Its two decay rates.
        eps: Its epsilon.
        weight_decay: Its weight decay; vectors, biases and norms have none.
        warmup: Steps in which the learning rate rises from zero.
        schedule: What it does then: `cosine` falls to zero, `constant` stays.
        clip_norm: Gradients longer than this are scaled down; None leaves them.
        precision: Number format of the forward pass: `fp32`, `bf16` or `fp16`.
        compile: Whether the student is compiled.
        ema: Decay of a moving average of the weights, which is then what is kept as the model; None for none.
        augment: Changes to waveforms, in their order, by name, with their options.
        spec_augment: Options of masks on log-mel spectrograms; None for none.
        validation: Share of the speakers (or recordings, where none are known) that is held out; or `dev`, the clips whose
            split is dev.
        validation_batches: Batches of them that are looked at.
        validate_every: Steps between looks at held-out speech, which are also those between checkpoints.
        by: Whether a long recording is drawn as often as a short one (`clip`), or by its length (`second`).
        seed: The seed of weights, order, crops and augmentation.
        watch: Settings of the watcher, which scores the student on tasks while training goes on: `tasks`, their `root`, a
            `baseline` to draw beside it, steps between looks (`every`), `num_held_out` recordings to compare with a teacher on;
            None for no watcher.
        compress: How the student is made smaller, a kind with its options: `low_rank`, `prune` or `int8`; None for not at all.
    """

    student: str
    objective: str
    data: Mapping[str, float] | Sequence[str]
    steps: int
    student_options: Mapping[str, Any] = field(default_factory=dict)
    objective_options: Mapping[str, Any] = field(default_factory=dict)
    start: str | None = None
    target: str | Sequence[str] | None = None
    teacher: str | Sequence[str] | None = None
    targets: Literal["local", "global", "both"] = "local"
    root: Sequence[str] = ()
    crop_s: float | None = 2.0
    max_s: float = 30.0
    batch_size: int = 64
    accumulate: int = 1
    lr: float = 1e-3
    betas: Sequence[float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01
    warmup: int = 0
    schedule: Literal["cosine", "constant"] = "cosine"
    clip_norm: float | None = 1.0
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False
    ema: float | None = None
    augment: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    spec_augment: Mapping[str, Any] | None = None
    validation: float | Literal["dev"] = 0.05
    validation_batches: int = 4
    validate_every: int = 200
    by: Literal["clip", "second"] = "clip"
    seed: int = 0
    watch: Mapping[str, Any] | None = None
    compress: Mapping[str, Any] | None = None

    @property
    def shares(self) -> dict[str, float]:
        """The share of the crops that each source has, adding up to 1."""
        given = dict(self.data) if isinstance(self.data, Mapping) else dict.fromkeys(self.data, 1.0)
        whole = sum(given.values())
        return {name: share / whole for name, share in given.items()}

    @property
    def teachers(self) -> list[str]:
        """The names of all teachers."""
        return [self.teacher] if isinstance(self.teacher, str) else list(self.teacher or ())

    @property
    def longest_s(self) -> float:
        """Seconds of the longest piece that a batch may hold."""
        return self.max_s if self.crop_s is None else self.crop_s

    def facts(self) -> dict[str, Any]:
        """The settings as plain facts, as they are written and compared."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def read_recipe(path: Path | str, changes: Sequence[str] = ()) -> Recipe:
    """The `RECIPE` of a Python file, with changes such as `steps=200` or `objective_options.margin=0.2`.

    Raises:
        DataError: No such file, no `RECIPE` in it, an unknown setting, or a value that does not fit it.
    """
    given = dict(defined_in(Path(path), "RECIPE", holds="student, objective, data and steps"))
    for word in changes:
        _change(given, word)
    known = [one.name for one in fields(Recipe)]
    for name in given:
        if name not in known:
            raise DataError(f"{path} sets {name!r}, which is no setting of a recipe: {did_you_mean(str(name), known)}")
    missing = [name for name in ("student", "objective", "data", "steps") if name not in given]
    if missing:
        raise DataError(f"{path} does not set {', '.join(missing)}: a recipe needs student, objective, data and steps")
    return _checked(Recipe(**given), path)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What two recipes differ in, a line `name: old -> new` for each setting."""
    names = sorted({*old, *new})
    return [f"{name}: {old.get(name)} -> {new.get(name)}" for name in names if old.get(name) != new.get(name)]


def watch_settings(recipe: Recipe) -> dict[str, Any]:
    """The watcher's settings, complete.

    Raises:
        DataError: One is unknown, or no task is named.
    """
    given = dict(recipe.watch or {})
    known: dict[str, Any] = {
        "tasks": [],
        "root": [],
        "baseline": None,
        "every": recipe.validate_every,
        "num_held_out": 200,
    }
    for name in given:
        if name not in known:
            raise DataError(f"watch has no setting {name!r}: {did_you_mean(name, list(known))}")
    settings = {**known, **given}
    if not settings["tasks"] or settings["every"] % recipe.validate_every:
        raise DataError(
            f"watch names {len(settings['tasks'])} tasks and looks every {settings['every']} steps: one task at least, and a "
            f"multiple of validate_every, {recipe.validate_every}, are needed"
        )
    return settings


def _change(given: dict[str, Any], word: str) -> None:
    name, equals, text = word.partition("=")
    first, *rest = name.strip().split(".")
    if not equals or not first or not all(rest):
        raise DataError(f"{word!r} is not NAME=VALUE: write, for example, steps=200 or objective_options.margin=0.2")
    if not rest:
        given[first] = _value(text)
        return
    inner = given[first] = dict(given.get(first) or {})
    for key in rest[:-1]:
        inner[key] = inner = dict(inner.get(key) or {})
    inner[rest[-1]] = _value(text)


def _value(text: str) -> Any:
    """A number, a list, True, None ... as Python writes it; anything else is text."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return text.strip()


def _checked(recipe: Recipe, path: Path | str) -> Recipe:
    hints = typing.get_type_hints(Recipe)
    for name, value in vars(recipe).items():
        if not _fits(value, hints[name]):
            raise DataError(f"{path} sets {name} to {value!r}, and it must be {_in_words(hints[name])}: correct it")
    rules = {
        "steps": recipe.steps > 0,
        "crop_s": recipe.crop_s is None or recipe.crop_s > 0,
        "max_s": recipe.max_s > 0,
        "batch_size": recipe.batch_size > 0 and recipe.batch_size % max(recipe.accumulate, 1) == 0,
        "accumulate": recipe.accumulate > 0,
        "lr": recipe.lr > 0,
        "betas": len(recipe.betas) == 2,
        "warmup": 0 <= recipe.warmup <= recipe.steps,
        "ema": recipe.ema is None or 0 < recipe.ema < 1,
        "validation": recipe.validation == "dev" or 0 <= recipe.validation < 1,
        "validation_batches": recipe.validation_batches > 0,
        "validate_every": recipe.validate_every > 0,
        "data": len(recipe.data) > 0 and all(share > 0 for share in recipe.shares.values()),
    }
    for name, holds in rules.items():
        if not holds:
            raise DataError(f"{path} sets {name} to {getattr(recipe, name)!r}, which makes no sense: {_RULES[name]}")
    if recipe.compress is not None:
        read_compress(recipe.compress, steps=recipe.steps)
    return replace(recipe, data=dict(recipe.data) if isinstance(recipe.data, Mapping) else list(recipe.data))


_RULES = {
    "steps": "one step at least",
    "crop_s": "more than 0 seconds, or None",
    "max_s": "more than 0 seconds",
    "batch_size": "one recording at least, and a multiple of accumulate",
    "accumulate": "one part at least",
    "lr": "more than 0",
    "betas": "two numbers",
    "warmup": "from 0 to steps",
    "ema": "between 0 and 1, or None",
    "validation": "from 0 to below 1, or dev",
    "validation_batches": "one at least",
    "validate_every": "one step at least",
    "data": "name one source at least, with shares above 0",
}


def _fits(value: Any, hint: Any) -> bool:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inside)
    if origin is Literal:
        return value in inside
    if origin is not None:
        return isinstance(value, origin) and not isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint)


def _in_words(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    return str(hint.__name__ if isinstance(hint, type) else hint).replace("collections.abc.", "").replace("typing.", "")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
