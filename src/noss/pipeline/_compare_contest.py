"""One contest decided: every entrant's score, every pair's difference and test, ranks and letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._bootstrap import bca
from noss.pipeline._compare_many import LEVEL, Correction, letters, open_ranks, ranks
from noss.pipeline._compare_power import degrees, speakers_needed, standard_error
from noss.pipeline._compare_signs import Swapped, swap
from noss.pipeline._compare_units import Scored


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An entrant in a contest.

    Attributes:
        name: The entrant.
        value: Its score on the clips that all have, the mean over seeds.
        low: Lower end of the 95 % interval over speakers.
        high: Upper end.
        rank: 1 for the best; equal values share the mean of their ranks.
        best_rank: The best rank that the tests leave open.
        worst_rank: The worst.
        letters: Two entrants share a letter unless the paired test tells them apart.
        error: Standard error over speakers.
    """

    name: str
    value: float
    low: float
    high: float
    rank: float
    best_rank: int
    worst_rank: int
    letters: str
    error: float

    def turned(self, sign: int) -> Standing:
        """The same in units of the metric, of which less is better where the sign is -1."""
        ends = sorted((sign * self.low, sign * self.high))
        return replace(self, value=sign * self.value, low=ends[0], high=ends[1])


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two entrants on the same clips, the one with the better score first.

    Attributes:
        ahead: The entrant with the better score.
        behind: The other.
        difference: How far ahead it is, in units of the metric, turned so that positive is better.
        low: Lower end of the 95 % interval of the paired difference.
        high: Upper end.
        p: Of the paired test, for this pair alone.
        p_corrected: Corrected for all comparisons of its family.
        error: Standard error of the difference over speakers.
        seed_sd: Standard deviation of the difference from seed to seed; None where there is one seed.
        speakers_needed: Speakers that would tell the two apart in 80 % of studies, were the difference as it is seen;
            None where there is no difference, or nothing to reckon with.
        needed_at_least: The same, were it as large as the interval allows.
    """

    ahead: str
    behind: str
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float
    error: float
    seed_sd: float | None
    speakers_needed: int | None
    needed_at_least: int | None

    @property
    def apart(self) -> bool:
        """Whether the corrected test tells them apart."""
        return self.p_corrected < LEVEL


@dataclass(frozen=True, kw_only=True)
class Result:
    """A contest and what came out; entrants from best to worst.

    Attributes:
        name: The contest: a task, with its protocol where that is not `clean`; or the suite.
        corpus: The dataset.
        metric: Name of the metric.
        percent: Whether values are shown times 100.
        num_clips: Clips compared.
        num_clusters: Speakers, or clips where speakers are unknown.
        unit: Which of the two.
        num_seeds: Seeds averaged.
        num_ways: Ways to swap that were tried.
        exact: Whether these were all there are.
        standings: Entrants, the best first.
        pairs: Every two of them.
        notes: Loud lines.
    """

    name: str
    corpus: str
    metric: str
    percent: bool
    num_clips: int
    num_clusters: int
    unit: str
    num_seeds: int
    num_ways: int
    exact: bool
    standings: list[Standing]
    pairs: list[Pair]
    notes: list[str]

    def standing(self, name: str) -> Standing | None:
        """The standing of an entrant; None where it did not take part."""
        return next((one for one in self.standings if one.name == name), None)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a contest or the suite is decided from: E entrants, S seeds, R draws, U units; more is better.

    Units of one stratum (U,), a corpus, are drawn together and from themselves alone.
    """

    names: list[str]
    value_E: NDArray[np.float64]
    seed_SE: NDArray[np.float64]
    drawn_RE: NDArray[np.float64]
    left_out_UE: NDArray[np.float64]
    parts_UE: NDArray[np.float64]
    stratum_U: NDArray[np.int64]
    num_clusters: int


@dataclass(frozen=True, kw_only=True)
class Decided:
    """Standings, the best first, and pairs, values turned so that more is better."""

    standings: list[Standing]
    pairs: list[Pair]


def measured(scored: Scored) -> Measured:
    """A contest's scores, turned so that more is better; units without a clip in it are left out."""
    sign, present_U = scored.aligned.sign, scored.present_U
    return Measured(
        names=list(scored.aligned.entrants),
        value_E=sign * scored.value_E,
        seed_SE=sign * scored.seed_SE,
        drawn_RE=sign * scored.drawn_RE,
        left_out_UE=sign * scored.left_out_UE[present_U],
        parts_UE=sign * scored.parts_UE[present_U],
        stratum_U=np.zeros(int(present_U.sum()), dtype=np.int64),
        num_clusters=scored.num_clusters,
    )


