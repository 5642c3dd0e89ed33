"""The metrics that fit a predictions file, and their values on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from types import ModuleType
from typing import Any

from noss import metrics as metrics_shelf
from noss import shelf
from noss.errors import DataError
from noss.metrics import Metric
from noss.pipeline._average import averaged
from noss.pipeline._predictions import Predictions


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A metric, its value, and what a constant guess would get (None where it has no such value).

    `module` is a part of the shelf, or the same averaged over groups where the protocol says so. `draw_sd` says how far
    one draw of training clips alone varies, where the protocol draws.
    """

    name: str
    main: bool
    module: Any
    value: float
    chance: float | None
    draw_sd: float | None = None


def measure(predictions: Predictions, names: Sequence[str] | None, *, name: str) -> list[Measured]:
    """The main metric, then every other that fits and that these clips define.

    Where the protocol says which metrics make sense of its rows (`metrics` among the facts), no others.

    Args:
        predictions: What to measure.
        names: Metrics beside the main one; None for all of the shelf.
        name: What the predictions are called in a message.

    Raises:
        DataError: The main metric does not fit, or these clips do not define it.
        UnknownPartError: No such metric.
    """
    main = str(predictions.facts["metric"])
    others = [other for other in (shelf.names("metrics") if names is None else names) if other != main]
    sensible = predictions.facts.get("metrics")
    others = others if sensible is None else [other for other in others if other in sensible]
    found = list(_measured(predictions, [main, *others], main=main))
    if not found or not found[0].main:
        raise DataError(
            f"{main} is not defined on {name}: its test clips hold one class only, or the metric does not fit"
        )
    return found


def metrics_hash(main: str, names: Sequence[str] | None) -> str:
    """A hash over the sources of the metrics that would be tried, without importing them."""
    folder = Path(str(metrics_shelf.__file__)).parent
    tried = dict.fromkeys([main, *(shelf.names("metrics") if names is None else names)])
    paths = [Path(name) if name.endswith(".py") else folder / f"{name}.py" for name in tried]
    sources = [path.read_bytes() for path in [*paths, *sorted(folder.glob("_*.py"))] if path.is_file()]
    return hashlib.sha256(b"\0".join(sources)).hexdigest()[:32]


def _measured(predictions: Predictions, names: Sequence[str], *, main: str) -> Iterator[Measured]:
    for name in names:
        module = shelf.load("metrics", name)
        if not _fits(module.METRIC, predictions):
            continue
        measure = averaged(module, predictions)
        value = _value(measure, predictions)
        if value is not None:
            chance, draw_sd = _chance(module, predictions), _draw_sd(measure, predictions)
            yield Measured(name=name, main=name == main, module=measure, value=value, chance=chance, draw_sd=draw_sd)


def _fits(metric: Metric, predictions: Predictions) -> bool:
    if predictions.classes is None or metric.takes == "numbers":
        return predictions.classes is None and metric.takes == "numbers"
    if metric.takes == "probabilities" and not predictions.facts["probabilities"]:
        return False
    return len(predictions.classes) == 2 or not metric.binary_only


def _value(module: Any, predictions: Predictions) -> float | None:
    try:
        value = float(module.score(predictions.true_N, predictions.scores_NK))
    except ValueError:
        return None
    return value if isfinite(value) else None


def _draw_sd(module: Any, predictions: Predictions) -> float | None:
    """Standard deviation of what one training set gives; a draw of several folds is a mean over as many of them."""
    num_sets = predictions.facts.get("sets_per_draw")
    if num_sets is None:
        return None
    spread = module.spread(predictions.true_N, predictions.scores_NK)
    return None if spread is None else float(spread * sqrt(num_sets))


def _chance(module: ModuleType, predictions: Predictions) -> float | None:
    chance = getattr(module, "chance", None)
    found = None if chance is None else chance(predictions.true_N, len(predictions.classes or ()))
    return None if found is None else float(found)
