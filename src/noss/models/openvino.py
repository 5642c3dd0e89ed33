"""Any OpenVINO model as an embedding model: `openvino/PATH.xml` with its `.bin` beside, or `openvino/PATH.card.json`.

How to feed the model stands in a card file, as for `onnx/PATH` (see `noss.models._card_file`). Without one the shapes
decide: a float waveform (batch, time) at 16 kHz in [-1, 1] goes in, frames (batch, frames, dim) or a vector (batch, dim)
come out. It is computed in float32, which OpenVINO leaves for bfloat16 on some processors unless told.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from noss.errors import ModelError
from noss.models import Card, Embedder, _graph_file
from noss.models._openvino import OpenVinoRunner


def card(choice: str) -> Card:
    """The facts of an OpenVINO model, from its card file or else from its shapes.

    Raises:
        ModelError: The path holds no such model, its weights are missing, or its shapes do not tell how to feed it.
    """
    found = _graph_file.card(choice, family="openvino", opener=OpenVinoRunner)
    return replace(found, weights=";".join([found.weights or "", *_weights(found)]))


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs the model with OpenVINO, on one thread unless told."""
    return _graph_file.build(choice, family="openvino", opener=OpenVinoRunner, threads=threads)


def _weights(found: Card) -> list[str]:
    """The weights of every graph: OpenVINO keeps them in a file of their own."""
    graphs = [Path(path) for path in (found.weights or "").split(";") if path.endswith(".xml")]
    missing = [path for path in graphs if not path.with_suffix(".bin").is_file()]
    if missing:
        raise ModelError(
            f"{missing[0]} has no {missing[0].stem}.bin beside it: OpenVINO keeps the weights there; fetch both"
        )
    return [str(path.with_suffix(".bin")) for path in graphs]
