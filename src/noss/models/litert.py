"""Any LiteRT (TFLite) graph as an embedding model: `litert/PATH.tflite[:OUTPUT]`, or `litert/PATH.card.json`.

How to feed the graph stands in a card file (see `noss.models._card_file`): `PATH.tflite.card.json` beside the graph, or
anywhere else, naming the graph. Its `output` may be an inner tensor. Without a card file the shapes decide: a waveform at
16 kHz in [-1, 1] goes in, in windows of the input's fixed length if it has one, and the first output, or the one of that
name or number, is the embedding. Integer graphs are fed and read through their own scale, and 16-bit inputs without one are
fed the samples of a 16-bit file. A second input of one number is fed the sample rate.
"""

from __future__ import annotations

from pathlib import Path

from noss.models import Card, Embedder, _card_file, _graph_file
from noss.models._litert import LiteRtRunner

RATE = 16_000


def card(choice: str) -> Card:
    """The facts of a LiteRT graph, from its card file or else from its shapes.

    Raises:
        ModelError: The path holds no such graph, or its shapes do not tell how to feed it.
    """
    return _graph_file.card(choice, family="litert", opener=_runner)


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs the graph with ai-edge-litert, on one thread unless told."""
    return _graph_file.build(choice, family="litert", opener=_runner, threads=threads)


def _runner(path: Path, *, input_name: str | None, output: str | int | None, threads: int = 1) -> LiteRtRunner:
    """A runner that knows the rate which the graph's card file states."""
    found = _card_file.find(path)
    rate = RATE if found is None else _card_file.read(found).sample_rate
    return LiteRtRunner(path, input_name=input_name, output=output, threads=threads, sample_rate=rate)
