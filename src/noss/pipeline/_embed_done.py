"""What came of embedding clips: where their vectors or frames are, and which clips have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from noss.datasets import Clip
from noss.errors import Failure
from noss.frame_store import FrameStore
from noss.pipeline._embed_plan import Lost
from noss.store import Store


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


def accounts(
    clips: Sequence[Clip], ids: Sequence[str | Failure], lost: Mapping[str, Lost]
) -> tuple[list[Failure], list[str | None]]:
    """Every clip's failure or identity; of two clips with the same bytes, both are lost."""
    failures, kept = [], list[str | None]()
    for clip, name in zip(clips, ids, strict=True):
        kept.append(None if isinstance(name, Failure) or name in lost else name)
        if isinstance(name, Failure):
            failures.append(name)
        elif one := lost.get(name):
            failures.append(_failure(clip, one))
    return failures, kept


def _failure(clip: Clip, lost: Lost) -> Failure:
    return Failure(file=str(clip.path), start_s=clip.start_s, end_s=clip.end_s, stage=lost.stage, reason=lost.reason)
