"""FRILL, TRILL for mobile devices: `frill` (2,048-d), or `frill/./DIR`.

A MobileNetV3-Small of double width with global average pooling, distilled from layer 19 of TRILL on 900,000 clips of speech
of AudioSet (May 2021). The SavedModel takes a batch of samples, and gives a vector for every 0.96 s, 0.17 s apart. The
first use converts it to ONNX (see `savedmodel`).

Source: Peplinski et al. 2021, FRILL: A Non-Semantic Speech Embedding for Mobile Devices, arXiv:2011.04609; facts from its
page https://tfhub.dev/google/nonsemantic-speech-benchmark/frill/1; the number of parameters as Shor et al. 2022
(arXiv:2110.04621) give it.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _published
from noss.models._published import Published

HOME = _published.home(
    "nonsemantic-speech-benchmark/frill/1",
    page="https://www.kaggle.com/models/google/nonsemantic-speech-benchmark",
    folder="frill",
)
MODELS = {
    "": Published(
        key="embedding",
        home=HOME,
        card=Card(
            sample_rate=16_000,
            frame_rate=100 / 17,
            dim=2048,
            source="https://arxiv.org/abs/2011.04609",
            licence="Apache-2.0",
            weights=HOME.url,
            min_s=1.0,
            num_parameters=10_100_000,
            size_mb=44.0,
            trained_on=("AudioSet",),
            citation="Peplinski et al. 2021, FRILL: A Non-Semantic Speech Embedding for Mobile Devices",
            notes="Wants 0.96 s at least, so clips are padded to 1 s; windows of 0.96 s every 0.17 s.",
        ),
    )
}
CARDS = {choice: model.card for choice, model in MODELS.items()}
HOMES = {choice: model.home for choice, model in MODELS.items()}


def card(choice: str) -> Card:
    """The facts of FRILL, once its weights are here.

    Raises:
        ModelError: They are not; the message says where to put them.
    """
    return _published.card(choice, models=MODELS, family="frill")


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs FRILL, on one thread unless told."""
    return _published.build(choice, models=MODELS, family="frill", threads=threads)
