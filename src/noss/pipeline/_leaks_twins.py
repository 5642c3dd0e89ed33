"""Clips that hold the same sound: what they are, whether a task splits them, and whether their labels agree."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Final

from noss.datasets import Clip
from noss.errors import Failure
from noss.pipeline._clips import Task
from noss.pipeline._leaks_index import IndexWriter
from noss.pipeline._leaks_listen import listen
from noss.pipeline._leaks_match import Match, matches
from noss.pipeline._leaks_properties import Facts
from noss.pipeline._leaks_sides import Sides
from noss.pipeline._verdict import Verdict

BYTES: Final = "the same bytes"
SAMPLES: Final = "the same samples"
NEAR: Final = "nearly the same sound"


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Two clips, by their rows, and in what they agree: bytes, samples, or sound, of which `how` says more."""

    first: int
    second: int
    kind: str
    how: str = ""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """All clips as heard: properties, pairs that agree, and (row, reason) of those that cannot be decoded.

    Properties are empty for a clip that cannot be decoded.
    """

    facts: list[Facts]
    twins: list[Twins]
    wrong: list[tuple[int, str]]
    num_silent: int


def hear(clips: Sequence[Clip], ids: Sequence[str | Failure]) -> Sound:
    """Decode every clip once, and find which hold the same sound.

    Args:
        clips: The clips.
        ids: The identity of each, by its bytes.
    """
    facts: list[Facts] = [{} for _ in clips]
    samples, wrong = [""] * len(clips), []
    with tempfile.TemporaryDirectory(prefix="noss-leaks-") as folder:
        writer = IndexWriter(Path(folder), len(clips))
        indexed: dict[str, int] = {}
        for row, heard in listen(clips):
            facts[row], samples[row] = _slim(heard.facts), heard.samples
            if heard.wrong:
                wrong.append((row, heard.wrong))
            elif heard.samples and row < (earlier := indexed.get(heard.samples, len(clips))):
                indexed[heard.samples] = row
                writer.drop(earlier)
                writer.add(row, heard.words)
        near = sorted(matches(writer.index(), clips), key=lambda one: (one.first, one.second))
    twins = [*_exact(ids, samples), *map(_near, near)]
    num_silent = len(clips) - len(wrong) - sum(map(bool, samples))
    return Sound(facts=facts, twins=twins, wrong=sorted(wrong), num_silent=num_silent)


def check_twins(clips: Sequence[Clip], sound: Sound) -> Iterator[Verdict]:
    """Say what was heard, whether one recording has two speakers, and how many clips agree, whatever side they are on."""
    heard = f"{len(clips) - len(sound.wrong):,} of {len(clips):,} clips decoded"
    if sound.wrong:
        files = [(str(clips[row].path), why) for row, why in sound.wrong]
        yield Verdict("sound", False, f"{heard}; {len(files):,} fail, first: {files[0][1]}", files)
    else:
        yield Verdict("sound", True, heard)
    if sound.num_silent:
        yield Verdict("silence", None, f"{sound.num_silent:,} clips hold zeros only: these are not compared")
    for kind in (BYTES, SAMPLES, NEAR):
        found = [pair for pair in sound.twins if pair.kind == kind]
        what = _pairs(clips, found) if found else "no two clips"
        yield Verdict(kind, None if found else True, what, _files(clips, found))
    voices = [pair for pair in sound.twins if _speakers_differ(clips[pair.first], clips[pair.second])]
    if voices:
        what = f"{_pairs(clips, voices)} are said to be by two speakers: folds by speaker do not part them"
        yield Verdict("one sound, two speakers", False, what, _files(clips, voices))


def check_apart(task: Task, sides: Sides, clips: Sequence[Clip], sound: Sound) -> Iterator[Verdict]:
    """Whether a task has the same sound on two sides, or under two labels."""
    place = {id(clip): row for row, clip in enumerate(task.clips)}
    inside = [pair for pair in sound.twins if id(clips[pair.first]) in place and id(clips[pair.second]) in place]
    for kind in (BYTES, SAMPLES, NEAR):
        found = []
        for pair in inside:
            rows = [place[id(clips[row])] for row in (pair.first, pair.second)]
            if pair.kind == kind and sides.across(rows):
                where = " and ".join(sides.names[sides.side_N[row]] for row in rows)
                found.append(
                    Twins(
                        first=pair.first, second=pair.second, kind=kind, how=", ".join(filter(None, (pair.how, where)))
                    )
                )
        what = f"{_pairs(clips, found)} on two sides" if found else "none on two sides"
        yield Verdict(f"{task.target}: {kind}", not found, what, _files(clips, found))
    yield _contradictions(task, clips, inside)


def _contradictions(task: Task, clips: Sequence[Clip], inside: Sequence[Twins]) -> Verdict:
    name, target = f"{task.target}: labels of the same sound", task.target
    apart = [
        Twins(first=pair.first, second=pair.second, kind=pair.kind, how=f"{target} {ours} and {theirs}")
        for pair in inside
        if (ours := clips[pair.first].labels[target]) != (theirs := clips[pair.second].labels[target])
    ]
    return Verdict(name, not apart, f"{_pairs(clips, apart)} differ" if apart else "none differ", _files(clips, apart))


def _slim(facts: Facts) -> Facts:
    """The same facts without texts of their own: what comes from another process repeats all of them for each clip."""
    return {intern(name): intern(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _near(match: Match) -> Twins:
    how = f"{match.shared_s:.2f} s, correlation {match.correlation:.2f}"
    return Twins(first=match.first, second=match.second, kind=NEAR, how=how)


def _exact(ids: Sequence[str | Failure], samples: Sequence[str]) -> Iterator[Twins]:
    """Each clip with the first one before it that has its bytes, or else its samples."""
    for keys, kind in ((ids, BYTES), (samples, SAMPLES)):
        first: dict[str, int] = {}
        for row, key in enumerate(keys):
            if isinstance(key, str) and key and samples[row]:
                earlier = first.setdefault(key, row)
                if earlier != row and (kind == BYTES or ids[earlier] != ids[row]):
                    yield Twins(first=earlier, second=row, kind=kind)


def _speakers_differ(first: Clip, second: Clip) -> bool:
    return first.speaker is not None and second.speaker is not None and first.speaker != second.speaker


def _pairs(clips: Sequence[Clip], found: Sequence[Twins]) -> str:
    first = found[0]
    names = " and ".join(clips[row].path.name for row in (first.first, first.second))
    return f"{len(found):,} {'pair' if len(found) == 1 else 'pairs'} ({'first: ' if len(found) > 1 else ''}{names})"


def _files(clips: Sequence[Clip], found: Sequence[Twins]) -> list[tuple[str, str]]:
    return [
        (str(clips[pair.second].path), f"{pair.kind} as {clips[pair.first].path}{f': {pair.how}' if pair.how else ''}")
        for pair in found
    ]
