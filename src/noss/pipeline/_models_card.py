"""The card of a model that is only named: no weights are asked for but those of a part that takes no choice."""

from __future__ import annotations

from collections.abc import Mapping

from noss import shelf
from noss.errors import NossError
from noss.models import Card


def card_of(name: str) -> Card | None:
    """The card of a model on the shelf; None where it is not there, or its facts cannot be known without its files."""
    try:
        parsed = shelf.parse_model(name)
        module = shelf.load("models", parsed.part)
        cards: Mapping[str, Card] = getattr(module, "CARDS", {})
        if cards or parsed.choice:
            return cards.get(parsed.choice or "")
        card: Card = module.card("")
    except NossError:
        return None
    return card
