"""A share of the clips, by their identity: the same whatever the order of the list, and whatever else is on it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from noss.datasets import Clip
from noss.errors import DataError, Failure
from noss.identity import clip_ids


@dataclass(frozen=True)
class Shard:
    """One of several shares of about the same size: `part` counts from 1."""

    part: int
    of: int

    def __str__(self) -> str:
        return f"{self.part}/{self.of}"

    def holds(self, name: str | Failure) -> bool:
        """Whether a clip is in this share; one that could not be read is in that of its path, so that it is told once."""
        number = zlib.crc32(name.file.encode()) if isinstance(name, Failure) else int(name[:15], 16)
        return number % self.of == self.part - 1

    def pick(self, clips: Sequence[Clip], ids: Sequence[str | Failure]) -> tuple[list[Clip], list[str | Failure]]:
        """The clips of this share, with their identities."""
        kept = [(clip, name) for clip, name in zip(clips, ids, strict=True) if self.holds(name)]
        return [clip for clip, _ in kept], [name for _, name in kept]


def parse_shard(text: str) -> Shard:
    """A share from text such as `3/8`.

    Raises:
        DataError: It is not PART/OF with 1 <= PART <= OF.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise DataError(
            f"--shard {text!r} is no share: write PART/OF from 1/8 to 8/8 (an array that starts at 0 needs +1)"
        )
    return Shard(int(found[1]), int(found[2]))


def share_of(blocks: Iterable[Sequence[Clip]], shard: Shard | None, *, cache: Path) -> Iterable[Sequence[Clip]]:
    """Lists of clips, cut down to a share; as they are where there is none."""
    return blocks if shard is None else _Share(blocks, shard, cache)


@dataclass(frozen=True)
class _Share:
    blocks: Iterable[Sequence[Clip]]
    shard: Shard
    cache: Path

    def __iter__(self) -> Iterator[list[Clip]]:
        for block in self.blocks:
            yield self.shard.pick(block, clip_ids(block, cache=self.cache))[0]
