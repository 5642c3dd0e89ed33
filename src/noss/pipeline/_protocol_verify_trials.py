"""Trials for speaker verification: pairs of clips, and whether one speaker says both. Published, or drawn here.

Drawn trials are balanced by speaker: each has at most so many of the same speaker, and is the first of as many of
different speakers, whose second speaker is drawn evenly among all others. Both clips of one speaker are from different
sessions, where most speakers have two that are known. Clips with the same bytes are never compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import fspath

import numpy as np
from numpy.typing import NDArray

from noss.datasets import Clip
from noss.errors import DataError
from noss.pipeline._predictions_data import Data
from noss.pipeline._stratify import Rows

NUM_TRIALS = 10_000


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Pairs of usable rows (N,), and whether the speaker is the same (N,).

    Attributes:
        first_N: The first clip of each.
        second_N: The second clip of each.
        same_N: Whether one speaker says both.
        tested: The speakers that trials may be of: a centre is never made from them alone.
        how: Where they come from, in words.
        warnings: Loud lines.
    """

    first_N: Rows
    second_N: Rows
    same_N: NDArray[np.bool_]
    tested: frozenset[str]
    how: str
    warnings: list[str] = field(default_factory=list)

    def only(self, kept_N: NDArray[np.bool_], how: str) -> Trials:
        """Some of them (N,), with a word on which."""
        return Trials(
            first_N=self.first_N[kept_N],
            second_N=self.second_N[kept_N],
            same_N=self.same_N[kept_N],
            tested=self.tested,
            how=f"{self.how}, {how}",
            warnings=self.warnings,
        )


def published(data: Data) -> Trials | None:
    """The trials of the corpus's own list whose clips can be used; None where it has no list, or no such trial."""
    task = data.task
    listed = list(task.trials(task.root)) if task.trials is not None else []
    places = {fspath(clip.path): row for row, clip in enumerate(data.clips)}
    rows = [(places.get(fspath(a), -1), places.get(fspath(b), -1), same) for a, b, same in listed]
    kept = [row for row in rows if min(row[:2]) >= 0]
    if not kept:
        return None
    lost = [f"{len(listed) - len(kept):,} of {len(listed):,} published trials lack a clip here"]
    first_N, second_N, same_N = (np.array(column) for column in zip(*kept, strict=True))
    return Trials(
        first_N=first_N,
        second_N=second_N,
        same_N=same_N.astype(bool),
        tested=frozenset(str(data.clips[row].speaker) for pair in kept for row in pair[:2]),
        how=f"{len(kept):,} published trials",
        warnings=lost if len(kept) < len(listed) else [],
    )


