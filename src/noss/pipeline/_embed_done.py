"""What came of embedding clips: where their vectors or frames are, and which clips have none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from noss.datasets import Clip
from noss.errors import DataError, Failure
from noss.frame_store import FrameStore
from noss.pipeline._embed_plan import Lost
from noss.store import Store

_NONE = "0" * 32  # no clip has this identity: it would be a SHA-256 that starts with 128 zeros


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """Clips with their embeddings in the store.

    Attributes:
        store: Where the embeddings are.
        ids: Identity of each clip; None for one that could not be embedded.
        failures: Those that could not, with the reason.
        newly_embedded: How many embeddings were made just now; the others were there.
    """

    store: Store
    ids: list[str | None]
    failures: list[Failure] = field(default_factory=list)
    newly_embedded: int = 0


@dataclass(frozen=True, kw_only=True)
class EmbeddedFrames:
    """Clips with their frames in the store of frames; otherwise as `Embedded`.

    Attributes:
        store: Where the frames are.
        ids: Identity of each clip; None for one that could not be embedded.
        failures: Those that could not, with the reason.
        newly_embedded: How many clips were run through the model just now; the others were there.
    """

    store: FrameStore
    ids: list[str | None]
    failures: list[Failure] = field(default_factory=list)
    newly_embedded: int = 0


class Ledger:
    """What came of embedding a catalogue, a block of clips after the other, in 16 bytes a clip.

    Attributes:
        failures: Clips that could not be embedded, with the reason.
        newly_embedded: How many embeddings were made just now.
        num_clips: How many clips have an embedding.
    """

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.newly_embedded = 0
        self.num_clips = 0
        self._blocks: list[bytes] = []

    def add(self, done: Embedded | EmbeddedFrames) -> None:
        """Note the next block."""
        self.failures += done.failures
        self.newly_embedded += done.newly_embedded
        self.num_clips += len(done.ids) - done.ids.count(None)
        self._blocks.append(bytes.fromhex("".join(name or _NONE for name in done.ids)))

    def rows(self, blocks: Iterable[Sequence[Clip]]) -> Iterator[tuple[Sequence[Clip], list[str]]]:
        """The same blocks again, of clips that have an embedding, and their identities.

        Raises:
            DataError: They are not the same any more.
        """
        for clips, noted in itertools.zip_longest(blocks, self._blocks):
            if clips is None or noted is None or 16 * len(clips) != len(noted):
                raise DataError("a table changed while its clips were embedded: run the same command again to go on")
            digits = noted.hex()
            ids = [digits[first : first + 32] for first in range(0, len(digits), 32)]
            kept = [place for place, name in enumerate(ids) if name != _NONE]
            yield (clips, ids) if len(kept) == len(ids) else ([clips[place] for place in kept], [ids[p] for p in kept])


def accounts(
    clips: Sequence[Clip], ids: Sequence[str | Failure], lost: Mapping[str, Lost]
) -> tuple[list[Failure], list[str | None]]:
    """Every clip's failure or identity; of two clips with the same bytes, both are lost."""
    failures, kept = [], list[str | None]()
    if not lost and not any(isinstance(name, Failure) for name in ids):
        return [], list(map(str, ids))
    for clip, name in zip(clips, ids, strict=True):
        kept.append(None if isinstance(name, Failure) or name in lost else name)
        if isinstance(name, Failure):
            failures.append(name)
        elif one := lost.get(name):
            failures.append(_failure(clip, one))
    return failures, kept


def _failure(clip: Clip, lost: Lost) -> Failure:
    return Failure(file=str(clip.path), start_s=clip.start_s, end_s=clip.end_s, stage=lost.stage, reason=lost.reason)
