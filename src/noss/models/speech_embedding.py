"""Google's speech embedding, trained to tell keywords apart: `speech_embedding`, or `speech_embedding/FOLDER`.

Two ONNX graphs: `melspectrogram.onnx` gives 32 log-mel bands every 10 ms, `embedding_model.onnx` maps 76 of these frames
to 96 dimensions every 80 ms. The same two graphs can be named by a card file of one's own (`onnx/PATH.card.json`).

Source: Lin et al. 2020, Training Keyword Spotters with Limited and Synthesized Speech Data.
"""

from __future__ import annotations

from pathlib import Path

from noss.models import Card, Embedder, _graph
from noss.models._card_file import CardFile, FrontEnd, to_card
from noss.models._files import existing, find_weights
from noss.models._onnx import OnnxRunner

FACTS = CardFile(
    sample_rate=16_000,
    dim=96,
    scale=32_767.0,
    window=76,
    hop=8,
    front_end=FrontEnd(model="melspectrogram.onnx", window=512, hop=160, multiply=0.1, add=2.0),
    source="https://arxiv.org/abs/2002.01322",
    licence="Apache-2.0",
    citation="Lin et al. 2020",
    trained_on=("200 million clips of YouTube",),
    notes="Log-mel levels are floored 80 dB below the loudest of the clip, so frames know their clip.",
)
NAMES = ("embedding_model.onnx", "melspectrogram.onnx")


def card(choice: str) -> Card:
    """The facts of the speech embedding, once its two graphs are found.

    Raises:
        ModelError: The weights are not here; the message says where to put them.
    """
    return to_card(FACTS, paths=_weights(choice))


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs both graphs with onnxruntime, on one thread unless told."""
    model, mel = (OnnxRunner(path, input_name=None, output=None, threads=threads) for path in _weights(choice))
    return _graph.embedder(model, FACTS, front_end=mel)


def _weights(choice: str) -> list[Path]:
    if not choice:
        return find_weights("speech_embedding", *NAMES)
    return [existing(Path(choice) / name, needed_by="speech_embedding") for name in NAMES]
