"""All contests decided: read, scored corpus by corpus, tested pair by pair, corrected for how many pairs there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._compare_align import Aligned, align
from noss.pipeline._compare_contest import Measured, Result, decide, measured, pair_tests, powerless
from noss.pipeline._compare_files import Contest
from noss.pipeline._compare_many import Correction, benjamini_hochberg, corrected, holm
from noss.pipeline._compare_signs import Swapped
from noss.pipeline._compare_units import Scored, score_corpus


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """Contests as they were scored, what came out of each, in the same order, and what could not be compared."""

    scored: list[Scored]
    results: list[Result]
    notes: list[str]


def decide_all(
    contests: Sequence[Contest],
    *,
    draws: int = 2000,
    permutations: int = 10_000,
    seed: int = 0,
    correction: Correction = "max",
) -> Decisions:
    """Decide every contest that can be; a line for each that cannot.

    P-values are corrected over the pairs of a contest; where there is one pair only, over the contests, and by Holm where
    they would be by the maximum: contests of different corpora are not swapped together.

    Args:
        contests: What to compare.
        draws: Bootstrap draws behind an interval.
        permutations: Ways to swap two models' answers that are tried.
        seed: The seed of both.
        correction: How p-values are corrected.
    """
    aligned, notes = _aligned(contests)
    scored: list[Scored] = []
    for corpus in dict.fromkeys(one.corpus for one in aligned):
        own, failed = score_corpus([one for one in aligned if one.corpus == corpus], draws=draws, seed=seed)
        scored += own
        notes += failed
    order = [contest.name for contest in contests]
    scored.sort(key=lambda one: order.index(one.aligned.name))
    found = [measured(one) for one in scored]
    tests = [pair_tests(one, permutations=permutations, seed=seed) for one in found]
    results = [
        _result(one, its, test, p_C, correction=correction)
        for one, its, test, p_C in zip(scored, found, tests, _corrected(tests, correction), strict=True)
    ]
    return Decisions(scored=scored, results=results, notes=notes)


def _aligned(contests: Sequence[Contest]) -> tuple[list[Aligned], list[str]]:
    found, notes = [], []
    for contest in contests:
        try:
            found.append(align(contest))
        except DataError as error:
            notes.append(str(error))
    return found, notes


def _corrected(tests: Sequence[Swapped], correction: Correction) -> list[NDArray[np.float64]]:
    if len(tests) < 2 or any(len(test.p_C) != 1 for test in tests) or correction == "none":
        return [corrected(test, correction) for test in tests]
    p_T = np.array([float(test.p_C[0]) for test in tests])
    return list((benjamini_hochberg if correction == "bh" else holm)(p_T)[:, None])


def _result(
    scored: Scored, found: Measured, swapped: Swapped, p_C: NDArray[np.float64], *, correction: Correction
) -> Result:
    aligned, decided = scored.aligned, decide(found, swapped, p_C)
    return Result(
        name=aligned.name,
        corpus=aligned.corpus,
        metric=aligned.metric,
        percent=aligned.facts.percent,
        num_clips=len(aligned.ids),
        num_clusters=scored.num_clusters,
        unit=scored.unit,
        num_seeds=len(scored.seed_SE),
        num_ways=swapped.num_ways,
        exact=swapped.exact,
        standings=[one.turned(aligned.sign) for one in decided.standings],
        pairs=decided.pairs,
        notes=[*aligned.notes, *scored.notes, *powerless(found, swapped, correction=correction)],
    )
