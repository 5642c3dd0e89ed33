"""LiteRT (TFLite), for phones: a fixed window, one clip at a time.

Longer sound is cut into windows and shorter sound padded with zeros, by whoever runs the file; `litert/FILE` does so. In half
precision the weights are kept in 16 bits and computed with in 32. In int8 weights have 8 bits, and so have the inputs of
convolutions and matrix products, each by its own range as it comes. The front end stays in float32.

litert-torch asks for older versions of some packages than others here do: an environment of its own is the safe place for it.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any, Final

from noss.errors import ModelError
from noss.exporters import Graph, Precision
from noss.exporters._quiet import quiet
from noss.shelf import require

SUFFIX: Final = ".tflite"
MODEL: Final = "litert"
PRECISIONS: Final = ("fp32", "fp16", "int8")
ANY_LENGTH: Final = False


def write(graph: Graph, path: Path, *, precision: Precision = "fp32") -> None:
    """Write a module as a LiteRT file.

    Args:
        graph: The module, and the window it takes.
        path: The file.
        precision: Of its weights; in int8, of its arithmetic too.

    Raises:
        MissingExtraError: litert-torch is not here.
        ModelError: No window is asked for.
    """
    with quiet():
        litert_torch = require("litert_torch", extra="export-litert", needed_by="noss export --to litert")
    import torch

    if graph.window is None:
        raise ModelError(f"{graph.name} has no window and a LiteRT file takes one length: give --window-s")
    with quiet():
        example = torch.linspace(-0.5, 0.5, graph.window)[None]
        # Of weights in channels-last the converter keeps a view, whose memory may hold something else by when it is written.
        module = copy.deepcopy(graph.module)
        module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        litert_torch.convert(module, (example,)).export(str(path))
        if precision != "fp32":
            path.write_bytes(_smaller(path.read_bytes(), precision))


def _smaller(model: bytes, precision: Precision) -> bytes:
    """The same model with smaller weights behind its front end."""
    from ai_edge_quantizer import qtyping, quantizer
    from ai_edge_quantizer.recipe import AlgorithmName

    every, behind = qtyping.TFLOperationName.ALL_SUPPORTED, _behind_log(model)
    worker: Any = quantizer.Quantizer(model)
    if precision == "int8":
        worker.add_dynamic_config(behind, every, num_bits=8)
    else:
        half = qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        worker.update_quantization_recipe(behind, every, half, AlgorithmName.FLOAT_CASTING)
    return bytes(worker.quantize().quantized_model)


def _behind_log(model: bytes) -> str:
    """A pattern of the names of all operations but those that a logarithm is taken of: the front end, whatever it is called."""
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.utils import tfl_flatbuffer_utils

    graph: Any = tfl_flatbuffer_utils.read_model(model)
    operators, tensors = graph.subgraphs[0].operators, graph.subgraphs[0].tensors
    log = qtyping.BuiltinOperator.LOG
    makers = {output: operator for operator in operators for output in operator.outputs}
    found: dict[int, Any] = {}
    left = [operator for operator in operators if graph.operatorCodes[operator.opcodeIndex].builtinCode == log]
    while left:
        operator = left.pop()
        if id(operator) not in found:
            found[id(operator)] = operator
            left += [makers[tensor] for tensor in operator.inputs if tensor in makers]
    names = {tensors[output].name.decode() for operator in found.values() for output in operator.outputs}
    spared = "|".join(re.escape(name) for name in sorted(names))
    return f"^(?!(?:{spared});?$).*$" if spared else ".*"
