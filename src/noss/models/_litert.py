"""A LiteRT (TFLite) graph as a runner, through ai-edge-litert; its inner tensors can be read too."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models._graph import Shape
from noss.shelf import did_you_mean, require

INT16 = 32_767


class LiteRtRunner:
    """One input of a LiteRT graph and one output or inner tensor, on so many threads of the processor.

    A second input of one number is fed the sample rate.
    """

    def __init__(
        self,
        path: Path,
        *,
        input_name: str | None,
        output: str | int | None,
        threads: int = 1,
        sample_rate: int = 16_000,
    ) -> None:
        self.name = str(path)
        self._graph = _interpreter(path, threads=threads, inner=False)
        source = _pick(self._graph.get_input_details(), input_name, name=self.name)
        outputs = self._graph.get_output_details()
        if isinstance(output, str) and output not in [detail["name"] for detail in outputs]:
            self._graph = _interpreter(path, threads=threads, inner=True)
            outputs = self._graph.get_tensor_details()
        target = _pick(outputs, output, name=self.name)
        self._input, self._output = source, target
        self._rates = _rate_inputs(self._graph.get_input_details(), source, name=self.name, sample_rate=sample_rate)
        self._fits: tuple[int, ...] | None = None
        self.input_shape, self.output_shape = _shape(source), _shape(target)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the graph on a batch (B, ...) that has its input's shape."""
        try:
            self._fit(batch.shape)
            self._graph.set_tensor(self._input["index"], _quantised(batch, self._input))
            for index, rate in self._rates:
                self._graph.set_tensor(index, rate)
            self._graph.invoke()
        except (RuntimeError, ValueError) as error:
            text = str(error).splitlines()[0]
            raise ModelError(
                f"{self.name} fails on an input of shape {batch.shape} ({text}): correct its card file"
            ) from error
        return _plain(self._graph.get_tensor(self._output["index"]), self._output)

    def _fit(self, shape: tuple[int, ...]) -> None:
        """Make room for an input of this shape, as the graph may take several."""
        if shape == self._fits:
            return
        if shape != tuple(self._input["shape"]):
            self._graph.resize_tensor_input(self._input["index"], shape)
        with _quiet():
            self._graph.allocate_tensors()
        self._fits = shape


def _interpreter(path: Path, *, threads: int, inner: bool) -> Any:
    litert = require("ai_edge_litert.interpreter", extra="litert", needed_by=f"litert/{path}")
    try:
        with _quiet():
            return litert.Interpreter(str(path), num_threads=threads, experimental_preserve_all_tensors=inner)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{path} is not a LiteRT graph that ai-edge-litert runs ({str(error).splitlines()[0]}): convert it anew"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the runtime's start-up lines off the terminal: it writes them to file 2 and has no switch for them."""
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


def _shape(detail: dict[str, Any]) -> Shape:
    return tuple(None if size < 0 else int(size) for size in detail["shape_signature"])


def _pick(details: list[dict[str, Any]], wanted: str | int | None, *, name: str) -> dict[str, Any]:
    if wanted is None or (isinstance(wanted, int) and wanted < len(details)):
        return details[wanted or 0]
    named = {detail["name"]: detail for detail in details if detail["name"]}
    merged = [full for full in named if full.startswith(f"{wanted};")]  # a converter joins the names of what it fuses
    if wanted not in named and len(merged) == 1:
        return named[merged[0]]
    if wanted not in named:
        raise ModelError(f"{name} has no tensor {wanted!r}: {did_you_mean(str(wanted), list(named)[:12])}")
    return named[str(wanted)]


def _rate_inputs(
    details: list[dict[str, Any]], source: dict[str, Any], *, name: str, sample_rate: int
) -> list[tuple[int, NDArray[Any]]]:
    """What the other inputs are fed: one number is a sample rate, in the input's own type."""
    others = [detail for detail in details if detail["index"] != source["index"]]
    if len(others) > 1 or any(np.prod(detail["shape"]) != 1 for detail in others):
        raise ModelError(
            f"{name} takes {', '.join(detail['name'] for detail in details)}: noss feeds a waveform, and a sample rate "
            "where there is a second input of one number; export the graph with those"
        )
    return [(detail["index"], np.full(detail["shape"], sample_rate, detail["dtype"])) for detail in others]


def _quantised(batch: NDArray[np.float32], detail: dict[str, Any]) -> NDArray[Any]:
    """The batch in the input's own type: whole numbers where the graph takes those."""
    if not np.issubdtype(detail["dtype"], np.integer):
        return batch.astype(detail["dtype"], copy=False)
    step, zero = detail["quantization"]
    if not step:  # no scale of its own: 16-bit samples are what they are in a file
        step = 1.0 / INT16 if detail["dtype"] == np.int16 else 1.0
    limits = np.iinfo(detail["dtype"])
    rounded: NDArray[Any] = np.clip(np.round(batch / step) + zero, limits.min, limits.max).astype(detail["dtype"])
    return rounded


def _plain(values: NDArray[Any], detail: dict[str, Any]) -> NDArray[np.float32]:
    step, zero = detail["quantization"]
    scaled = (values.astype(np.float32) - zero) * step if step else values
    return np.asarray(scaled, dtype=np.float32)
