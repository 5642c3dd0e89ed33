"""The suite: one number a model over all contests, on the scale where 0 is a constant answer and 1 is perfect.

Scores of different metrics, and of tasks of different difficulty, do not add up as they are: 50 % is chance with two classes
and a feat with fifty, and an error rate falls where a recall rises. Each is first turned into the share of the way from a
constant answer to a perfect one that it has gone,

    skill = (value - chance) / (best - chance),

which leaves every order and every test within a task as it was. (Cohen's kappa does this to agreement, the skill scores
of meteorology to errors, BIG-bench to its tasks.) Chance is the metric's own `chance` on the clips compared; a
task whose metric has none is left out of means and keeps its place in the ranks. Ranks need no common scale and see no
margins, so both are shown.

Tasks are taken as given: intervals and tests say what other speakers of the same corpora would do, not what other tasks
would. Speakers are drawn once for all tasks of a corpus, corpora independently; intervals are widened for as many
degrees of freedom as Welch and Satterthwaite count (Satterthwaite, "An approximate distribution of estimates of
variance components", 1946).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.pipeline._compare_contest import Measured, Result, decide, measured, pair_tests, powerless
from noss.pipeline._compare_many import Correction, corrected, ranks
from noss.pipeline._compare_units import Scored

_MIN_TASKS = 2


@dataclass(frozen=True, kw_only=True)
class Rank:
    """An entrant's mean rank over all contests, with the ends of its 95 % bootstrap interval (percentiles) over speakers."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Suite:
    """All contests together.

    Attributes:
        contests: Those that every entrant is in.
        skill: Mean skill, tests and letters over them.
        ranks: Mean ranks, in the same order.
        families: Mean skill and tests over the contests of each family, by its name.
        members: The contests of each family.
        notes: Loud lines.
    """

    contests: list[str]
    skill: Result
    ranks: list[Rank]
    families: Mapping[str, Result]
    members: Mapping[str, list[str]]
    notes: list[str]


def suite_of(
    contests: Sequence[Scored], *, permutations: int, seed: int, correction: Correction
) -> tuple[Suite | None, list[str]]:
    """Compare models over all contests that share their entrants; None, and why, where there are no two.

    Args:
        contests: Scored contests.
        permutations: Ways to swap that are tried.
        seed: The seed of their choice.
        correction: How p-values are corrected for the number of pairs.
    """
    contests, others = _one_way(contests)
    names = _most_shared(contests)
    shared = [one for one in contests if set(names) <= set(one.aligned.entrants)]
    if len(names) < 1 or len(shared) < _MIN_TASKS:
        return None, (["no suite: no two tasks have their models in common"] if len(contests) >= _MIN_TASKS else [])
    usable = [one for one in shared if chance_of(one) is not None]
    notes = [*others, *_left_out(contests, shared, usable, names)]
    if not usable:
        return None, notes
    families = _families(usable)
    decided = partial(_decided, names=names, permutations=permutations, seed=seed, correction=correction)
    return Suite(
        contests=[one.aligned.name for one in shared],
        skill=decided("suite", usable),
        ranks=_mean_ranks(shared, names),
        families={name: decided(name, found) for name, found in families.items()},
        members={name: [one.aligned.name for one in found] for name, found in families.items()},
        notes=notes,
    ), []


def chance_of(scored: Scored) -> float | None:
    """The value of a constant answer on a contest's clips; None where its metric has none, or where it is perfect."""
    aligned = scored.aligned
    chance = getattr(shelf.load("metrics", aligned.metric), "chance", None)
    if chance is None:
        return None
    found = float(chance(aligned.true_N, aligned.num_classes))
    return found if found != aligned.facts.best else None


def _one_way(contests: Sequence[Scored]) -> tuple[list[Scored], list[str]]:
    """The contests of one protocol and variant, that of the most, and a line for the others."""
    ways = [one.aligned.way for one in contests]
    way = max(sorted(set(ways)), key=ways.count, default="")
    kept = [one for one in contests if one.aligned.way == way]
    if len(kept) == len(contests) or len(kept) < _MIN_TASKS:
        return kept, []
    return kept, [f"the suite is of {way or 'clean'} alone: scores of several protocols do not add up"]


def _most_shared(contests: Sequence[Scored]) -> list[str]:
    """The entrants of all contests, but those that are in fewer than half of them."""
    names = list(dict.fromkeys(name for one in contests for name in one.aligned.entrants))
    return [name for name in names if sum(name in one.aligned.entrants for one in contests) * 2 >= len(contests)]


def _left_out(
    contests: Sequence[Scored], shared: Sequence[Scored], usable: Sequence[Scored], names: Sequence[str]
) -> list[str]:
    missing = [one.aligned.name for one in contests if one not in shared]
    rankable = [one.aligned.name for one in shared if one not in usable]
    everyone = {name for one in contests for name in one.aligned.entrants}
    absent = sorted(everyone - set(names))
    return [
        *([f"not in the suite, because some models lack them: {', '.join(missing)}"] if missing else []),
        *([f"in ranks only, because a constant answer has no value there: {', '.join(rankable)}"] if rankable else []),
        *([f"not in the suite, because they lack most tasks: {', '.join(absent)}"] if absent else []),
    ]


