"""Files of a dataset that hold the same bytes.

Only files of one size and one ending are read whole: of 100,000 recordings hardly any are.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from noss.identity import digests
from noss.pipeline._check_files import Seen, in_threads
from noss.pipeline._clips import Source
from noss.pipeline._verdict import Verdict

_TAIL: Final = 4096


def check_twins(source: Source, seen: Mapping[Path, Seen], *, memo: Path) -> list[Verdict]:
    """Remark on files that are the same, and say in how many cases their labels differ.

    Args:
        source: The dataset.
        seen: What is known of its files.
        memo: The file that remembers hashes.
    """
    by_size = _alike([list(seen)], lambda paths: [seen[path].size for path in paths])
    by_tail = _alike(by_size, lambda paths: in_threads(_tail, paths))
    twins = _alike(by_tail, lambda paths: [d if isinstance(d, str) else None for d in digests(paths, memo=memo)])
    if not twins:
        return [Verdict("same bytes", True, "no two files")]
    labels: dict[Path, list[Mapping[str, str | float]]] = defaultdict(list)
    for clip in source.clips:
        labels[clip.path].append(clip.labels)
    apart = sum(any(labels[path] != labels[group[0]] for path in group) for group in twins)
    first = " and ".join(path.name for path in twins[0])
    files = [(str(path), f"the same bytes as {group[0]}") for group in twins for path in group[1:]]
    what = f"{len(twins):,} sets of files, {apart:,} with other labels (first: {first})"
    return [Verdict("same bytes", None, what, files)]


def _alike(groups: Iterable[Sequence[Path]], keys: Callable[[Sequence[Path]], Sequence[Hashable]]) -> list[list[Path]]:
    """The groups taken apart by a further key; what is alone, or has no key, falls out."""
    by_key: dict[Hashable, list[Path]] = defaultdict(list)
    whole = [list(group) for group in groups]
    paths = [path for group in whole for path in group]
    numbers = [number for number, group in enumerate(whole) for _ in group]
    for path, number, key in zip(paths, numbers, keys(paths), strict=True):
        if key is not None:
            by_key[number, key].append(path)
    return [group for group in by_key.values() if len(group) > 1]


def _tail(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL))
            return hashlib.blake2b(file.read(), digest_size=8).digest()
    except OSError:
        return None  # what cannot be read is told elsewhere
