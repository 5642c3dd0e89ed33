"""An ONNX model made smaller: weights in half precision, or weights and inputs in int8."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 1024  # numbers of a weight that is worth a node


def halve(model: Any) -> None:
    """Keep weights in half precision, and make them float32 again as they are read: runtimes do so once.

    Args:
        model: An ONNX model; changed.
    """
    from onnx import TensorProto, helper, numpy_helper

    spared = _before_log(model.graph)
    kept = {name for node in model.graph.node if node.name in spared for name in node.input}
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < FEWEST or weight.name in kept:
            continue
        name, half = weight.name, f"{weight.name}.half"
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [name], name=f"{name}.float", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def quantised(model: Any, sounds: Sequence[NDArray[np.float32]], *, name: str) -> Any:
    """A copy with convolutions and matrix products in int8, a scale for each channel of weights.

    Args:
        model: An ONNX model.
        sounds: Waveforms (T,) that the ranges of inputs are found on.
        name: Of its input.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_static

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        before.write_bytes(model.SerializeToString())
        quantize_static(
            before,
            after,
            _sounds(sounds, name),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "MatMul", "Gemm"],
            nodes_to_exclude=sorted(_before_log(model.graph)),
        )
        return onnx.load(after)


def _sounds(sounds: Sequence[NDArray[np.float32]], name: str) -> Any:
    """The sounds as onnxruntime asks for them."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(sounds)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            waveform_T = next(self._left, None)
            return None if waveform_T is None else {name: waveform_T[None]}

    return Reader()


def _before_log(graph: Any) -> set[str]:
    """Names of all nodes that a logarithm is taken of: the front end, whatever it is called."""
    makers = {output: node for node in graph.node for output in node.output}
    found: set[str] = set()
    left = [node for node in graph.node if node.op_type == "Log"]
    while left:
        node = left.pop()
        if node.name not in found:
            found.add(node.name)
            left += [makers[name] for name in node.input if name in makers]
    return found
