"""A vector for every window of a clip, as a time line: the model as it is, asked for less audio at a time.

Windows are kept in the store of frames, each as one frame, with where it starts and how long it is; other windows are
another store.
"""

from __future__ import annotations

import math
from dataclasses import replace

from noss import runs
from noss.audio.chunk import num_samples
from noss.errors import ModelError
from noss.pipeline._models import Model


def in_windows(model: Model, *, window_s: float | None = None, hop_s: float | None = None) -> Model:
    """A model that gives a vector a window: its own windows, or others that its card allows.

    Args:
        model: The model.
        window_s: Length of a window in seconds; None for the card's.
        hop_s: From the start of one window to that of the next; None puts them side by side.

    Raises:
        ModelError: It computes nothing, has no windows of its own and none are given, or cannot take such windows.
    """
    if model.lookup is not None:
        raise ModelError(f"{model.name} looks up vectors that were made elsewhere: it has no windows")
    if window_s is None and model.card.window_s is None:
        raise ModelError(f"{model.name} takes audio whole and has no windows of its own: give --window-s, say 1.0")
    size_s = model.card.window_s if window_s is None else window_s
    assert size_s is not None
    _check(model, size_s, size_s if hop_s is None else hop_s)
    rate = model.card.sample_rate
    side_by_side = hop_s is None or num_samples(hop_s, rate) == num_samples(size_s, rate)
    cut = replace(
        model, card=replace(model.card, window_s=size_s), hop_s=None if side_by_side else hop_s, per_window=True
    )
    facts = {**model.facts, "card": {**model.facts["card"], "window_s": size_s}, "hop_s": cut.hop_s}
    facts["pooling"] = f"a vector a window: {model.pooling.words}"
    revision = runs.signature({name: fact for name, fact in facts.items() if name != "model"})
    return replace(cut, facts=facts, revision=revision)


def _check(model: Model, window_s: float, hop_s: float) -> None:
    card = model.card
    if not (math.isfinite(window_s) and hop_s > 0.0 and num_samples(min(window_s, hop_s), card.sample_rate) > 0):
        raise ModelError(f"--window-s {window_s:g} and --hop-s {hop_s:g}: both must be above 0, and hold a sample")
    if hop_s > window_s:
        raise ModelError(f"--hop-s {hop_s:g} is above --window-s {window_s:g} and would leave gaps: make it smaller")
    if window_s < card.min_s:
        raise ModelError(f"--window-s {window_s:g} and {model.name} needs {card.min_s:g} s or more: make it longer")
    if card.window_s is not None and window_s > card.window_s:
        raise ModelError(f"--window-s {window_s:g} and {model.name} takes {card.window_s:g} s at most: make it shorter")
