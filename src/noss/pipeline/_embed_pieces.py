"""A long clip in pieces, so that all workers share it: cut at windows, embedded apart, put together in order.

Where a clip is cut depends on nothing but its length and the model's windows, so that the same numbers are added up in the
same order on any machine. A clip whose format cannot be entered in the middle to the sample stays whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from noss.audio import chunk
from noss.pipeline._embed_done_batch import Done, Part, row_of
from noss.pipeline._embed_plan import Job, Lost, Piece

PIECE_S = 120.0


def in_pieces(job: Job, *, policy: chunk.Policy, sample_rate: int) -> list[Job]:
    """The jobs that a measured job is done as: itself, or about two minutes of windows each."""
    if policy.window_s is None or not job.seeks or job.duration_s <= 2 * PIECE_S:
        return [job]
    size, hop = policy.sizes(sample_rate)
    each = max(1, round(PIECE_S * sample_rate / hop))
    num_windows = 1 + max(0, math.ceil((job.duration_s * sample_rate - size) / hop))
    count = math.ceil(num_windows / each)
    lengths_s = [each * hop / sample_rate] * (count - 1)
    lengths_s.append(job.duration_s - sum(lengths_s))
    return [
        replace(
            job,
            duration_s=length_s,
            piece=Piece(number, count, number * each, each if number < count - 1 else None),
        )
        for number, length_s in enumerate(lengths_s)
    ]


@dataclass
class _Growing:
    """A clip of which the first pieces are together, and some later ones wait."""

    together: Part | None = None
    num: int = 0
    waiting: dict[int, Part] = field(default_factory=dict)


class Puzzle:
    """Pieces of clips until they are whole, whatever order they come in.

    Args:
        sample_rate: Of the windows, in Hz.
    """

    def __init__(self, *, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._clips: dict[int, _Growing] = {}

    def complete(self, done: Done, *, rows: bool) -> Done:
        """A batch's outcome with the clips that its pieces complete; without rows where workers write them."""
        whole = [one for part in done.parts if (one := self._add(part)) is not None]
        if not whole:
            return done
        places, durations_s, lost, blocks_NLD = [*done.places], [*done.durations_s], [*done.lost], [done.embeddings_NLD]
        for one in whole:
            row = row_of(one.job.place, one.windows, one.lost) if rows else one.lost
            if isinstance(row, Lost):
                lost.append(row)
                continue
            places.append(one.job.place)
            durations_s.append(one.windows.samples / self._sample_rate)
            blocks_NLD += [] if row is None else [row[None]]
        return Done(places, np.concatenate(blocks_NLD), durations_s, lost, done.seconds)

    def _add(self, part: Part) -> Part | None:
        """Take a piece in; the whole clip where this was the last one, with the first loss in it."""
        assert part.job.piece is not None
        clip = self._clips.setdefault(part.job.place, _Growing())
        clip.waiting[part.job.piece.number] = part
        while clip.num in clip.waiting:
            following = clip.waiting.pop(clip.num)
            clip.together = following if clip.together is None else _joined(clip.together, following)
            clip.num += 1
        if clip.num < part.job.piece.count:
            return None
        return self._clips.pop(part.job.place).together


def _joined(part: Part, following: Part) -> Part:
    part.windows.join(following.windows)
    return replace(part, lost=part.lost or following.lost)
