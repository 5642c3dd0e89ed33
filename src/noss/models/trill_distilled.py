"""TRILL distilled into a MobileNet: `trill_distilled` (2,048-d), or `trill_distilled/./DIR`.

The SavedModel takes samples and a sample rate, and gives a vector for every 0.96 s, 0.17 s apart. The first use converts
it to ONNX (see `savedmodel`).

Source: Shor et al. 2020, arXiv:2002.12764; facts from its page
https://tfhub.dev/google/nonsemantic-speech-benchmark/trill-distilled/3. No number of parameters is stated there.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _published
from noss.models._published import Published

HOME = _published.home(
    "nonsemantic-speech-benchmark/trill-distilled/3",
    page="https://www.kaggle.com/models/google/nonsemantic-speech-benchmark",
    folder="trill_distilled",
)
MODELS = {
    "": Published(
        key="embedding",
        home=HOME,
        card=Card(
            sample_rate=16_000,
            frame_rate=100 / 17,
            dim=2048,
            source="https://arxiv.org/abs/2002.12764",
            licence="Apache-2.0",
            weights=HOME.url,
            trained_on=("AudioSet",),
            citation="Shor et al. 2020, Towards Learning a Universal Non-Semantic Representation of Speech",
            notes="Distilled from layer 19 of TRILL; windows of 0.96 s every 0.17 s.",
        ),
    )
}
CARDS = {choice: model.card for choice, model in MODELS.items()}
HOMES = {choice: model.home for choice, model in MODELS.items()}


def card(choice: str) -> Card:
    """The facts of distilled TRILL, once its weights are here.

    Raises:
        ModelError: They are not; the message says where to put them.
    """
    return _published.card(choice, models=MODELS, family="trill_distilled")


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs distilled TRILL, on one thread unless told."""
    return _published.build(choice, models=MODELS, family="trill_distilled", threads=threads)
