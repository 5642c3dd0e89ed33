"""The program that reads a SavedModel's facts and converts it to ONNX: run with a folder, and where to put it.

`python -m noss.models._savedmodel_convert FOLDER OUT` runs in a process of its own, so that TensorFlow's memory goes with
it. OUT gets `facts.json`, and where the ONNX graph agrees with TensorFlow `model.onnx`; `facts.json` holds the proof, or says
why there is none. An error that a user can mend goes to stdout in one line, with status 3.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import NossError
from noss.models import _savedmodel_tf
from noss.models._onnx import errors, unknown_operator
from noss.models._savedmodel_loops import has_loops, runs_once
from noss.models._savedmodel_tf import RATE, WAVEFORM, Opened
from noss.shelf import require

OPSET = 17
TOLERANCE = 1e-4  # of the largest value: what float32 leaves of a logarithm near silence, and a tenth of any use
SHORTEST_S = (0.025, 0.1, 0.25, 0.5, 1.0, 2.0)
LENGTHS_S = (0.33, 1.0, 1.507, 2.37, 5.0)
MENDABLE = 3  # the status that says so
FAILURES = (ValueError, RuntimeError, LookupError, TypeError, AssertionError, AttributeError)  # of tf2onnx


def main(arguments: list[str] | None = None) -> int:
    """Read, convert and prove; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--key", default="")
    given = parser.parse_args(arguments)
    try:
        opened = _savedmodel_tf.load(given.folder, key=given.key)
        facts = read(opened) | {"key": given.key, "form": opened.form}
        facts |= convert(opened, given.out / "model.onnx", min_s=facts["min_s"])
    except NossError as error:
        sys.stdout.write(str(error))
        return MENDABLE
    (given.out / "facts.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return 0


def read(opened: Opened) -> dict[str, Any]:
    """What only running the model tells: its dimension, frames a second, and the shortest clip it bears."""
    if opened.window is not None:
        frames_SD = _savedmodel_tf.run(opened, signal(opened.window))
        return {"dim": int(frames_SD.shape[1]), "frame_rate": 0.0, "min_s": 0.0, "window": opened.window}
    min_s = next((seconds for seconds in SHORTEST_S if _bears(opened, seconds)), None)
    if min_s is None:
        raise NossError(
            f"the model gives no frames for {SHORTEST_S[-1]:g} s of sound: it is not one for speech at {RATE} Hz"
        )
    short_SD, long_SD = (_savedmodel_tf.run(opened, signal(seconds * RATE)) for seconds in (4, 24))
    rate = (len(long_SD) - len(short_SD)) / 20
    return {"dim": int(short_SD.shape[1]), "frame_rate": rate, "min_s": min_s, "window": None}


def convert(opened: Opened, path: Path, *, min_s: float) -> dict[str, Any]:
    """Write the ONNX graph and prove it; a graph that fails leaves no file, only the reason."""
    frozen = _frozen(opened)
    reason, proof = "", list[dict[str, float]]()
    for graph in _graphs(frozen):
        failed = _write(graph, path)
        if failed is None:
            proof, failed = prove(opened, path, min_s=min_s)
        if failed is None:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            return {"proof": proof, "sha256": digest, "refused": None, **_versions()}
        reason = reason or failed
        path.unlink(missing_ok=True)
    return {"proof": None, "sha256": None, "refused": reason, **_versions()}


def _graphs(frozen: Any) -> Iterator[Any]:
    """The graph as it is; and, if it has loops, as it is for a batch of one."""
    import tensorflow as tf

    yield frozen
    if has_loops(frozen):
        yield runs_once(tf, frozen)


def prove(opened: Opened, path: Path, *, min_s: float) -> tuple[list[dict[str, float]], str | None]:
    """Largest difference between TensorFlow and ONNX at several lengths, and why they do not agree, or None."""
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        proof = [_compare(opened, session, waveform_T) for waveform_T in _trials(opened, min_s)]
    except errors() as error:
        if name := unknown_operator(str(error)):
            return [], f"its ONNX graph needs the operator {name}, which onnxruntime does not have"
        text = str(error).splitlines()[0].rpartition(" failed:")[2]
        return [], f"onnxruntime does not run its ONNX graph ({text[:200]})"
    largest = max(row["largest"] for row in proof)
    worst = max(row["difference"] for row in proof)
    if not worst <= TOLERANCE * largest + 1e-6:
        return proof, f"its ONNX graph differs from TensorFlow by {worst:.2g}, of values up to {largest:.3g}"
    return proof, None


def signal(samples: int, *, seed: int = 0) -> NDArray[np.float32]:
    """A gliding tone with noise that swells and dies away, about as loud as speech."""
    time = np.arange(samples) / RATE
    noise = np.random.default_rng(seed).standard_normal(samples)
    tone = np.sin(2 * np.pi * (180 * time + 40 * np.sin(3 * time)))
    return np.asarray(0.1 * (tone + 0.3 * noise) * (0.55 + 0.45 * np.sin(11 * time)), dtype=np.float32)


def _trials(opened: Opened, min_s: float) -> list[NDArray[np.float32]]:
    if opened.window is not None:
        return [signal(opened.window), signal(opened.window, seed=1), np.zeros(opened.window, np.float32)]
    lengths = sorted({min_s, *(seconds for seconds in LENGTHS_S if seconds > min_s)})
    return [signal(round(seconds * RATE)) for seconds in lengths] + [np.zeros(2 * RATE, np.float32)]


def _compare(opened: Opened, session: Any, waveform_T: NDArray[np.float32]) -> dict[str, float]:
    wanted_SD = _savedmodel_tf.run(opened, waveform_T)
    (found_SD,) = session.run(None, {session.get_inputs()[0].name: waveform_T})
    same = found_SD.shape == wanted_SD.shape
    both_nan = np.isnan(wanted_SD) & np.isnan(found_SD) if same else np.False_
    difference = np.where(both_nan, 0.0, np.abs(found_SD - wanted_SD)).max() if same else np.inf
    return {
        "seconds": len(waveform_T) / RATE,
        "silence": not waveform_T.any(),
        "frames": len(wanted_SD),
        "difference": float(difference),
        "largest": float(np.nan_to_num(np.abs(wanted_SD)).max()),
    }


def _frozen(opened: Opened) -> Any:
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec([opened.window], tf.float32, name=WAVEFORM)
    function = tf.function(opened.call, input_signature=[spec]).get_concrete_function()
    return convert_variables_to_constants_v2(function, lower_control_flow=False)  # loops stay loops, as ONNX has them


def _write(frozen: Any, path: Path) -> str | None:
    """Convert a frozen function and write it; the reason why it cannot be done, or None."""
    to_onnx = require("tf2onnx.convert", extra="tf", needed_by="converting a SavedModel")
    graph = frozen.graph.as_graph_def()
    names = [tensor.name for tensor in frozen.inputs], [tensor.name for tensor in frozen.outputs]
    try:
        to_onnx.from_graph_def(graph, input_names=names[0], output_names=names[1], opset=OPSET, output_path=str(path))
    except FAILURES as error:
        what = next(iter(str(error).splitlines()), type(error).__name__)
        return f"tf2onnx does not convert it ({what[:200]})"
    return None


def _bears(opened: Opened, seconds: float) -> bool:
    import tensorflow as tf

    try:
        return len(_savedmodel_tf.run(opened, signal(round(seconds * RATE)))) > 0
    except (ValueError, TypeError, tf.errors.OpError):
        return False


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("tf2onnx", "onnxruntime")
    import tensorflow as tf

    return {"tensorflow": tf.__version__} | {name: version(name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
