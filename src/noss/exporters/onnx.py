"""ONNX, for onnxruntime on any machine and in browsers: any length and batch, or a fixed window.

In half precision the weights are kept in 16 bits and computed with in 32. In int8, convolutions and matrix products behind the
front end have weights and inputs of 8 bits, with ranges found on sounds. The front end stays in float32: what 8 bits round away
there, the logarithm brings out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from noss.exporters import Graph, Precision
from noss.exporters._quiet import quiet
from noss.shelf import require

SUFFIX: Final = ".onnx"
MODEL: Final = "onnx"
PRECISIONS: Final = ("fp32", "fp16", "int8")
ANY_LENGTH: Final = True
INPUT, OUTPUT = "waveform", "embedding"


def write(graph: Graph, path: Path, *, precision: Precision = "fp32") -> None:
    """Write a module as an ONNX file.

    Args:
        graph: The module, and what sound it takes.
        path: The file.
        precision: Of its weights; in int8, of its arithmetic too.

    Raises:
        MissingExtraError: onnx, onnxscript or onnxruntime is not here.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        require(package, extra="export", needed_by="noss export --to onnx")
    import onnx

    with quiet():
        model = _exported(graph)
        if precision == "fp16":
            from noss.exporters._onnx_small import halve

            halve(model)
        elif precision == "int8":
            from noss.exporters._onnx_small import quantised

            model = quantised(model, graph.sounds, name=INPUT)
    for node in model.graph.node:
        del node.metadata_props[:]  # tells of files and lines of the machine it was made on
    path.write_bytes(_bytes(onnx, model))


def _bytes(onnx: Any, model: Any) -> bytes:
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _exported(graph: Graph) -> Any:
    """The module as an ONNX model, its sizes free where no window is asked for."""
    import torch

    shapes = None
    rows = 1 if graph.window else 2  # an example of one row would fix the batch at one
    if graph.window is None:
        shapes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time", min=graph.min_samples)},)
    program = torch.onnx.export(
        graph.module,
        (torch.linspace(-0.5, 0.5, rows * graph.example).reshape(rows, -1),),
        dynamic_shapes=shapes,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    return program.model_proto
