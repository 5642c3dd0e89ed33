"""An OpenVINO model as a runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models._graph import Shape
from noss.shelf import did_you_mean, require


class OpenVinoRunner:
    """One input and one output of an OpenVINO model, run on so many threads of the processor."""

    def __init__(self, path: Path, *, input_name: str | None, output: str | int | None, threads: int = 1) -> None:
        self.name = str(path)
        self._model = _compiled(path, threads=threads)
        self._input = _pick(self._model.inputs, input_name, name=self.name)
        self._output = _pick(self._model.outputs, output, name=self.name)
        self.input_shape, self.output_shape = _shape(self._input), _shape(self._output)
        kind = self._input.element_type.to_string()
        if kind != "f32":
            raise ModelError(f"{path} takes {kind}: noss feeds f32; convert the model with a float input")

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the model on a batch (B, ...) that has its input's shape."""
        try:
            result = self._model({self._input: np.ascontiguousarray(batch)})[self._output]
        except RuntimeError as error:
            raise ModelError(
                f"{self.name} fails on an input of shape {batch.shape} ({_last(error)}): correct its card file"
            ) from error
        return np.array(result, dtype=np.float32)


def _compiled(path: Path, *, threads: int) -> Any:
    openvino = require("openvino", extra="openvino", needed_by=f"openvino/{path}")
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    try:
        return openvino.Core().compile_model(str(path), "CPU", options)
    except RuntimeError as error:
        raise ModelError(f"{path} is not a model that OpenVINO runs ({_last(error)}): convert it anew") from error


def _last(error: RuntimeError) -> str:
    """The line that says what is wrong: those above it say where in the runtime."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def _shape(place: Any) -> Shape:
    return tuple(size.get_length() if size.is_static else None for size in place.partial_shape)


def _pick(places: list[Any], wanted: str | int | None, *, name: str) -> Any:
    if wanted is None or (isinstance(wanted, int) and wanted < len(places)):
        return places[wanted or 0]
    named = {text: place for place in places for text in place.names}
    if wanted not in named:
        raise ModelError(
            f"{name} has no tensor {wanted!r} among its inputs or outputs: {did_you_mean(str(wanted), list(named))}"
        )
    return named[str(wanted)]
