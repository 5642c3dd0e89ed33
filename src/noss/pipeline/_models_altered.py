"""A model that hears every clip altered, or in shorter windows: another model to the store, under the same name."""

from __future__ import annotations

import dataclasses
from typing import Any

from noss.errors import ModelError
from noss.pipeline._alteration import Alteration
from noss.pipeline._models import Model
from noss.runs import signature


def altered(model: Model, alteration: Alteration) -> Model:
    """The model as it is with the waveform of every clip altered before it is cut.

    Raises:
        ModelError: Its vectors were made elsewhere.
    """
    return _changed(model, alteration.condition.name, {"alteration": alteration.facts}, alteration=alteration)


def windowed(model: Model, window_s: float) -> Model:
    """The model as it is where every clip is cut into windows of so many seconds, no longer than its own.

    Shorter windows than the model takes are padded as short clips are.

    Raises:
        ModelError: Its vectors were made elsewhere, or its own windows are shorter.
    """
    own_s = model.card.window_s
    if own_s is not None and window_s > own_s:
        raise ModelError(f"{model.name} takes windows of {own_s:g} s at most, not of {window_s:g} s: leave them out")
    card = dataclasses.replace(model.card, window_s=window_s)
    framed = None if model.framed is None else dataclasses.replace(model.framed, window_s=window_s)
    facts = {"card": {**model.facts["card"], "window_s": window_s}}
    return _changed(model, f"window {window_s:g} s", facts, card=card, framed=framed)


def _changed(model: Model, condition: str, facts: dict[str, Any], **changes: Any) -> Model:
    if model.lookup is not None:
        raise ModelError(f"{model.name} looks up vectors that were made elsewhere: it cannot hear clips in another way")
    merged = {**model.facts, **facts}
    revision = signature({name: fact for name, fact in merged.items() if name != "model"})
    return dataclasses.replace(model, facts=merged, revision=revision, condition=condition, **changes)
