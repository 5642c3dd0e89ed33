"""YAMNet's real weights, read out of its LiteRT file into our net, give its embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from noss.models._mobilenet import YAMNET_NORM, MobileNetV1

Tensors = dict[str, NDArray[np.float32]]
LAYERS = ["layer1/conv", *(f"layer{n}/{kind}_conv" for n in range(2, 15) for kind in ("depthwise", "pointwise"))]


@pytest.mark.slow
@pytest.mark.parametrize("loudness", [0.01, 0.3])
def test_the_embedding_is_that_of_litert(loudness: float, noss_data: Path) -> None:
    """On LiteRT's own log-mel, whose matrices are int8; what is left is the int8 of its activations."""
    pytest.importorskip("ai_edge_litert")
    weights = noss_data / "weights" / "yamnet" / "yamnet.tflite"
    if not weights.is_file():
        pytest.skip(f"{weights} is not here")
    sound = np.random.default_rng(0).standard_normal(15_600) * np.linspace(0.0, loudness, 15_600)
    tensors = run(weights, sound.astype(np.float32))
    net = MobileNetV1(batch_norm=YAMNET_NORM, activation=nn.ReLU).eval()
    copy(tensors, net)
    with torch.inference_mode():
        found = net(torch.from_numpy(tensors["yamnet_frames/reshape/Reshape"].transpose(0, 3, 1, 2)))[0].numpy()
    expected = tensors["yamnet_frames/global_average_pooling2d/Mean"][0]
    assert found @ expected / np.linalg.norm(found) / np.linalg.norm(expected) > 0.99
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.1)


def run(path: Path, waveform_T: NDArray[np.float32]) -> Tensors:
    """Every tensor of the graph after a run, by name, int8 ones multiplied out."""
    from ai_edge_litert.interpreter import Interpreter

    graph = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
    graph.allocate_tensors()
    graph.set_tensor(graph.get_input_details()[0]["index"], waveform_T[None])
    graph.invoke()
    found = {}
    for detail in graph.get_tensor_details():
        try:
            array, quantised = graph.get_tensor(detail["index"]), detail["quantization_parameters"]
        except ValueError:  # a tensor that a delegate keeps to itself
            continue
        if array.dtype == np.int8:
            shape = [1] * array.ndim
            shape[quantised["quantized_dimension"]] = -1
            scale, zero = (quantised[key].reshape(shape) for key in ("scales", "zero_points"))
            array = ((array.astype(np.float32) - zero) * scale).astype(np.float32)
        found[detail["name"]] = array
    return found


def copy(tensors: Tensors, net: nn.Module) -> None:
    """Copy YAMNet's weights, normalisation folded in: layer 1, then pairs of depthwise and pointwise convolutions."""
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for name, convolution, norm in zip(LAYERS, convolutions, norms, strict=True):
            offset = f"yamnet_frames/{name}/bn/FusedBatchNormV3"
            kernel, turn = f"yamnet_frames/{name}/Conv2D", (0, 3, 1, 2)
            if "depthwise" in name:
                start = f"{offset};yamnet_frames/{name}/depthwise"
                kernel = next(key for key in tensors if key.startswith(start) and not key.endswith("_dequantize"))
                turn = (3, 0, 1, 2)
            convolution.weight.copy_(torch.from_numpy(np.ascontiguousarray(tensors[kernel].transpose(turn))))
            norm.bias.copy_(torch.from_numpy(tensors[offset]))
            assert norm.running_var is not None
            norm.running_var.fill_(1.0 - norm.eps)
