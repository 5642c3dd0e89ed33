"""SavedModels as ONNX graphs: found whole, converted once, and used only with the proof that they agree.

A conversion is a folder of the cache, `savedmodel/<key>`, with `model.onnx` and `facts.json`. Its key is made of the bytes of
the SavedModel and of the output wanted, so it never belongs to another model; it is put there whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noss.errors import MissingExtraError, ModelError
from noss.models._files import cache_folder, existing

FILE = "saved_model.pb"
CONVERSION = "1"  # raised by one when conversions made before must not be used any more
MENDABLE = 3
_log = logging.getLogger("noss")


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What is known about an output of a SavedModel since it was converted.

    Attributes:
        folder: The SavedModel.
        key: The output, as it was asked for.
        graph: The ONNX file that agrees; None where there is none, and TensorFlow must run the model.
        refused: Why there is none.
        dim: D.
        frame_rate: Frames a second, as counted; 0.0 for one vector a clip.
        min_s: The shortest clip that it bears, in seconds.
        window: The only number of samples that it takes; None for any.
        form: The way it is called.
        difference: The largest between ONNX and TensorFlow, over all lengths that were tried.
    """

    folder: Path
    key: str
    graph: Path | None
    refused: str | None
    dim: int
    frame_rate: float
    min_s: float
    window: int | None
    form: str
    difference: float | None


def split(choice: str, *, family: str) -> tuple[Path, str]:
    """A choice, `PATH` or `PATH:KEY`, as folder and key.

    Raises:
        ModelError: There is no such folder, or it holds no whole SavedModel.
    """
    head, _, key = choice.rpartition(":")
    if not head or Path(choice).expanduser().is_dir():
        head, key = choice, ""
    folder = existing(head or ".", needed_by=f"{family}/{choice}")
    check_whole(folder)
    return folder, key


def check_whole(folder: Path) -> None:
    """See that every file of a SavedModel is there.

    Raises:
        ModelError: It is no SavedModel, or half of one, as a broken download or copy leaves it.
    """
    if not (folder / FILE).is_file():
        raise ModelError(f"{folder} holds no {FILE}: give the folder of a TensorFlow SavedModel")
    missing = [name for name in _variables(folder) if not (folder / "variables" / name).is_file()]
    if missing or not (folder / FILE).stat().st_size:
        what = f"variables/{missing[0]} is missing" if missing else f"{FILE} is empty"
        raise ModelError(f"{folder} is half of a SavedModel ({what}): bring or copy it again, whole")


def files(folder: Path) -> list[Path]:
    """The files of a SavedModel that shape what it gives, whatever else lies beside them."""
    return [folder / FILE, *sorted((folder / "variables").glob("*")), *sorted((folder / "assets").glob("*"))]


def _variables(folder: Path) -> list[str]:
    """The files of weights that must be there, as far as those that are there tell; old models may have none."""
    there = (
        [path.name for path in (folder / "variables").glob("variables.*")] if (folder / "variables").is_dir() else []
    )
    if not there and not (folder / "variables").exists():
        return []
    counts = [int(match.group(1)) for name in there if (match := re.search(r"-of-(\d{5})$", name))]
    shards = max(counts, default=1)
    return ["variables.index", *(f"variables.data-{shard:05d}-of-{shards:05d}" for shard in range(shards))]


def converted(folder: Path, *, key: str) -> Converted:
    """What is known about an output of a SavedModel; the first time it is converted, which takes up to minutes.

    Raises:
        ModelError: It cannot be loaded or called, or has no such output.
        MissingExtraError: It was not converted yet, and TensorFlow is not installed.
    """
    home = conversion(folder, key=key)
    facts = _read(home) or _convert(folder, key=key, home=home)
    proof = facts["proof"]
    return Converted(
        folder=folder,
        key=key,
        graph=home / "model.onnx" if facts["sha256"] else None,
        difference=max(row["difference"] for row in proof) if proof else None,
        **{name: facts[name] for name in ("refused", "dim", "frame_rate", "min_s", "window", "form")},
    )


def conversion(folder: Path, *, key: str) -> Path:
    """The folder of the cache for one output of a SavedModel, named after every byte that shapes it."""
    whole = hashlib.sha256(f"{CONVERSION}\n{key}\n".encode())
    for path in files(folder):
        with path.open("rb") as file:
            whole.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return cache_folder() / "savedmodel" / whole.hexdigest()[:32]


def _read(home: Path) -> dict[str, Any] | None:
    """The facts in the cache; None where there are none, or its graph is not the one that was proved."""
    try:
        facts: dict[str, Any] = json.loads((home / "facts.json").read_text(encoding="utf-8"))
        if facts["sha256"] is None:
            return facts
        with (home / "model.onnx").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if found != facts["sha256"]:
        _log.warning("%s is not the graph that was proved to agree: it is made again", home / "model.onnx")
        return None
    return facts


def _convert(folder: Path, *, key: str, home: Path) -> dict[str, Any]:
    for package in ("tensorflow", "tf2onnx", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra="tf", needed_by=f"converting {folder} to ONNX, once,")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".converting-") as workshop:
        place = Path(workshop) / "whole"
        place.mkdir()
        _log.warning("%s is converted to ONNX, once; this takes up to a few minutes", folder)
        _run(folder, key=key, out=place)
        facts: dict[str, Any] = json.loads((place / "facts.json").read_text(encoding="utf-8"))
        _log.warning("%s", _proof_line(folder, facts))
        _put(place, home)
    return facts


def _run(folder: Path, *, key: str, out: Path) -> None:
    """The program that imports TensorFlow, in a process of its own."""
    command = [sys.executable, "-m", "noss.models._savedmodel_convert", str(folder), str(out), f"--key={key}"]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == MENDABLE:
        raise ModelError(done.stdout.strip())
    if done.returncode:
        last = [line.strip() for line in done.stderr.splitlines() if line.strip()][-1:] or ["no message"]
        raise ModelError(
            f"{folder} cannot be converted: TensorFlow's process ended with status {done.returncode} ({last[0][:200]}); "
            f"try it in TensorFlow, with the option runtime='tensorflow'"
        )


def _put(place: Path, home: Path) -> None:
    """Make it the cache's, at once; a graph there that is not the one that was proved goes."""
    if home.exists():
        shutil.rmtree(home, ignore_errors=True)
    with contextlib.suppress(OSError):  # another process put its own there a moment ago
        place.replace(home)


def _proof_line(folder: Path, facts: dict[str, Any]) -> str:
    if facts["refused"]:
        return f"{folder} will run in TensorFlow itself: {facts['refused']}"
    rows = [
        f"{row['seconds']:g} s{' of silence' if row['silence'] else ''} {row['difference']:.1e}"
        for row in facts["proof"]
    ]
    largest = max(row["largest"] for row in facts["proof"])
    return (
        f"{folder}: ONNX and TensorFlow agree; largest difference at {', '.join(rows)}, of values up to {largest:.3g}"
    )
