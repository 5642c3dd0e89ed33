"""Any ONNX graph as an embedding model: `onnx/PATH.onnx[:OUTPUT]`, or `onnx/PATH.card.json` that names its graphs.

How to feed the graph stands in a card file (see `noss.models._card_file`): `PATH.onnx.card.json` beside the graph, or
anywhere else, naming the graph; a front end that is a graph of its own is run first. Without a card file the shapes
decide: a float waveform (batch, time) at 16 kHz in [-1, 1] goes in, frames (batch, frames, dim) or a vector
(batch, dim) come out.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _graph_file
from noss.models._onnx import OnnxRunner


def card(choice: str) -> Card:
    """The facts of an ONNX graph, from its card file or else from its shapes.

    Raises:
        ModelError: The path holds no such graph, or its shapes do not tell how to feed it.
    """
    return _graph_file.card(choice, family="onnx", opener=OnnxRunner)


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs the graph with onnxruntime, on one thread unless told."""
    return _graph_file.build(choice, family="onnx", opener=OnnxRunner, threads=threads)
