"""The speaker split of TensorFlow Datasets: sorted, shuffled by a seed, cut by shares.

Source: `_get_inter_splits_by_group` and `_compute_split_boundaries`, the same in the builders `crema_d`, `savee`,
`dementiabank` and `voxforge` (https://github.com/tensorflow/datasets, `tensorflow_datasets/audio`). What must agree to
the last bit: the names are sorted as text and shuffled as a list by NumPy's legacy `RandomState`, whose stream is frozen
for good; shares are added up one by one in double precision, multiplied by the number of speakers and cut down to a
whole number, so that 0.7 + 0.1 of ten speakers end at 7 and not at 8; the last part takes what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise

import numpy as np

from noss.datasets import Split
from noss.errors import DataError


def split_speakers(speakers: Iterable[str], parts: Mapping[Split, float], *, seed: int = 0) -> dict[str, Split]:
    """The split of every speaker, as TensorFlow Datasets draws it.

    Args:
        speakers: Who speaks; order and repetition do not matter, but who is among them does: with one speaker
            fewer, all are drawn anew.
        parts: Share of the speakers by split, in the order in which they are cut; they add up to one.
        seed: Of the shuffle.

    Returns:
        Split by speaker, in the order drawn.

    Raises:
        DataError: There are fewer speakers than parts.
    """
    names = sorted(set(speakers))
    if len(names) < len(parts):
        raise DataError(f"{len(names)} speakers for {len(parts)} splits: bring at least {len(parts)} speakers")
    assert abs(1 - sum(parts.values())) < 1e-8, parts
    np.random.RandomState(seed).shuffle(names)
    ends = [int(share * len(names)) for share in accumulate(parts.values())]
    bounds = pairwise([0, *ends[:-1], len(names)])
    return {name: part for part, (start, end) in zip(parts, bounds, strict=True) for name in names[start:end]}
