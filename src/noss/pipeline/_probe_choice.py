"""Which probe a task gets, and how it is fitted there."""

from __future__ import annotations

from typing import Literal

from noss import shelf
from noss.errors import DataError, ProbeError
from noss.pipeline._clips import Task
from noss.pipeline._predictions_fit import Learner

DEFAULTS: dict[Literal["classes", "numbers"], str] = {"classes": "logistic", "numbers": "ridge"}


def probe_name(task: Task, probe: str | None) -> str:
    """The probe's name, or the default for the task's kind of target.

    Raises:
        UnknownPartError: No such probe.
        ProbeError: It does not fit the kind of target, or gives no probabilities and the metric needs them.
    """
    kind: Literal["classes", "numbers"] = "numbers" if task.classes is None else "classes"
    name = probe or DEFAULTS[kind]
    part = shelf.load("probes", name).Probe
    if kind != part.TARGET:
        fitting = [other for other in shelf.names("probes") if kind == shelf.load("probes", other).Probe.TARGET]
        raise ProbeError(f"{task.name} has {kind} and probe {name} predicts {part.TARGET}: use {', '.join(fitting)}")
    takes = shelf.load("metrics", task.metric).METRIC.takes
    if (takes == "numbers") != (kind == "numbers"):
        raise DataError(f"{task.name} has {kind} and its metric {task.metric} takes {takes}: declare another metric")
    if takes == "probabilities" and not part.PROBABILITIES:
        raise ProbeError(f"{task.name} is scored by {task.metric}, which needs probabilities, and {name} gives none")
    return name


def needs_frames(probe: str | None) -> bool:
    """Whether a probe learns from frames, and not from one vector a clip; the default ones do not."""
    return probe is not None and getattr(shelf.load("probes", probe).Probe, "FRAMES", False)


def check_pooled(probe: str, *, what: str) -> None:
    """Make sure that a probe takes one vector a clip.

    Raises:
        ProbeError: It learns from frames.
    """
    if needs_frames(probe):
        raise ProbeError(f"{probe} learns from frames and {what} has one vector a clip: choose another probe")


def learner_of(task: Task, name: str, *, seed: int, mixes: bool = False) -> Learner:
    """How a probe of that name is fitted on a task; `mixes` says that it mixes layers in place of choosing one."""
    return Learner(
        probe=shelf.load("probes", name).Probe,
        metric=shelf.load("metrics", task.metric),
        num_classes=None if task.classes is None else len(task.classes),
        seed=seed,
        mixes=mixes,
    )
