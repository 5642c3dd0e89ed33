"""A run of training as a page shows it: its curves, thinned and smoothed, and the suite's scores beside level lines.

Smoothing is an exponential moving average from which its start is taken out (Kingma and Ba 2015, arXiv 1412.6980, section 3),
over about a thirtieth of the steps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from noss.reports import Unit
from noss.reports._table import readable, shown

HELD_OUT: Final = "held_out/"
SUITE: Final = "suite"
_MOST_POINTS: Final = 400
_LOG_FROM: Final = 30.0  # times that the largest value is the smallest, from which on an axis is logarithmic
_LINEAR: Final = ("lr", "accuracy")  # a schedule, and a share, which is read against 1
_RISE: Final = 1.05
_LIKENESS: Final = "to the teacher"

Point = tuple[int, float]


@dataclass(frozen=True, kw_only=True)
class Look:
    """One row of the watcher: a model's value on a task at a step, -1 for a baseline or the teacher."""

    step: int
    model: str
    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a run of training left so far; as a file of a results store, all of it but the names of what failed.

    Attributes:
        run: Its folder, as it was named.
        name: The folder's own name.
        step: Steps that are in a checkpoint.
        recipe: Every setting.
        source: The recipe's file.
        settings: What `run.json` says beside the recipe.
        num_parameters: Parameters of the student; None where unknown.
        dim: Its embedding size; None where unknown.
        num_classes: Classes that it learnt; 0 for none.
        numbers: What was logged, by name: step and value, thinned as it is drawn.
        lost: How often a number was none, by name; such a number is not in `numbers`.
        seconds: Seconds spent in steps; None where no speed was logged.
        looks: The watcher's rows.
        units: How the watcher's tasks are shown, by the name of the row.
        best: The step of the model that `trained/RUN` opens; None before the first checkpoint.
        size_mb: Size of its weights, 10^6 bytes; None before the first checkpoint.
        compression: What `compression.json` says; empty without any.
        licences: Licences of corpora and teachers, by name, where they are known.
        cost: What it cost, in words.
        num_failed: Recordings that could not be used.
        failures: A `file` and a `reason` for each of these.
        models: The names under which its weights are scored and shipped; empty for a run that is not published.
    """

    run: str
    name: str
    step: int
    recipe: Mapping[str, Any]
    source: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    num_parameters: int | None = None
    dim: int | None = None
    num_classes: int = 0
    numbers: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    looks: Sequence[Look] = ()
    units: Mapping[str, Unit] = field(default_factory=dict)
    best: int | None = None
    size_mb: float | None = None
    compression: Mapping[str, Any] = field(default_factory=dict)
    licences: Mapping[str, str] = field(default_factory=dict)
    cost: str = ""
    num_failed: int = 0
    failures: Sequence[Mapping[str, str]] = ()
    models: Sequence[str] = ()

    @property
    def is_done(self) -> bool:
        """Whether every step is taken."""
        return self.step >= int(self.recipe["steps"])

    @property
    def title(self) -> str:
        """Who was trained by what, and how far."""
        by = f" from {self.teachers}" if self.teachers else ""
        steps = (
            f"{self.recipe['steps']:,} steps" if self.is_done else f"{self.step:,} of {self.recipe['steps']:,} steps"
        )
        return f"{self.recipe['student']}, trained by {self.recipe['objective']}{by}: {steps}"

    @property
    def teachers(self) -> str:
        """The teachers in words; empty without one."""
        given = self.recipe.get("teacher") or ""
        return given if isinstance(given, str) else " and ".join(given)

    @property
    def opens(self) -> str:
        """The name by which others open its weights: the last of those that it ships under, else `trained/RUN`."""
        return self.models[-1] if self.models else f"trained/{self.run}"

    def held_out(self, name: str = "loss") -> list[Point]:
        """A number on held-out speech, look by look."""
        return finite(self.numbers.get(f"{HELD_OUT}{name}", ()))


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One chart: its title, whether its axis is logarithmic, and rows of `step`, `value`, `smooth` and `series`."""

    title: str
    log: bool
    rows: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The watcher's rows of one task: the student over steps, and the level lines."""

    name: str
    unit: Unit
    student: list[Look]
    levels: list[Look]

    def text(self, look: Look | None) -> str:
        """Value and interval in words; a dash for none."""
        if look is None or not math.isfinite(look.value):
            return "–"
        value = shown(look.value, self.unit)
        return (
            value if look.low == look.high else f"{value} [{shown(look.low, self.unit)}, {shown(look.high, self.unit)}]"
        )


def curves(training: Training) -> list[Curve]:
    """A chart a number, the loss first, then what the objective logs, then what the optimiser does."""
    names = [name for name in training.numbers if not name.startswith(HELD_OUT)]
    names += [name for part in training.numbers if (name := part.removeprefix(HELD_OUT)) not in names]
    last = ["lr", "gradient_norm", "crops_per_s"]
    ordered = sorted(dict.fromkeys(names), key=lambda name: (name != "loss", name in last and 1 + last.index(name)))
    return [curve for name in ordered if (curve := _curve(name, training)).rows]


