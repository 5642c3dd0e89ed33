"""One layer of embeddings that the store holds with all layers: copied, not embedded again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from noss.pipeline._embed_precision import in_bf16
from noss.pipeline._models import Model, with_all_layers
from noss.store import Store

_READ_ROWS = 256
_PART_ROWS = 4096


def copy_layer(model: Model, store: Store, ids: Sequence[str], *, cache: Path) -> int:
    """Put the rows of these identities into the store of a single layer; give how many another store had.

    A row carries on what its clip took to embed, so that the speed of a layer is that of its model.

    Args:
        model: The model whose store it is, such as `transformers/DIR@6`.
        store: Its store.
        ids: Identities that it lacks.
        cache: The cache folder.
    """
    found = with_all_layers(model, cache=cache)
    if found is None:
        return 0
    facts = in_bf16(found[0]).facts if model.precision == "bf16" else found[0].facts
    if not Store.is_there(cache, facts):
        return 0
    source = Store.open(cache, facts)
    lacking = set(source.missing(ids))
    there = [name for name in dict.fromkeys(ids) if name not in lacking]
    for first in range(0, len(there), _PART_ROWS):
        _copy(source, store, there[first : first + _PART_ROWS], layer=found[1])
    return len(there)


def _copy(source: Store, store: Store, ids: Sequence[str], *, layer: int) -> None:
    blocks = [ids[first : first + _READ_ROWS] for first in range(0, len(ids), _READ_ROWS)]
    rows_N1D = np.concatenate([source.lookup(block)[:, layer : layer + 1] for block in blocks])
    seconds, audio_s, device = source.speed()
    durations_s = source.durations_s(ids).tolist()
    share = sum(durations_s) / audio_s if audio_s else 0.0
    store.append(ids, rows_N1D, durations_s=durations_s, seconds=seconds * share, device=device)
