"""The files of a run's folder other than its predictions: scores, failures, manifest, page."""

from __future__ import annotations

import csv
import io
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from noss import __version__
from noss.errors import Failure
from noss.pipeline._models import Model
from noss.pipeline._plan import Plan
from noss.runs import write_json, write_text

_PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "soundfile", "soxr", "pyarrow")
_OPTIONAL = ("transformers", "onnxruntime", "ai-edge-litert", "opensmile", "av", "espeakng-loader")
_COLUMNS = ("model", "file", "start_s", "end_s", "stage", "reason")


def write_failures(path: Path, failures: Mapping[str, Sequence[Failure]]) -> None:
    """Write `failures.csv`, a line a clip and model; only the heading where nothing failed."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for model, rows in failures.items():
        writer.writerows({"model": model, **asdict(row)} for row in rows)
    write_text(path, text.getvalue())


def write_manifest(path: Path, plan: Plan, *, request: Mapping[str, Any]) -> None:
    """Write `run.json`: the request, and every version and revision that its scores depend on."""
    write_json(
        path,
        {
            "noss_version": __version__,
            "command": ["noss", *sys.argv[1:]] if Path(sys.argv[0]).stem in {"noss", "__main__"} else None,
            "request": {name: _plain(value) for name, value in request.items()},
            "cache": str(plan.cache.resolve()),
            "models": {model.name: _told(model) for model in plan.models},
            "tasks": {task.name: {"root": str(task.root), "clips": len(task.clips)} for task in plan.tasks},
            "python": platform.python_version(),
            "platform": platform.platform(),
            "packages": _versions(),
        },
    )


def _told(model: Model) -> dict[str, Any]:
    return {"revision": model.revision, "precision": model.precision, "card": asdict(model.card)}


def _versions() -> dict[str, str]:
    found = {name: metadata.version(name) for name in _PACKAGES}
    for name in _OPTIONAL:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
