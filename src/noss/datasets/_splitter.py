"""The split rule of the NOSS benchmark, for one's own table: the same number gives the same split, to the last clip.

Source: google-research/google-research, `non_semantic_speech_benchmark/data_prep/splitter.py`. What must agree: NumPy's
legacy `RandomState`, whose stream is frozen for good, shuffles Python lists; shares are added up one by one in double
precision, multiplied by how many there are and cut down to a whole number; the last part takes what is left.

- `inter`: the groups, sorted (here always as text), are shuffled once and cut. It is also the rule of TensorFlow Datasets.
- `intra`: the items of each group, as they come, are shuffled and cut, the groups in the order in which they first come,
  all from one stream. A group with fewer items than parts is left out and draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np

from noss.datasets import Split
from noss.datasets._tfds_split import split_speakers

NUMBER = 666  # the number of the published splits


def inter(groups: Sequence[str], parts: Mapping[Split, float], *, number: int = NUMBER) -> list[Split]:
    """The split of every item, such that no group is in two.

    Args:
        groups: The group of each item.
        parts: Share of the groups by split, in the order in which they are cut; they add up to one.
        number: Another number, another split.

    Raises:
        DataError: There are fewer groups than parts.
    """
    of_group = split_speakers(groups, parts, seed=number)
    return [of_group[group] for group in groups]


def intra(groups: Sequence[str], parts: Mapping[Split, float], *, number: int = NUMBER) -> list[Split | None]:
    """The split of every item, such that each group is in all of them; None for items of a group that is too small.

    Args:
        groups: The group of each item.
        parts: Share of each group's items by split, in the order in which they are cut; they add up to one.
        number: Another number, another split.
    """
    stream = np.random.RandomState(number)
    items_of: dict[str, list[int]] = {}
    for item, group in enumerate(groups):
        items_of.setdefault(group, []).append(item)
    splits: list[Split | None] = [None] * len(groups)
    for items in items_of.values():
        if len(items) >= len(parts):
            stream.shuffle(items)
            for part, start, end in bounds(parts, len(items)):
                for item in items[start:end]:
                    splits[item] = part
    return splits


def bounds(parts: Mapping[Split, float], num_items: int) -> list[tuple[Split, int, int]]:
    """Where each part starts and ends among so many items."""
    ends = [int(share * num_items) for share in accumulate(parts.values())]
    cuts = pairwise([0, *ends[:-1], num_items])
    return [(part, start, end) for part, (start, end) in zip(parts, cuts, strict=True)]
