"""An ONNX graph as a runner, through onnxruntime."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models._graph import Shape
from noss.shelf import did_you_mean, require

FLOAT = "tensor(float)"
_UNKNOWN = re.compile(
    r"error: ([\w.]+:\w+)\(-?\d+\) is not a registered|In Node, \(\"\", (\w+), .*No (?:Op registered|opset import)",
    re.DOTALL,
)


class OnnxRunner:
    """One input and one output of an ONNX graph, run on so many threads of the processor."""

    def __init__(self, path: Path, *, input_name: str | None, output: str | int | None, threads: int = 1) -> None:
        self.name = str(path)
        self._session = _session(path, threads=threads)
        source = _pick(self._session.get_inputs(), input_name, name=self.name)
        target = _pick(self._session.get_outputs(), output, name=self.name)
        if source.type != FLOAT:
            raise ModelError(
                f"{path} takes {source.type} at {source.name!r}: noss feeds {FLOAT}; export the graph with a float input"
            )
        self._input, self._output = source.name, target.name
        self.input_shape, self.output_shape = _shape(source.shape), _shape(target.shape)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on a batch (B, ...) that has its input's shape."""
        try:
            (result,) = self._session.run([self._output], {self._input: batch})
        except errors() as error:
            text = str(error).splitlines()[0]
            raise ModelError(
                f"{self.name} fails on an input of shape {batch.shape} ({text}): correct its card file"
            ) from error
        return np.asarray(result, dtype=np.float32)


def unknown_operator(error: str) -> str | None:
    """The name of the operator that onnxruntime says it does not know; None where its error is another."""
    found = _UNKNOWN.search(error)
    return next(name for name in found.groups() if name) if found else None


def _session(path: Path, *, threads: int) -> Any:
    onnxruntime = require("onnxruntime", extra="onnx", needed_by=f"onnx/{path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except errors() as error:
        if name := unknown_operator(str(error)):
            raise ModelError(
                f"{path} uses the custom operator {name}, which onnxruntime does not have: export it from standard operators, "
                "or run the model that it was made from"
            ) from error
        raise ModelError(
            f"{path} is not an ONNX graph that onnxruntime runs ({str(error).splitlines()[0]}): export it anew"
        ) from error


def errors() -> tuple[type[Exception], ...]:
    """Every error that onnxruntime raises; they share no parent."""
    state = require("onnxruntime.capi.onnxruntime_pybind11_state", extra="onnx", needed_by="onnx/...")
    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return tuple(kinds)


def _shape(shape: list[int | str | None]) -> Shape:
    return tuple(size if isinstance(size, int) else None for size in shape)


def _pick(places: list[Any], wanted: str | int | None, *, name: str) -> Any:
    names = [place.name for place in places]
    if wanted is None or (isinstance(wanted, int) and wanted < len(places)):
        return places[wanted or 0]
    if wanted not in names:
        raise ModelError(
            f"{name} has no tensor {wanted!r} among its inputs or outputs: {did_you_mean(str(wanted), names)}"
        )
    return places[names.index(str(wanted))]
