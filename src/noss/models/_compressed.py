"""Compressed layers as a trained model keeps them: thin pairs of matrices, fewer neurons, or weights in int8.

`model.json` of a run of training says under `compressed` which layers are, and how::

    {"kind": "low_rank", "layers": {"net.fc.0": 64}}             the rank of each layer's two matrices
    {"kind": "prune", "layers": {"net.fc.0": [1024, 512]}}       inputs and outputs that linear layers are left with
    {"kind": "int8", "layers": {"net.fc.0": 8}}                  bits of each layer's weights

A layer in int8 has whole numbers in place of its weights, and beside them `NAME.weight_scale`, one number an output.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from noss.errors import MissingExtraError

SCALE = "weight_scale"


class Thin(nn.Sequential):
    """A linear layer, or a convolution of width 1, as two with few channels between them."""

    @property
    def weight(self) -> Tensor:
        """The weight (D, D) of the one layer that they stand for."""
        down: Any = self[0]
        up: Any = self[1]
        product: Tensor = up.weight.flatten(1) @ down.weight.flatten(1)
        return product.view(*product.shape, *([1] * (up.weight.ndim - 2)))

    @property
    def bias(self) -> Tensor | None:
        """Its bias (D,)."""
        up: Any = self[1]
        found: Tensor | None = up.bias
        return found


def load_compressed(module: nn.Module, weights: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Give a module its compressed layers, and all its weights.

    Args:
        module: The module as it was before compression; changed.
        weights: What the run kept, by name.
        record: What `model.json` says under `compressed`.

    Raises:
        MissingExtraError: Weights are in int8, and torchao is not here.
        RuntimeError: The weights do not fit.
    """
    layers: Mapping[str, Any] = record["layers"]
    if record["kind"] == "int8":
        _load_int8(module, weights, layers)
        return
    for name, size in layers.items():
        part: Any = module.get_submodule(name)
        made = thin(part, rank=size) if record["kind"] == "low_rank" else _narrow(part, *size)
        module.set_submodule(name, made)
    module.load_state_dict(weights)


def thin(part: nn.Linear | nn.Conv1d | nn.Conv2d, *, rank: int) -> Thin:
    """Two layers of a rank in the place of one; their weights are drawn at random."""
    has_bias = part.bias is not None
    if isinstance(part, nn.Linear):
        return Thin(nn.Linear(part.in_features, rank, bias=False), nn.Linear(rank, part.out_features, bias=has_bias))
    conv: Any = nn.Conv1d if isinstance(part, nn.Conv1d) else nn.Conv2d
    return Thin(conv(part.in_channels, rank, 1, bias=False), conv(rank, part.out_channels, 1, bias=has_bias))


def to_int8(module: nn.Module, chosen: Callable[[str], bool]) -> None:
    """Quantise linear layers by torchao: int8 weights, an own scale for each output; inputs in int8 as they come.

    Args:
        module: Changed.
        chosen: Which layers, by name.

    Raises:
        MissingExtraError: torchao is not here.
    """
    with _quietly():
        torchao = _torchao("quantization")
        settings = torchao.Int8DynamicActivationInt8WeightConfig(set_inductor_config=False)
        torchao.quantize_(module, settings, filter_fn=lambda _, name: chosen(name))


def feel_int8(module: nn.Module, chosen: Callable[[str], bool]) -> None:
    """Let linear layers round in training as they will in int8; gradients pass as if they did not.

    torchao rounds inputs with a zero point here and without one in `to_int8`, which is what is fast on a processor.

    Args:
        module: Changed; its weights keep their names.
        chosen: Which layers, by name.

    Raises:
        MissingExtraError: torchao is not here.
    """
    with _quietly():
        torchao, aware = _torchao("quantization"), _torchao("quantization.qat")
        inputs = aware.IntxFakeQuantizeConfig(torch.int8, "per_token", is_symmetric=False)
        weights = aware.IntxFakeQuantizeConfig(torch.int8, "per_channel")
        settings = aware.QATConfig(activation_config=inputs, weight_config=weights, step="prepare")
        torchao.quantize_(module, settings, filter_fn=lambda _, name: chosen(name))


def int8_weights(module: nn.Module) -> dict[str, Tensor]:
    """A quantised module's weights as they are kept: whole numbers and scales as tensors of their own."""
    kept: dict[str, Tensor] = {}
    for name, value in module.state_dict().items():
        whole = getattr(value, "qdata", None)
        kept[name] = value if whole is None else whole
        if whole is not None:
            kept[name.removesuffix("weight") + SCALE] = value.scale
    return kept


def _torchao(name: str) -> Any:
    try:
        return importlib.import_module(f"torchao.{name}")
    except ModuleNotFoundError as error:
        raise MissingExtraError("torchao", extra="quantize", needed_by="a model in int8") from error


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what torchao logs about kernels for other machines."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _load_int8(module: nn.Module, weights: Mapping[str, Tensor], layers: Mapping[str, Any]) -> None:
    plain = {name: value for name, value in weights.items() if not name.endswith(SCALE)}
    scales = {name: weights[f"{name}.{SCALE}"] for name in layers}
    for name, scale in scales.items():
        plain[f"{name}.weight"] = plain[f"{name}.weight"].float() * scale
    module.load_state_dict(plain)
    to_int8(module, lambda name: name in layers)
    with torch.no_grad():
        for name, scale in scales.items():  # quantised anew, a weight may fall on the next number: take those kept
            kept: Any = module.get_submodule(name).weight
            kept.qdata.copy_(weights[f"{name}.weight"])
            kept.scale.copy_(scale)


def _narrow(part: nn.Linear, inside: int, outside: int) -> nn.Linear:
    return nn.Linear(inside, outside, bias=part.bias is not None)
