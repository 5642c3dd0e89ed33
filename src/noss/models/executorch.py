"""Any ExecuTorch program as an embedding model: `executorch/PATH.pte`, or `executorch/PATH.card.json` that names it.

How to feed the program stands in a card file, as for `onnx/PATH` (see `noss.models._card_file`). Without one the shapes of
its method `forward` decide: a float waveform (1, time) at 16 kHz in [-1, 1] goes in, in windows of that time, and the first
output is the embedding. A program states only the longest time it takes: one that takes any up to that wants a card file
without `window`, whose `window_s` is no longer.

Source: the Python runtime of ExecuTorch 1.5.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _graph_file
from noss.models._executorch import ExecuTorchRunner


def card(choice: str) -> Card:
    """The facts of an ExecuTorch program, from its card file or else from its shapes.

    Raises:
        ModelError: The path holds no such program, or its shapes do not tell how to feed it.
    """
    return _graph_file.card(choice, family="executorch", opener=ExecuTorchRunner)


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs the program; its runtime shares the threads of this process, so `threads` must be 1."""
    return _graph_file.build(choice, family="executorch", opener=ExecuTorchRunner, threads=threads)