def drawn(data: Data, *, seed: int, same_gender: bool = False) -> Trials:
    """Trials drawn from a task's clips: of a split that parts speakers, from its test clips.

    Args:
        data: The usable clips.
        seed: The seed of the draw.
        same_gender: Whether both speakers of every trial are of one gender; all must tell theirs.

    Raises:
        DataError: There are no two speakers, or none has two clips that can be compared.
    """
    rows_of = _rows_of(data, _test_rows(data))
    if len(rows_of) < 2:
        raise DataError(
            f"{data.task.name} has {len(rows_of)} speaker: verification needs two or more, with two clips each"
        )
    apart, warnings = _sessions(data, rows_of)
    most = max(1, NUM_TRIALS // len(rows_of))
    generator = np.random.default_rng(seed)
    same = [_same(data, rows, most=most, apart=apart, generator=generator) for rows in rows_of.values()]
    num_alone = sum(not len(pairs) for pairs in same)
    same_N2 = np.concatenate(same)
    if not len(same_N2):
        raise DataError(f"{data.task.name}: no speaker has two clips to compare: verification needs some")
    other_N2 = _different(data, rows_of, most=most, same_gender=same_gender, generator=generator)
    if num_alone:
        warnings.append(
            f"{num_alone} of {len(rows_of)} speakers have no two clips to compare: they only stand for others"
        )
    pairs_N2 = np.concatenate([same_N2, other_N2])
    return Trials(
        first_N=pairs_N2[:, 0],
        second_N=pairs_N2[:, 1],
        same_N=np.arange(len(pairs_N2)) < len(same_N2),
        tested=frozenset(rows_of),
        how=f"{len(same_N2):,} trials of the same and {len(other_N2):,} of different speakers"
        + (" of one gender" if same_gender else "")
        + ", drawn evenly over speakers"
        + (", sessions apart" if apart else ""),
        warnings=warnings,
    )


def genders(data: Data, rows: Iterable[int]) -> list[str | None]:
    """The gender of the speaker of each row, as the corpus says it."""
    return [data.clips[row].facts.get("gender") or None for row in rows]


def _test_rows(data: Data) -> Rows:
    """Rows (N,) that trials may be drawn from: test clips where a split parts speakers, else all that say who speaks."""
    sides: dict[str, set[str]] = {"test": set(), "": set()}
    for clip in data.clips:
        if clip.speaker is not None:
            sides["test" if clip.split == "test" else ""].add(clip.speaker)
    parted = len(sides["test"]) > 1 and not sides["test"] & sides[""]
    rows = [row for row, clip in enumerate(data.clips) if clip.speaker and (clip.split == "test" or not parted)]
    return np.array(rows, dtype=np.int64)


def _rows_of(data: Data, rows: Rows) -> dict[str, Rows]:
    """The rows (N,) of every speaker, in the order of their identities, equal bytes once."""
    by_id = {data.ids[row]: int(row) for row in sorted(rows, reverse=True)}
    found: dict[str, list[int]] = {}
    for name in sorted(by_id):
        found.setdefault(str(data.clips[by_id[name]].speaker), []).append(by_id[name])
    return {speaker: np.array(found[speaker]) for speaker in sorted(found)}


def _sessions(data: Data, rows_of: dict[str, Rows]) -> tuple[bool, list[str]]:
    """Whether trials of one speaker can be of different sessions, and a loud line where not."""
    several = [[data.clips[row].session for row in rows] for rows in rows_of.values() if len(rows) > 1]
    able = sum(len(set(sessions) - {None}) > 1 for sessions in several)
    if able and 2 * able >= len(several):
        return True, []
    return False, [
        "no sessions are told apart: both clips of one speaker may be of one recording, which makes it easier"
    ]


def _same(data: Data, rows: Rows, *, most: int, apart: bool, generator: np.random.Generator) -> Rows:
    """At most so many pairs (N, 2) of one speaker's rows, drawn without replacement."""
    num_pairs = len(rows) * (len(rows) - 1) // 2
    tried = generator.choice(num_pairs, size=min(num_pairs, 20 * most), replace=False) if num_pairs else np.zeros(0)
    second_N = ((1 + np.sqrt(1 + 8 * tried)) / 2).astype(np.int64)
    first_N = (tried - second_N * (second_N - 1) // 2).astype(np.int64)
    if apart:
        kept_N = [_apart(data.clips[rows[a]], data.clips[rows[b]]) for a, b in zip(first_N, second_N, strict=True)]
        first_N, second_N = first_N[kept_N], second_N[kept_N]
    return np.stack([rows[first_N[:most]], rows[second_N[:most]]], axis=1)


def _apart(a: Clip, b: Clip) -> bool:
    return None not in (a.session, b.session) and a.session != b.session


def _different(
    data: Data, rows_of: dict[str, Rows], *, most: int, same_gender: bool, generator: np.random.Generator
) -> Rows:
    """So many pairs (N, 2) for every speaker, with clips of others; none twice."""
    speakers = list(rows_of)
    kinds = genders(data, [int(rows[0]) for rows in rows_of.values()]) if same_gender else [""] * len(speakers)
    pairs: set[tuple[int, int]] = set()
    for speaker, kind in zip(speakers, kinds, strict=True):
        others = [rows_of[other] for other, of in zip(speakers, kinds, strict=True) if of == kind and other != speaker]
        if others:
            first_N, second_N = _pick([rows_of[speaker]], most, generator), _pick(others, most, generator)
            pairs.update((min(pair), max(pair)) for pair in zip(first_N.tolist(), second_N.tolist(), strict=True))
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _pick(groups: Sequence[Rows], num: int, generator: np.random.Generator) -> Rows:
    """Rows (N,) drawn evenly over groups, and within a group over its rows."""
    chosen_N = generator.integers(len(groups), size=num)
    share_N = generator.random(num)
    return np.array(
        [groups[group][int(share * len(groups[group]))] for group, share in zip(chosen_N, share_N, strict=True)]
    )
