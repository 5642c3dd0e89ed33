"""A program of torch.export, for PyTorch in Python and C++ without the code of the model: any length, or a window."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

from noss.exporters import Graph, Precision
from noss.exporters._quiet import quiet

SUFFIX: Final = ".pt2"
MODEL: Final = "torchexport"
PRECISIONS: Final = ("fp32",)
ANY_LENGTH: Final = True


def write(graph: Graph, path: Path, *, precision: Precision = "fp32") -> None:
    """Write a module as a program of torch.export.

    Args:
        graph: The module, and what sound it takes.
        path: The file.
        precision: Of its weights; there is fp32 alone.
    """
    import torch

    assert precision in PRECISIONS
    shapes = None
    rows = 1 if graph.window else 2  # an example of one row would fix the batch at one
    if graph.window is None:
        shapes = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("time", min=graph.min_samples)},)
    example, content = torch.linspace(-0.5, 0.5, rows * graph.example).reshape(rows, -1), io.BytesIO()
    with quiet():
        program = torch.export.export(
            graph.module, (example,), dynamic_shapes=shapes, prefer_deferred_runtime_asserts_over_guards=True
        )
        _drop_assertions(program.graph_module.graph)
        torch.export.save(program, content)
    path.write_bytes(content.getvalue())


def _drop_assertions(graph: Any) -> None:
    """Leave out what tracing supposed of sizes, such as two patches at least: it bars sound for which all else holds."""
    import torch

    for node in list(graph.nodes):
        if node.target is torch.ops.aten._assert_scalar.default:
            graph.erase_node(node)
    graph.eliminate_dead_code()
