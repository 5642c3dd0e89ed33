"""TRILLsson, small students of the Conformer CAP12: `trillsson/1` to `trillsson/5` (1,024-d), or `trillsson/./DIR[:N]`.

They take samples in a batch, and give one vector a clip: the mean over pieces of two seconds, made inside the model; clips
below two seconds are mirrored. The first use converts them to ONNX (see `savedmodel`).

Source: Shor and Venugopalan 2022, TRILLsson: Distilling Universal Paralinguistic Speech Representations, arXiv:2203.00236,
table 3 for the numbers of parameters, its abstract for the sizes of the first and the last; facts from the pages
https://tfhub.dev/google/trillsson1/1 and following.
"""

from __future__ import annotations

from noss.models import Card, Embedder, _published
from noss.models._published import Published

BODIES = {  # number -> body, parameters, megabytes where they are stated
    "1": ("ResNetish", 5_000_000, 22.0),
    "2": ("EfficientNetV2", 8_100_000, None),
    "3": ("EfficientNetV2", 21_500_000, None),
    "4": ("AST", 63_400_000, None),
    "5": ("AST", 88_600_000, 314.0),
}


def _published_model(number: str) -> Published:
    body, parameters, size_mb = BODIES[number]
    home = _published.home(
        f"trillsson{number}/1", page="https://www.kaggle.com/models/google/trillsson", folder=f"trillsson/{number}"
    )
    facts = Card(
        sample_rate=16_000,
        frame_rate=0.0,
        dim=1024,
        source="https://arxiv.org/abs/2203.00236",
        licence="Apache-2.0",
        weights=home.url,
        num_parameters=parameters,
        size_mb=size_mb,
        trained_on=("AudioSet", "Libri-Light"),
        citation="Shor and Venugopalan 2022, TRILLsson: Distilling Universal Paralinguistic Speech Representations",
        notes=f"{body}; one vector a clip, the mean over pieces of 2 s inside the model.",
    )
    return Published(key="embedding", card=facts, home=home)


MODELS = {number: _published_model(number) for number in BODIES}
CARDS = {choice: model.card for choice, model in MODELS.items()}
HOMES = {choice: model.home for choice, model in MODELS.items()}


def card(choice: str) -> Card:
    """The facts of a TRILLsson, once its weights are here.

    Raises:
        ModelError: They are not, or there is no such number; the message says where to put them.
    """
    return _published.card(choice, models=MODELS, family="trillsson")


def build(choice: str, *, threads: int = 1) -> Embedder:
    """An embedder that runs a TRILLsson, on one thread unless told."""
    return _published.build(choice, models=MODELS, family="trillsson", threads=threads)
