"""Every entrant's score, and the same for other speakers: redrawn, left out in turn, and taken apart.

Contests on one corpus share its speakers, so speakers are drawn and left out once for all of them: a model that is lucky
with a speaker in one task is lucky in the next, and counting that twice would be counting it as evidence twice.

*Units* are what is left out and swapped: the speakers of a corpus, in at most 256 groups; clips where speakers are
unknown.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._bootstrap import Unit, by_cluster, weights
from noss.pipeline._compare_align import Aligned, Answers

_MOST_UNITS = 256
_BLOCK = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """A contest's scores, E entrants in its order.

    Attributes:
        aligned: The contest.
        value_E: Scores (E,), the mean over seeds.
        seed_SE: Scores of each seed (S, E).
        drawn_RE: Scores of R bootstrap draws of speakers (R, E); NaN where a draw leaves nothing to measure.
        left_out_UE: Scores with each unit of the corpus left out (U, E).
        parts_UE: What each unit adds to each score (U, E); differences of two columns are what the paired test swaps.
        present_U: Whether a unit has a clip in the contest (U,).
        num_clusters: Speakers (or clips) of the contest.
        unit: What these are.
        notes: Loud lines.
    """

    aligned: Aligned
    value_E: NDArray[np.float64]
    seed_SE: NDArray[np.float64]
    drawn_RE: NDArray[np.float64]
    left_out_UE: NDArray[np.float64]
    parts_UE: NDArray[np.float64]
    present_U: NDArray[np.bool_]
    num_clusters: int
    unit: Unit
    notes: tuple[str, ...]


def score_corpus(contests: Sequence[Aligned], *, draws: int, seed: int) -> tuple[list[Scored], list[str]]:
    """Score the contests of one corpus, the same speakers drawn, and left out, for all of them; and say which cannot be.

    Args:
        contests: Contests on one corpus.
        draws: Bootstrap draws.
        seed: The seed of the draws.
    """
    keys = [_clusters(aligned) for aligned in contests]
    numbers: dict[Hashable, int] = {}
    cluster_ns = [
        np.array([numbers.setdefault(key, len(numbers)) for key in found]).reshape(_shape(aligned))
        for aligned, (found, _, _) in zip(contests, keys, strict=True)
    ]
    count_RJ = np.concatenate(list(weights(np.arange(len(numbers)), draws=draws, seed=seed)))
    num_units = min(len(numbers), _MOST_UNITS)
    found, failed = [], []
    for aligned, cluster_N, (_, unit, notes) in zip(contests, cluster_ns, keys, strict=True):
        try:
            found.append(_score(aligned, cluster_N, count_RJ, num_units=num_units, unit=unit, notes=notes))
        except DataError as error:
            failed.append(str(error))
    return found, failed


def _shape(aligned: Aligned) -> tuple[int, ...]:
    return (-1,) if aligned.partners is None else (-1, 2)


def _clusters(aligned: Aligned) -> tuple[list[Hashable], Unit, tuple[str, ...]]:
    """What tells the speaker of each clip, what that is, and a loud line where speakers cannot be drawn; two for a trial."""
    columns = [aligned.speakers, *([] if aligned.partners is None else [aligned.partners])]
    pairs = [(column[row], name) for row, name in enumerate(aligned.ids) for column in columns]
    known = {speaker for speaker, _ in pairs if speaker is not None}
    if len(known) > 1:
        return [("clip", name) if speaker is None else ("speaker", speaker) for speaker, name in pairs], "speakers", ()
    why = "one speaker only" if known else "speakers are unknown"
    note = f"{why}: clips are drawn and swapped in their place, which says nothing about other speakers"
    return [("clip", name) for _, name in pairs], "clips", (note,)


def _score(
    aligned: Aligned,
    cluster_N: NDArray[np.int64],
    count_RJ: NDArray[np.float32],
    *,
    num_units: int,
    unit: Unit,
    notes: tuple[str, ...],
) -> Scored:
    unit_N = cluster_N % num_units
    unit_J = np.arange(count_RJ.shape[1]) % num_units
    left_UN = by_cluster((unit_J != np.arange(num_units)[:, None]).astype(np.float32), cluster_N)
    whole_1N = np.ones((1, len(cluster_N)), dtype=np.float32)
    seed_SE = _by_seed(aligned, whole_1N)[:, 0]
    value_E = seed_SE.mean(axis=0)
    present_U = np.bincount(unit_N.ravel(), minlength=num_units) > 0
    left_out_UE = np.where(present_U[:, None], _by_seed(aligned, left_UN).mean(axis=0), value_E)
    blocks = (by_cluster(count_RJ[start : start + _BLOCK], cluster_N) for start in range(0, len(count_RJ), _BLOCK))
    return Scored(
        aligned=aligned,
        value_E=value_E,
        seed_SE=seed_SE,
        drawn_RE=np.concatenate([_by_seed(aligned, block).mean(axis=0) for block in blocks]),
        left_out_UE=left_out_UE,
        parts_UE=_parts(aligned, unit_N, left_out_UE, value_E),
        present_U=present_U,
        num_clusters=len(np.unique(cluster_N)),
        unit=unit,
        notes=notes,
    )


def _by_seed(aligned: Aligned, weights_RN: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores (S, R, E) of each seed for weightings of the clips (R, N)."""

    def one(answers: Answers) -> NDArray[np.float64]:
        drawn_R: NDArray[np.float64] = answers.measure.draws(aligned.true_N, answers.scores_NK, weights_RN)
        return drawn_R

    found = [np.stack([one(answers) for answers in seeds]) for seeds in aligned.entrants.values()]
    return np.stack(found, axis=2)


def _parts(
    aligned: Aligned, unit_N: NDArray[np.int64], left_out_UE: NDArray[np.float64], value_E: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What each unit adds to each score (U, E); each column sums to the score.

    Of a metric that is a sum over clips (it defines `shares`), what its clips add: swapping it is swapping the answers.
    Of any other, what leaving the unit out takes away, which is the same to first order. The answers themselves would not
    do for those: to mix the scores of two models in one ranking, both would have to be on one scale.
    """
    found = [_shares(seeds, aligned.true_N) for seeds in aligned.entrants.values()]
    shares = [share_N for share_N in found if share_N is not None]
    if len(shares) < len(found) or unit_N.ndim > 1:
        return _influence(unit_N, left_out_UE, value_E, name=aligned.name)
    columns = [np.bincount(unit_N, weights=share_N, minlength=len(left_out_UE)) for share_N in shares]
    return np.stack(columns, axis=1)


def _shares(seeds: Sequence[Answers], true_N: NDArray[Any]) -> NDArray[np.float64] | None:
    if not all(hasattr(one.measure, "shares") for one in seeds):
        return None
    return np.asarray(np.mean([one.measure.shares(true_N, one.scores_NK) for one in seeds], axis=0))


def _influence(
    unit_N: NDArray[np.int64], left_out_UE: NDArray[np.float64], value_E: NDArray[np.float64], *, name: str
) -> NDArray[np.float64]:
    if not np.isfinite(left_out_UE).all():
        raise DataError(f"{name}: without one of its speakers nothing is left to measure: it needs more speakers")
    there = np.unique(unit_N)
    left_out_VE, num = left_out_UE[there], len(there)
    parts_UE = np.zeros_like(left_out_UE)
    parts_UE[there] = (left_out_VE.mean(axis=0) - left_out_VE) * (num - 1) / num + value_E / num
    return parts_UE