def watched(training: Training) -> list[Watched]:
    """What the watcher found, a task each, the mean of several first and likeness to the teacher last."""
    names = list(dict.fromkeys(look.name for look in training.looks))
    tasks = [name for name in names if name != SUITE and not name.endswith(_LIKENESS)]
    names = [name for name in names if name != SUITE or len(tasks) > 1]
    names.sort(key=lambda name: (name != SUITE, name.endswith(_LIKENESS)))
    found = []
    for name in names:
        looks = [look for look in training.looks if look.name == name]
        unit = training.units.get(name, Unit(title=name, percent=False))
        student = sorted((look for look in looks if look.step >= 0), key=lambda look: look.step)
        found.append(Watched(name=name, unit=unit, student=student, levels=[look for look in looks if look.step < 0]))
    return found


def warnings(training: Training) -> list[str]:
    """What is to be said aloud before anything is believed."""
    found = []
    if not training.is_done:
        found.append(
            f"{training.step:,} of {training.recipe['steps']:,} steps are in a checkpoint: the run goes on, or was stopped; "
            "the same command goes on where it is"
        )
    if any(training.lost.values()):
        told = ", ".join(f"{name} {count:,} times" for name, count in training.lost.items() if count)
        found.append(f"no number, and not drawn: {told}; lower lr, or look at the batch that the run named")
    if line := _overfitting(training.held_out()):
        found.append(line)
    if count := training.num_failed:
        where = ": see failures" if training.failures else ""
        found.append(f"{count:,} {'recording' if count == 1 else 'recordings'} could not be used{where}")
    return found


def facts(training: Training) -> dict[str, str]:
    """What the run is, in a few words each; what is not known is left out."""
    recipe, data = training.recipe, training.recipe["data"]
    whole = sum(data.values()) if isinstance(data, Mapping) else 1.0
    sources = [f"{name} ({share / whole:.0%})" for name, share in data.items()] if isinstance(data, Mapping) else data
    number = training.num_parameters
    found = {
        "Student": recipe["student"],
        "Objective": recipe["objective"],
        "Teacher": training.teachers,
        "Trained on": ", ".join(map(str, sources)),
        "Licences": "; ".join(f"{name}: {licence}" for name, licence in _licences(training).items()),
        "Classes": f"{training.num_classes:,}" if training.num_classes else "",
        "Parameters": f"{number:,}" if number is not None else "",
        "Weights": f"{readable(training.size_mb)} MB" if training.size_mb is not None else "",
        "Dimensions": f"{training.dim:,}" if training.dim else "",
        "Machine": "; ".join(map(str, training.settings.get("machines", []))),
        "Time in steps": in_time(training.seconds) if training.seconds is not None else "",
        "Cost": training.cost or ("core hours and energy were not counted" if training.is_done else ""),
        "Made with": f"noss {training.settings.get('noss_version', '')}, Python {training.settings.get('python', '')}".strip(),
    }
    return {label: text for label, text in found.items() if text}


def in_time(seconds: float) -> str:
    """Seconds in words: `42 s`, `3 min 20 s`, `5 h 02 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60:02d} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    )


def finite(points: Iterable[Point]) -> list[Point]:
    """The points whose value is a number."""
    return [(step, value) for step, value in points if math.isfinite(value)]


def smoothed(values: Sequence[float], *, over: float) -> list[float]:
    """A moving average over about so many values, which begins at the first of them."""
    keep = math.exp(-1.0 / max(over, 1e-9))
    found, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = keep * total + (1.0 - keep) * value, keep * weight + (1.0 - keep)
        found.append(total / weight)
    return found


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most 400 points: the means of equal pieces, each at its last step."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    edges = [round(place * len(points) / _MOST_POINTS) for place in range(_MOST_POINTS + 1)]
    pieces = [points[first:end] for first, end in pairwise(edges)]
    return [(piece[-1][0], sum(value for _, value in piece) / len(piece)) for piece in pieces]


def _licences(training: Training) -> dict[str, str]:
    """What is known, and which data nothing is known of, unless licences were stated for what is in them."""
    data, teachers = list(training.recipe["data"]), training.teachers.split(" and ")
    unstated = dict.fromkeys(data, "not stated") if set(training.licences) <= {*data, *teachers} else {}
    return {**unstated, **training.licences}


def _curve(name: str, training: Training) -> Curve:
    training_points = thinned(finite(training.numbers.get(name, ())))
    over = 0.0 if name == "lr" else len(training_points) / 30  # a schedule is smooth as it is
    smooth = smoothed([value for _, value in training_points], over=over)
    rows: list[dict[str, Any]] = [
        {"step": step, "series": "training", "value": value, "smooth": average}
        for (step, value), average in zip(training_points, smooth, strict=True)
    ]
    held_out = thinned(training.held_out(name))
    rows += [{"step": step, "series": "held out", "value": value, "smooth": value} for step, value in held_out]
    drawn = [row["value"] for row in rows]
    is_log = bool(drawn) and min(drawn) > 0 and max(drawn) > _LOG_FROM * min(drawn) and not name.startswith(_LINEAR)
    return Curve(title=_TITLES.get(name, name.replace("_", " ")), log=is_log, rows=rows)


_TITLES: Final = {"lr": "learning rate", "crops_per_s": "crops per second"}


def _overfitting(points: Sequence[Point]) -> str:
    """A line where the loss on held-out speech rises again; losses may be below zero, where no share is told."""
    if len(points) < 3:
        return ""
    step, least = min(points, key=lambda point: point[1])
    if least <= 0 or points[-1][1] <= _RISE * least:
        return ""
    return (
        f"the loss on held-out speech was least at step {step:,} and has risen by {points[-1][1] / least - 1:.0%} since: "
        "stop earlier, or take more data, more augmentation or a smaller student"
    )
