"""What a folder of `noss train` holds, put together for a page: also while the run goes on, and after it was killed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from noss import shelf
from noss.errors import DataError
from noss.pipeline._details import read_settings
from noss.pipeline._models_card import card_of
from noss.pipeline._train_checkpoint import best_of, checkpoints, read_facts
from noss.pipeline._train_cost import in_words
from noss.pipeline._train_files import COMPRESSION, MODEL, is_training, read_broken
from noss.pipeline._train_log import read_log
from noss.pipeline._train_watch import MEAN, read_watch
from noss.reports import Unit
from noss.reports._training import Look, Point, Training, finite, thinned
from noss.runs import replacing


def write_training_page(run: Path, part: ModuleType, target: Path, *, cache: Path) -> Path:
    """Show a training run in a style of the shelf `reports`; gives the file written.

    Args:
        run: The run's folder.
        part: The style.
        target: The file to write.
        cache: Where the page's plotting script is kept.

    Raises:
        DataError: The style cannot show a training run, or the folder cannot be read.
    """
    if not hasattr(part, "write_training"):
        name = Path(str(part.__file__)).stem
        raise DataError(
            f"{run} holds a training run, and the style {name} shows scores: write --style html or markdown"
        )
    training = read_training(run)
    with replacing(target) as temporary:
        part.write_training(training, temporary, cache=cache)
    return target


def show(run: Path, *, cache: Path) -> None:
    """Write `report.html` in a run's folder, as `noss report` does."""
    part = shelf.load("reports", "html")
    write_training_page(run, part, run / f"report{part.SUFFIX}", cache=cache)


def read_training(run: Path) -> Training:
    """Everything that a training run left so far.

    Raises:
        DataError: It is none, or a file of it cannot be read.
    """
    settings = read_settings(run / "run.json")
    if not is_training(settings):
        raise DataError(
            f"{run} holds no training run: give the folder that `noss train` wrote, the one its --out names"
        )
    settings_recipe = settings.pop("recipe")
    there, made = checkpoints(run / "checkpoints"), json.loads(_text(run / MODEL) or "{}")
    rows, numbers, broken = read_watch(run), _by_name(run), read_broken(run)
    return Training(
        run=str(run),
        name=run.resolve().name,
        step=int(read_facts(there[-1])["step"]) if there else 0,
        recipe=settings_recipe,
        source=_text(run / "recipe.py"),
        settings=settings,
        num_parameters=made.get("card", {}).get("num_parameters"),
        dim=made.get("card", {}).get("dim"),
        num_classes=len(made.get("classes", [])),
        numbers={name: thinned(finite(points)) for name, points in numbers.items()},
        lost={name: lost for name, points in numbers.items() if (lost := len(points) - len(finite(points)))},
        seconds=_seconds(numbers.get("crops_per_s", []), batch_size=int(settings_recipe["batch_size"])),
        looks=[Look(**row) for row in rows],
        units=_units({str(row["name"]) for row in rows}),
        best=_best(run),
        size_mb=(there[-1] / "student.safetensors").stat().st_size / 1e6 if there else None,
        compression=json.loads(_text(run / COMPRESSION) or "{}"),
        licences=_licences(settings_recipe),
        cost=in_words(settings.get("cost", {})),
        num_failed=len(broken),
        failures=[{"file": one.file, "reason": one.reason} for one in broken],
    )


def _licences(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The licences of the corpora and teachers that stand on a shelf, by name; those of your own files are yours to know."""
    found = {}
    for name in recipe["data"]:
        part = shelf.parse(name).part
        if part in shelf.names("datasets") and (card := getattr(shelf.load("datasets", part), "DATASET", None)):
            found[name] = card.licence
    teachers = recipe.get("teacher") or []
    for name in [teachers] if isinstance(teachers, str) else teachers:
        known = card_of(name) if shelf.parse_model(name).part in shelf.names("models") else None
        if known is not None:
            found[name] = known.licence
    return found


def _seconds(speeds: Iterable[Point], *, batch_size: int) -> float | None:
    """Seconds spent in steps, as their speed tells; None where none was logged."""
    known = [value for _, value in finite(speeds) if value > 0]
    return sum(batch_size / value for value in known) if known else None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _by_name(run: Path) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for step, name, value in read_log(run):
        found.setdefault(name, []).append((step, value))
    return found


def _units(names: set[str]) -> dict[str, Unit]:
    """How the watcher's tasks are shown, by `TASK METRIC`; the suite is in per cent where all of its tasks are."""
    known = set(shelf.names("metrics"))
    metrics = {name: shelf.load("metrics", last).METRIC for name in names if (last := name.split()[-1]) in known}
    found = {name: Unit(title=metric.title, percent=metric.percent) for name, metric in metrics.items()}
    percent = bool(found) and all(unit.percent for unit in found.values())
    return {**found, MEAN: Unit(title="mean over tasks", percent=percent)}


def _best(run: Path) -> int | None:
    """The step whose weights `trained/RUN` opens."""
    watched = run / "watch" / "best.json"
    if watched.is_file():
        return int(json.loads(watched.read_text(encoding="utf-8"))["step"])
    best = best_of(run / "checkpoints")
    return int(read_facts(best)["step"]) if best else None