def _decided(
    name: str, contests: Sequence[Scored], *, names: Sequence[str], permutations: int, seed: int, correction: Correction
) -> Result:
    found = _mean_skill(contests, names)
    swapped = pair_tests(found, permutations=permutations, seed=seed)
    decided = decide(found, swapped, corrected(swapped, correction))
    return Result(
        name=name,
        corpus=", ".join(dict.fromkeys(one.aligned.corpus for one in contests)),
        metric="skill",
        percent=True,
        num_clips=sum(len(one.aligned.ids) for one in contests),
        num_clusters=found.num_clusters,
        unit=_unit(contests),
        num_seeds=len(next(iter(contests[0].aligned.entrants.values()))),
        num_ways=swapped.num_ways,
        exact=swapped.exact,
        standings=decided.standings,
        pairs=decided.pairs,
        notes=powerless(found, swapped, correction=correction),
    )


def _unit(contests: Sequence[Scored]) -> str:
    return " and ".join(sorted({one.unit for one in contests}, reverse=True))


def _mean_skill(contests: Sequence[Scored], names: Sequence[str]) -> Measured:
    """The mean skill over contests, and the same over other speakers; units of all corpora, one below the other."""
    skills = [_skill(one, names) for one in contests]
    value_E = np.mean([skill.value_E for skill in skills], axis=0)
    parts, pulls, strata = [], [], []
    for place, corpus in enumerate(dict.fromkeys(one.aligned.corpus for one in contests)):
        own = [(one, skill) for one, skill in zip(contests, skills, strict=True) if one.aligned.corpus == corpus]
        present_U = np.any([one.present_U for one, _ in own], axis=0)
        parts.append(np.sum([skill.parts_UE for _, skill in own], axis=0)[present_U] / len(skills))
        pulls.append(np.sum([skill.left_out_UE - skill.value_E for _, skill in own], axis=0)[present_U] / len(skills))
        strata.append(np.full(int(present_U.sum()), place))
    return Measured(
        names=list(names),
        value_E=value_E,
        seed_SE=_over_seeds(skills),
        drawn_RE=np.mean([skill.drawn_RE for skill in skills], axis=0),
        left_out_UE=value_E + np.concatenate(pulls),
        parts_UE=np.concatenate(parts),
        stratum_U=np.concatenate(strata),
        num_clusters=sum(
            max(one.num_clusters for one in contests if one.aligned.corpus == corpus)
            for corpus in {one.aligned.corpus for one in contests}
        ),
    )


def _over_seeds(skills: Sequence[Measured]) -> NDArray[np.float64]:
    """Mean skills of each seed (S, E), of the first seeds where contests have different numbers of them."""
    num = min(len(skill.seed_SE) for skill in skills)
    return np.asarray(np.mean([skill.seed_SE[:num] for skill in skills], axis=0))


def _skill(scored: Scored, names: Sequence[str]) -> Measured:
    """A contest's scores as skills, of the entrants named, in their order; parts and units of the whole corpus."""
    chance = chance_of(scored)
    assert chance is not None
    place_E = [list(scored.aligned.entrants).index(name) for name in names]
    scale = 1 / (scored.aligned.facts.best - chance)
    return Measured(
        names=list(names),
        value_E=scale * (scored.value_E[place_E] - chance),
        seed_SE=scale * (scored.seed_SE[:, place_E] - chance),
        drawn_RE=scale * (scored.drawn_RE[:, place_E] - chance),
        left_out_UE=scale * (scored.left_out_UE[:, place_E] - chance),
        parts_UE=scale * scored.parts_UE[:, place_E],
        stratum_U=np.zeros(len(scored.parts_UE), dtype=np.int64),
        num_clusters=scored.num_clusters,
    )


def _mean_ranks(contests: Sequence[Scored], names: Sequence[str]) -> list[Rank]:
    places = [[list(one.aligned.entrants).index(name) for name in names] for one in contests]
    found = [(measured(one), place) for one, place in zip(contests, places, strict=True)]
    value_E = np.mean([ranks(one.value_E[place]) for one, place in found], axis=0)
    drawn_RE = np.mean([_drawn_ranks(one.drawn_RE[:, place]) for one, place in found], axis=0)
    low_E, high_E = np.nanquantile(drawn_RE, [0.025, 0.975], axis=0)
    return [
        Rank(name=name, value=float(value), low=float(min(low, value)), high=float(max(high, value)))
        for name, value, low, high in zip(names, value_E, low_E, high_E, strict=True)
    ]


def _drawn_ranks(value_RE: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks (R, E) of every draw; NaN where a draw leaves nothing to measure."""
    return np.where(np.isfinite(value_RE).all(axis=1, keepdims=True), ranks(np.nan_to_num(value_RE)), np.nan)


def _families(contests: Sequence[Scored]) -> dict[str, list[Scored]]:
    """The contests of each family that their datasets declare; none where no dataset declares any."""
    found: dict[str, list[Scored]] = {}
    for one in contests:
        found.setdefault(_family(one.aligned.corpus, one.aligned.target), []).append(one)
    return found if set(found) != {"ungrouped"} else {}


def _family(corpus: str, target: str) -> str:
    part = shelf.parse(corpus).part
    if part not in shelf.names("datasets"):
        return "ungrouped"
    card = getattr(shelf.load("datasets", part), "DATASET", None)
    return str(card.families.get(target, "ungrouped")) if card is not None else "ungrouped"
