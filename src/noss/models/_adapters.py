"""Adapters of wav2vec 2.0 (MMS): a small file for every language, put into a model that all of them share."""

from __future__ import annotations

from typing import Any

from noss.errors import ModelError
from noss.models._speech_source import Source
from noss.shelf import require


def load(net: Any, source: Source) -> set[str]:
    """Put the weights of a source's adapter into a model; gives their names, the head's left out.

    Raises:
        ModelError: The file cannot be read, or holds no adapter of this model.
    """
    path = source.adapter
    assert path is not None
    safetensors = require("safetensors.torch", extra="transformers", needed_by=f"the adapter {path}")
    try:
        weights = safetensors.load_file(path)
    except (OSError, require("safetensors", extra="transformers", needed_by=str(path)).SafetensorError) as error:
        raise ModelError(f"the adapter {path} cannot be read ({error}): fetch it anew") from error
    own = {name: weight for name, weight in weights.items() if "adapter_layer" in name}
    named = {name.partition("wav2vec2.")[2] or name: weight for name, weight in own.items()}
    wanted = {name: tuple(weight.shape) for name, weight in net.state_dict().items() if "adapter_layer" in name}
    if {name: tuple(weight.shape) for name, weight in named.items()} != wanted:
        raise ModelError(
            f"{path.name} holds {len(named)} weights of adapters and {source.page} has {len(wanted)} of other names or "
            f"shapes: take the adapter of this model"
        )
    net.load_state_dict(named, strict=False)
    return set(named)
