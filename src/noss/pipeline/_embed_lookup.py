"""Vectors that were made elsewhere, joined by file and segment, on their way into the store."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from noss.datasets import Clip
from noss.errors import Failure
from noss.pipeline._embed_machine import device_name
from noss.pipeline._embed_plan import Lost
from noss.pipeline._models import Model
from noss.store import Store


def look_up(
    model: Model, store: Store, clips: Sequence[Clip], ids: Sequence[str | Failure], places: Sequence[int]
) -> list[Lost]:
    """Fetch the rows of the clips at these places; give those that are not there, or are not finite."""
    assert model.lookup is not None
    keys = [(clips[place].path, clips[place].start_s, clips[place].end_s) for place in places]
    embeddings_ND, found_N = model.lookup(model.choice, keys)
    good_N = found_N & np.isfinite(embeddings_ND).all(axis=1)
    names = [str(ids[place]) for place, good in zip(places, good_N, strict=True) if good]
    rows_NLD = embeddings_ND[good_N].reshape(len(names), store.layers, store.dim).astype(np.float32)
    store.append(names, rows_NLD, durations_s=[0.0] * len(names), seconds=0.0, device=device_name("cpu"))
    return [
        Lost(place, "embed", f"its row in {model.name} holds NaN or infinity" if found else f"no row in {model.name}")
        for place, found, good in zip(places, found_N, good_N, strict=True)
        if not good
    ]
