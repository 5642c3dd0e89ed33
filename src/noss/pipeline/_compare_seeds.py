"""Noise of seeds beside noise of speakers: two reasons why a score would come out otherwise another time.

Other speakers would give another score, and so would another seed of folds and probe on the same ones. Run the same models
in several seeds, compare the runs, and the two are told apart: the standard deviation from seed to seed (same clips) beside
the standard error over speakers (same seeds). Scores and tests are of the mean over seeds, which has the noise of a seed
divided by the root of their number. Why it matters: Bouthillier et al., "Accounting for variance in machine learning
benchmarks", MLSys 2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from noss.pipeline._compare_contest import Result
from noss.pipeline._compare_units import Scored


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """An entrant of a contest in several seeds.

    Attributes:
        contest: The contest.
        name: The entrant.
        num_seeds: Seeds it was scored in.
        lowest: The lowest score of a seed.
        highest: The highest.
        sd: Standard deviation from seed to seed.
        error: Standard error over speakers.
        share: The part of the variance of one seed's score that is the seed's; None where nothing varies.
    """

    contest: str
    name: str
    num_seeds: int
    lowest: float
    highest: float
    sd: float
    error: float
    share: float | None


def seed_noise(contests: Sequence[Scored], results: Sequence[Result]) -> list[SeedNoise]:
    """The noise of seeds of every entrant that was scored in two or more."""
    return [row for scored, result in zip(contests, results, strict=True) for row in _noise(scored, result)]


def shaky_pairs(result: Result) -> list[str]:
    """Lines for pairs that the test tells apart on these seeds, while seeds differ too much to rely on it."""
    return [
        f"{pair.ahead} and {pair.behind} are told apart on these {result.num_seeds} seeds, but seeds alone move their "
        "difference about as much: run more seeds"
        for pair in result.pairs
        if pair.seed_sd is not None and pair.apart and pair.difference < 2 * pair.seed_sd / sqrt(result.num_seeds)
    ]


def _noise(scored: Scored, result: Result) -> Iterator[SeedNoise]:
    aligned = scored.aligned
    for name, taken in aligned.entrants.items():
        answers, standing = [*taken, *aligned.spare.get(name, [])], result.standing(name)
        if len(answers) < 2 or standing is None:
            continue
        values = [float(one.measure.score(aligned.true_N, one.scores_NK)) for one in answers]
        variance, error = float(np.var(values, ddof=1)), standing.error
        both = variance + error**2
        yield SeedNoise(
            contest=aligned.name,
            name=name,
            num_seeds=len(values),
            lowest=min(values),
            highest=max(values),
            sd=sqrt(variance),
            error=error,
            share=variance / both if both > 0 else None,
        )