def pair_tests(found: Measured, *, permutations: int, seed: int) -> Swapped:
    """The paired test of every two entrants, in the order of `couples`."""
    a_C, b_C = couples(found)
    return swap(found.parts_UE[:, a_C] - found.parts_UE[:, b_C], permutations=permutations, seed=seed)


def couples(found: Measured) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every two entrants (C,), (C,), the one with the better score first."""
    order_E = np.argsort(-found.value_E, kind="stable")
    pairs_C2 = np.array(list(combinations(order_E.tolist(), 2)), dtype=np.int64).reshape(-1, 2)
    return pairs_C2[:, 0], pairs_C2[:, 1]


def decide(found: Measured, swapped: Swapped, p_C: NDArray[np.float64]) -> Decided:
    """Rank all entrants and compare every two.

    Args:
        found: Their scores.
        swapped: The paired test of every two.
        p_C: Its p-values, corrected (C,).
    """
    order_E = np.argsort(-found.value_E, kind="stable")
    a_C, b_C = couples(found)
    apart_EE = np.zeros((len(order_E), len(order_E)), dtype=np.bool_)
    apart_EE[a_C, b_C] = apart_EE[b_C, a_C] = p_C < LEVEL
    several = zip(a_C.tolist(), b_C.tolist(), swapped.p_C.tolist(), p_C.tolist(), strict=True)
    pairs = [_pair(found, a, b, p=p, p_corrected=p_corrected) for a, b, p, p_corrected in several]
    standings = _standings(found, apart_EE, order_E.tolist())
    return Decided(standings=standings, pairs=pairs)


def _standings(found: Measured, apart_EE: NDArray[np.bool_], order: Sequence[int]) -> list[Standing]:
    rank_E = ranks(found.value_E)
    open_E = open_ranks(apart_EE, found.value_E)
    lettered = dict(zip(order, letters(apart_EE[np.ix_(order, order)]), strict=True))
    ends = {e: _interval(found, found.drawn_RE[:, e], found.value_E[e], found.left_out_UE[:, e]) for e in order}
    return [
        Standing(
            name=found.names[e],
            value=float(found.value_E[e]),
            low=ends[e][0],
            high=ends[e][1],
            rank=float(rank_E[e]),
            best_rank=open_E[e][0],
            worst_rank=open_E[e][1],
            letters=lettered[e],
            error=standard_error(found.left_out_UE[:, e], stratum_U=found.stratum_U),
        )
        for e in order
    ]


def _pair(found: Measured, a: int, b: int, *, p: float, p_corrected: float) -> Pair:
    difference = float(found.value_E[a] - found.value_E[b])
    left_out_U = found.left_out_UE[:, a] - found.left_out_UE[:, b]
    low, high = _interval(found, found.drawn_RE[:, a] - found.drawn_RE[:, b], difference, left_out_U)
    error, num = standard_error(left_out_U, stratum_U=found.stratum_U), found.num_clusters
    return Pair(
        ahead=found.names[a],
        behind=found.names[b],
        difference=difference,
        low=low,
        high=high,
        p=p,
        p_corrected=p_corrected,
        error=error,
        seed_sd=float((found.seed_SE[:, a] - found.seed_SE[:, b]).std(ddof=1)) if len(found.seed_SE) > 1 else None,
        speakers_needed=speakers_needed(difference, error=error, num_speakers=num),
        needed_at_least=speakers_needed(max(high, -low), error=error, num_speakers=num),
    )


def _interval(
    found: Measured, drawn_R: NDArray[np.float64], point: float, left_out_U: NDArray[np.float64]
) -> tuple[float, float]:
    num_clusters = degrees(left_out_U, stratum_U=found.stratum_U) + 1
    within = bca(drawn_R, float(point), left_out_U, num_clusters=num_clusters, how="")
    return within.low, within.high


def powerless(found: Measured, swapped: Swapped, *, correction: Correction) -> list[str]:
    """A line where no result, however clear, could have told two entrants apart."""
    num_pairs = len(swapped.p_C)
    if num_pairs and np.ptp(found.value_E) == 0 and (swapped.p_C == 1).all():
        return ["all scores are equal: there is nothing to tell apart"]
    if not num_pairs or swapped.least * (num_pairs if correction == "holm" else 1) < LEVEL:
        return []
    which = f", and {num_pairs} pairs need one below {LEVEL / num_pairs:.2g} (--correction max needs less)"
    return [f"with so few speakers no p-value can fall below {swapped.least:.2g}{which if num_pairs > 1 else ''}"]
