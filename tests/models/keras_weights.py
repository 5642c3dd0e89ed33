"""Random weights for a Keras model, and the same ones copied into a net of ours, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "Dense")
Array = NDArray[np.float32]


def randomise(model: Any, *, seed: int = 0) -> None:
    """Draw every weight of a Keras model, none at its default.

    Scales stay below 1 on average: deep random nets that amplify are chaotic, in float32 even against themselves.
    """
    generator = np.random.default_rng(seed)
    for layer in model.layers:
        weights = []
        for variable in layer.weights:
            name, shape = variable.path.rsplit("/", 1)[-1], tuple(variable.shape)
            if "kernel" in name:
                fan_in = np.prod(shape[:2]) if "Depthwise" in type(layer).__name__ else np.prod(shape[:-1])
                weights.append(generator.normal(size=shape) * np.sqrt(1.5 / fan_in))
            elif name == "gamma":
                weights.append(generator.uniform(0.4, 1.0, size=shape))
            elif name == "moving_variance":
                weights.append(generator.uniform(0.5, 1.5, size=shape))
            else:
                weights.append(0.1 * generator.normal(size=shape))
        if weights and type(layer).__name__ in (*CONVOLUTIONS, "BatchNormalization"):
            layer.set_weights(weights)


def copy(model: Any, net: nn.Module, *, by_name: bool = False) -> None:
    """Copy a Keras model's weights into a net with the same layers in the same order, or in the order of their names.

    A bias that the net does not have, since normalisation follows, is taken off the running mean behind it.
    """
    layers = sorted(model.layers, key=lambda layer: _natural(layer.name)) if by_name else model.layers
    theirs = [layer for layer in layers if type(layer).__name__ in CONVOLUTIONS]
    their_norms = [layer for layer in layers if type(layer).__name__ == "BatchNormalization"]
    ours = [module for module in net.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    our_norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert (len(ours), len(our_norms)) == (len(theirs), len(their_norms))
    with torch.no_grad():
        for module, layer in zip(our_norms, their_norms, strict=True):
            arrays = zip(
                (module.weight, module.bias, module.running_mean, module.running_var), layer.get_weights(), strict=True
            )
            for tensor, array in arrays:
                tensor.copy_(torch.from_numpy(array))
        for number, (module, layer) in enumerate(zip(ours, theirs, strict=True)):
            kernel, *bias = layer.get_weights()
            module.weight.copy_(torch.from_numpy(_turned(kernel, layer, shape=module.weight.shape)))
            if bias and module.bias is not None:
                module.bias.copy_(torch.from_numpy(bias[0]))
            elif bias:
                our_norms[number].running_mean -= torch.from_numpy(bias[0])


def _turned(kernel: Array, layer: Any, *, shape: Sequence[int]) -> Array:
    if kernel.ndim == 4:
        kernel = kernel.transpose(2, 3, 0, 1) if "Depthwise" in type(layer).__name__ else kernel.transpose(3, 2, 0, 1)
    else:
        kernel = kernel.T
    return np.ascontiguousarray(kernel.reshape(tuple(shape)))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdigit() else (0, piece) for piece in re.split(r"(\d+)", name)]
