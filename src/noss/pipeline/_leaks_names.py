"""Names that stand on more than one side of a task: speakers, sessions, sentences, recordings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from noss.datasets import Clip
from noss.pipeline._clips import Task
from noss.pipeline._leaks_sides import Sides
from noss.pipeline._verdict import Verdict

_NUM_SHOWN: Final = 5


def check_names(task: Task, sides: Sides) -> Iterator[Verdict]:
    """Whether speakers, sessions, sentences and files stand on one side only.

    A shared speaker is a leak unless the task is meant so. A session is one speaker's, as many corpora number them anew
    for each; one that has another speaker on another side is a remark, and so are shared sentences, which a task of
    `check_sentence` weighs. Pieces of one file on two sides are a leak.
    """
    if sides.refused:
        yield Verdict(f"{task.target}: splits", False, sides.refused)
    else:
        yield Verdict(f"{task.target}: splits", True, f"{sides.splits.name}, speakers {task.speakers}")
    yield from _speakers(task, sides)
    yield from _sessions(task, sides)
    yield from _sentences(task, sides)
    yield from _files(task, sides)


def _speakers(task: Task, sides: Sides) -> Iterator[Verdict]:
    known = [clip.speaker for clip in task.clips]
    name, count = f"{task.target}: speakers", len(set(known) - {None})
    if not count:
        yield Verdict(name, None, "no clip says who speaks: whether a voice is on two sides cannot be told")
        return
    both = _shared(known, sides)
    if task.speakers == "shared" and both:
        yield Verdict(name, None, f"{_named(both, count)}, as the task is meant", _clips(task, known, both, "speaker"))
    else:
        yield Verdict(name, not both, _named(both, count), _clips(task, known, both, "speaker"))
    nameless = known.count(None)
    if nameless:
        yield Verdict(name, None, f"{nameless:,} of {len(known):,} clips do not say who speaks")


def _sessions(task: Task, sides: Sides) -> Iterator[Verdict]:
    loose = [clip.session for clip in task.clips]
    close = [clip.session and (clip.speaker or "", clip.session) for clip in task.clips]
    if any(loose):
        both = _shared(close, sides)
        count = len({session for session in close if session})
        files = _clips(task, close, both, "session")
        yield Verdict(f"{task.target}: sessions", not both, _named(both, count), files)
        others = [] if both else _shared(loose, sides)
        if others:
            what = f"{_named(others, len(set(loose)))}, with other speakers: a leak if they are one recording"
            yield Verdict(f"{task.target}: sessions", None, what)


def _sentences(task: Task, sides: Sides) -> Iterator[Verdict]:
    said = [clip.sentence for clip in task.clips]
    if any(said):
        both = _shared(said, sides)
        yield Verdict(f"{task.target}: sentences", None if both else True, _named(both, len(set(said) - {None})))


def _files(task: Task, sides: Sides) -> Iterator[Verdict]:
    pieces = [clip.path if _is_piece(clip) else None for clip in task.clips]
    if any(pieces):
        both = _shared(pieces, sides)
        files = _clips(task, pieces, both, "file")
        yield Verdict(f"{task.target}: recordings", not both, _named(both, len(set(pieces) - {None})), files)


def _is_piece(clip: Clip) -> bool:
    return clip.start_s > 0 or clip.end_s is not None


def _shared(things: Sequence[Hashable | None], sides: Sides) -> list[Hashable]:
    """What is on two sides, in order."""
    where: dict[Hashable, set[int]] = defaultdict(set)
    for thing, side in zip(things, sides.side_N.tolist(), strict=True):
        if thing and side >= 0:
            where[thing].add(side)
    return [thing for thing, found in where.items() if len(found) > 1]


def _named(both: Sequence[Hashable], count: int) -> str:
    if not both:
        return f"none of {count:,} on two sides"
    shown = ", ".join(_text(thing) for thing in both[:_NUM_SHOWN])
    return f"{len(both):,} of {count:,} on two sides ({'first: ' if len(both) > _NUM_SHOWN else ''}{shown})"


def _text(thing: Hashable) -> str:
    return " ".join(filter(None, thing)) if isinstance(thing, tuple) else str(thing)


def _clips(task: Task, things: Sequence[Hashable | None], both: Sequence[Hashable], what: str) -> list[tuple[str, str]]:
    found = set(both)
    return [
        (str(clip.path), f"{what} {_text(thing)} is on two sides")
        for clip, thing in zip(task.clips, things, strict=True)
        if thing in found and thing is not None
    ]
