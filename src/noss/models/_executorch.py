"""An ExecuTorch program as a runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models._graph import Shape
from noss.shelf import require

FLOAT = 6  # ExecuTorch's number for float32, PyTorch's own


class ExecuTorchRunner:
    """The first input and one output, by its number, of a program's method `forward`."""

    def __init__(self, path: Path, *, input_name: str | None, output: str | int | None, threads: int = 1) -> None:
        self.name = str(path)
        if input_name is not None or isinstance(output, str) or threads != 1:
            raise ModelError(
                f"{path}: an ExecuTorch program has no named tensors and runs as it is: give output as a number"
            )
        self._method = _forward(path)
        meta, self._output = self._method.metadata, output or 0
        if meta.input_tensor_meta(0).dtype() != FLOAT:
            raise ModelError(
                f"{path} takes no float32: noss feeds float waveforms; export the program with a float input"
            )
        if self._output >= meta.num_outputs():
            raise ModelError(
                f"{path} has {meta.num_outputs()} outputs and its card file names number {self._output}: correct it"
            )
        self.input_shape: Shape = tuple(meta.input_tensor_meta(0).sizes())
        self.output_shape: Shape = tuple(meta.output_tensor_meta(self._output).sizes())

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the program on a batch (B, ...) that has its input's shape."""
        import torch

        try:
            result = self._method.execute([torch.from_numpy(np.ascontiguousarray(batch))])[self._output]
        except RuntimeError as error:
            text = str(error).strip().splitlines()[0]
            raise ModelError(
                f"{self.name} fails on an input of shape {batch.shape} ({text}): correct its card file"
            ) from error
        return np.array(result.numpy(), dtype=np.float32)


def _forward(path: Path) -> Any:
    runtime = require("executorch.runtime", extra="executorch", needed_by=f"executorch/{path}")
    try:
        return runtime.Runtime.get().load_program(path).load_method("forward")
    except (RuntimeError, ValueError) as error:
        text = str(error).strip().splitlines()[0]
        raise ModelError(f"{path} is not a program that ExecuTorch runs ({text}): export it anew") from error
