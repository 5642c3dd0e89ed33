"""Every model on the shelf keeps the embedding contract.

The same check tries a part of your own: `noss check model ./mine.py`, or in Python
`noss.pipeline._check_model.check_model("./mine.py")`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from noss import shelf
from noss.models import Card
from noss.pipeline._check_model import check_model

# Parts whose weights do not come with noss: tried where NOSS_DATA holds them.
PRETRAINED = {
    "yamnet": "yamnet",
    "yamnet/layer10": "yamnet",
    "speech_embedding": "speech_embedding",
    "byol_s": "byol_s",
}
PRETRAINED |= {
    f"{part}/{choice}" if choice else part: home.folder
    for part in shelf.names("models")
    for choice, home in getattr(shelf.load("models", part), "HOMES", {}).items()
}
EXAMPLES = tiny_models.examples()
# Parts that want a service, or a package that does not come with noss or is slow to import: their own tests try them.
ELSEWHERE = {"http", "mteb", "speechbrain", "executorch"}
UNTRAINED = "Random initialisation"  # how the notes of an architecture without weights begin
MIDDLING, LARGE = 20_000_000, 75_000_000  # untrained sizes that are slow; that are counted only, in their part's tests


def _untrained_size(card: Card) -> int | None:
    return (card.num_parameters or 0) if card.notes.startswith(UNTRAINED) else None


def _own() -> Iterator[Any]:
    """Every choice of every part; of an untrained architecture the first, if it is not huge, and the last not too large."""
    for part in shelf.names("models"):
        module = shelf.load("models", part)
        cards = {} if hasattr(module, "HOMES") else getattr(module, "CARDS", {})  # those with a home are above
        sizes = {choice: _untrained_size(card) for choice, card in cards.items()}
        middling = [choice for choice, size in sizes.items() if size is not None and size < MIDDLING]
        for number, (choice, size) in enumerate(sizes.items()):
            if size is None or choice in middling[-1:] or (number == 0 and size < LARGE):
                marks = [pytest.mark.slow] if size is not None and (number or size >= MIDDLING) else []
                yield pytest.param(f"{part}/{choice}" if choice else part, marks=marks)


OWN = list(_own())


def _failures(name: str) -> list[str]:
    return [f"{verdict.name}: {verdict.detail}" for verdict in check_model(name) if verdict.ok is False]


def test_every_part_on_the_shelf_is_tried_here() -> None:
    tried = (
        {param.values[0].split("/")[0] for param in OWN}
        | {name.split("/")[0] for name in PRETRAINED}
        | {key.split()[0].split("@")[0] for key in EXAMPLES}
        | ELSEWHERE
    )
    assert sorted(tried) == shelf.names("models")


@pytest.mark.parametrize("name", OWN)
def test_own_models_keep_the_contract(name: str) -> None:
    assert _failures(name) == []


@pytest.mark.parametrize("kind", EXAMPLES)
def test_wrapped_models_keep_the_contract(kind: str, tmp_path: Path) -> None:
    assert _failures(EXAMPLES[kind](tmp_path)) == []


@pytest.mark.parametrize("part", PRETRAINED)
def test_pretrained_models_keep_the_contract(part: str, noss_data: Path) -> None:
    if not (noss_data / "weights" / PRETRAINED[part]).is_dir():
        pytest.skip(f"{noss_data}/weights/{PRETRAINED[part]} is not here")
    assert _failures(part) == []


@pytest.mark.skipif("NOSS_PART" not in os.environ, reason="NOSS_PART names no model of your own")
def test_your_own_model_keeps_the_contract() -> None:
    assert _failures(os.environ["NOSS_PART"]) == []
