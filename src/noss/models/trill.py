"""TRILL, trained on neighbours in time: `trill` (512-d), `trill/layer19` (12,288-d); or `trill/./DIR[:layer19]`.

The SavedModel takes samples and a sample rate, and gives a vector for every 0.96 s, 0.17 s apart; clips below one second
are padded with zeros inside it. The first use converts it to ONNX (see `savedmodel`).

Source: Shor et al. 2020, Towards Learning a Universal Non-Semantic Representation of Speech, arXiv:2002.12764; facts from
its page https://tfhub.dev/google/nonsemantic-speech-benchmark/trill/3; the number of parameters as Shor et al. 2022
(arXiv:2110.04621) give it.
"""

from __future__ import annotations

from dataclasses import replace

from noss.models import Card, Embedder, _published
from noss.models._published import Published

HOME = _published.home(
    "nonsemantic-speech-benchmark/trill/3",
    page="https://www.kaggle.com/models/google/nonsemantic-speech-benchmark",
    folder="trill",
)
TOP = Card(
    sample_rate=16_000,
    frame_rate=100 / 17,
    dim=512,
    source="https://arxiv.org/abs/2002.12764",
    licence="Apache-2.0",
    weights=HOME.url,
    num_parameters=24_500_000,
    size_mb=98.1,
    trained_on=("AudioSet",),
    citation="Shor et al. 2020, Towards Learning a Universal Non-Semantic Representation of Speech",
    notes="The unit-norm output; windows of 0.96 s every 0.17 s.",
)
LAYER19 = replace(
    TOP, dim=12_288, notes="A convolution's output before its activation, flattened; 0.96 s every 0.17 s."
)
MODELS = {
    "": Published(key="embedding", card=TOP, home=HOME),
    "layer19": Published(key="layer19", card=LAYER19, home=HOME),
}
CARDS = {choice: model.card for choice, model in MODELS.items()}
HOMES = {choice: model.home for choice, model in MODELS.items()}


def card(choice: str) -> Card:
    """The facts of TRILL, once its weights are here.

    Raises:
        ModelError: They are not; the message says where to put them.
    """
    return _published.card(choice, models=MODELS, family="trill")


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs TRILL, on one thread unless told."""
    return _published.build(choice, models=MODELS, family="trill", threads=threads)
