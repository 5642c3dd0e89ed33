"""Any LiteRT (TFLite) graph as an embedding model: `litert/PATH.tflite`, or `litert/PATH.card.json` that names it.

How to feed the graph stands in a card file (see `noss.models._card_file`): `PATH.tflite.card.json` beside the graph, or
anywhere else, naming the graph. Its `output` may be an inner tensor. Without a card file the shapes decide: a float
waveform at 16 kHz in [-1, 1] goes in, in windows of the input's fixed length if it has one, and the first output is
the embedding. Integer graphs are fed and read through their own scale.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _graph_file
from noss.models._litert import LiteRtRunner


def card(choice: str) -> Card:
    """The facts of a LiteRT graph, from its card file or else from its shapes.

    Raises:
        ModelError: The path holds no such graph, or its shapes do not tell how to feed it.
    """
    return _graph_file.card(choice, family="litert", opener=LiteRtRunner)


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs the graph with ai-edge-litert, on one thread unless told."""
    return _graph_file.build(choice, family="litert", opener=LiteRtRunner, threads=threads)
