"""Any program of torch.export as an embedding model: `torchexport/PATH.pt2`, or `torchexport/PATH.card.json`.

How to feed the program stands in a card file, as for `onnx/PATH` (see `noss.models._card_file`). Without one the shapes
decide: a float waveform (batch, time) at 16 kHz in [-1, 1] goes in, frames (batch, frames, dim) or a vector (batch, dim)
come out.

Loading such a file with torch alone can run code of whoever wrote it. So it is read first: a file with pickled objects,
with functions beside torch's own operators, or with expressions beside plain arithmetic is refused.

Source: the archive of torch.export since PyTorch 2.8.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _graph_file
from noss.models._torchexport import TorchExportRunner


def card(choice: str) -> Card:
    """The facts of a program, from its card file or else from its shapes.

    Raises:
        ModelError: The path holds no such program, it would run code, or its shapes do not tell how to feed it.
    """
    return _graph_file.card(choice, family="torchexport", opener=TorchExportRunner)


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs the program on torch's own threads."""
    return _graph_file.build(choice, family="torchexport", opener=TorchExportRunner, threads=threads)
