"""Intervals by bootstrap over speakers: BCa, widened for few speakers, thousands of draws at once.

Clips of one speaker succeed and fail together, so speakers are drawn, with all their clips; where speakers are unknown
the clips themselves are. A draw is a row of weights (how often each clip counts), and a metric values a block of rows
in one go.

A trial of two speakers depends on both, and counts as often as the product of how often each is drawn: the bootstrap of
data about pairs of units (Davezies, D'Haultfoeuille and Guyonvarch, "Empirical process results for exchangeable arrays",
2021; for two kinds of units Owen, "The pigeonhole bootstrap", 2007). A trial of one speaker with himself counts as often
as he is drawn: drawn twice he stands for two people, who have no trial of the same voice with each other.

The interval is BCa (Efron, "Better bootstrap confidence intervals", JASA 1987) at levels widened for the number of
clusters (Hesterberg, "What teachers should know about the bootstrap", 2015, section 5.3). In simulation the plain
percentile interval, meant to hold the truth 95 times in 100, held it 91 times with 30 speakers near the ceiling and
84 times with 10; widened 93 and 90; widened and BCa 94 and 92, which is why it is the one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["speakers", "clips"]
_BLOCK = 256
_DROPPED = 0.05
_LEVEL = 0.025


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A 95 % interval: its ends, how it was made in words, and what to say loudly about it."""

    low: float
    high: float
    how: str
    warnings: tuple[str, ...] = ()


def clusters(
    speakers: Sequence[str | None], partners: Sequence[str | None] | None = None
) -> tuple[NDArray[np.int64], Unit]:
    """What the bootstrap draws: a cluster index (N,) a clip, and whether clusters are speakers or clips.

    A clip without a speaker is a cluster of its own; where no clip has one, clips are drawn. Where rows are trials, whose
    second clips are by the `partners`, a row has two indices (N, 2).
    """
    if partners is not None:
        both_N, unit = clusters([*speakers, *partners])
        return both_N.reshape(2, -1).T, unit
    known = {speaker for speaker in speakers if speaker is not None}
    if not known:
        return np.arange(len(speakers), dtype=np.int64), "clips"
    keys = [("speaker", s) if s is not None else ("clip", str(i)) for i, s in enumerate(speakers)]
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64), "speakers"


def weights(cluster_N: NDArray[np.int64], *, draws: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Blocks (R, N) of draws, R at most 256: how often each of the N clips counts; clips of a cluster together.

    Of trials, each has two clusters (N, 2).
    """
    num_clusters = int(cluster_N.max()) + 1
    generator = np.random.default_rng(seed)
    for start in range(0, draws, _BLOCK):
        num = min(_BLOCK, draws - start)
        drawn = generator.integers(num_clusters, size=(num, num_clusters), dtype=np.int64)
        drawn += num_clusters * np.arange(num)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=num * num_clusters).astype(np.float32)
        yield by_cluster(counts.reshape(num, num_clusters), cluster_N)


def by_cluster(counts_RJ: NDArray[np.float32], cluster_N: NDArray[np.int64]) -> NDArray[np.float32]:
    """How often each clip counts (R, N) where clusters count so often (R, J); trials have two clusters (N, 2)."""
    if cluster_N.ndim == 1:
        return counts_RJ[:, cluster_N]
    first_N, second_N = cluster_N.T
    once_RN = counts_RJ[:, first_N]
    return np.where(first_N == second_N, once_RN, once_RN * counts_RJ[:, second_N])


def interval(
    metric: ModuleType,
    true_N: NDArray[Any],
    scores_NK: NDArray[np.float64],
    cluster_N: NDArray[np.int64],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval (low, high) of a metric on labels (N,) and scores (N, K)."""
    found = intervals([metric], true_N, scores_NK, cluster_N=cluster_N, unit="speakers", draws=draws, seed=seed)[0]
    return found.low, found.high


def intervals(
    metrics: Sequence[ModuleType],
    true_N: NDArray[Any],
    scores_NK: NDArray[np.float64],
    *,
    cluster_N: NDArray[np.int64],
    unit: Unit,
    draws: int = 2000,
    seed: int = 0,
) -> list[Interval]:
    """The 95 % intervals of several metrics on labels (N,) and scores (N, K), all on the same draws."""

    def values(weights_RN: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.stack([metric.draws(true_N, scores_NK, weights_RN) for metric in metrics])

    return _intervals(values, cluster_N, unit=unit, draws=draws, seed=seed)


def paired_interval(
    metric: ModuleType,
    true_N: NDArray[Any],
    a_NK: NDArray[np.float64],
    b_NK: NDArray[np.float64],
    cluster_N: NDArray[np.int64],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """The difference a - b of a metric of two models on the same clips, and its 95 % interval (low, high).

    Both models are valued on the same draws, so that what makes a speaker hard for both does not widen it.
    """

    def values(weights_RN: NDArray[np.float32]) -> NDArray[np.float64]:
        difference_R = metric.draws(true_N, a_NK, weights_RN) - metric.draws(true_N, b_NK, weights_RN)
        return np.asarray(difference_R, dtype=np.float64)[None]

    found = _intervals(values, cluster_N, unit="speakers", draws=draws, seed=seed)[0]
    return float(metric.score(true_N, a_NK) - metric.score(true_N, b_NK)), found.low, found.high


def _intervals(
    values: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    cluster_N: NDArray[np.int64],
    *,
    unit: Unit,
    draws: int,
    seed: int,
) -> list[Interval]:
    cluster_N, unit, warnings = _usable(cluster_N, unit)
    num_clusters = int(cluster_N.max()) + 1
    how = f"95 % BCa bootstrap over {num_clusters} {unit}, {draws} draws"
    point_M = values(np.ones((1, len(cluster_N)), dtype=np.float32))[:, 0]
    left_out_MJ = values(_without_each(cluster_N))
    drawn_MR = np.concatenate([values(block) for block in weights(cluster_N, draws=draws, seed=seed)], axis=1)
    return [
        bca(drawn_R, point, left_out_J, num_clusters=num_clusters, how=how, warnings=warnings)
        for drawn_R, point, left_out_J in zip(drawn_MR, point_M, left_out_MJ, strict=True)
    ]


def _usable(cluster_N: NDArray[np.int64], unit: Unit) -> tuple[NDArray[np.int64], Unit, tuple[str, ...]]:
    if unit == "clips" or len(np.unique(cluster_N)) > 1:
        found_N = np.unique(cluster_N, return_inverse=True)[1].astype(np.int64)
        return found_N.reshape(cluster_N.shape), unit, ()
    alone = ("one speaker only: the interval is over clips and says nothing about other speakers",)
    return np.arange(len(cluster_N), dtype=np.int64), "clips", alone


def _without_each(cluster_N: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weights (J, N) of the jackknife: every clip but a cluster's; beyond 256 clusters, but a group of clusters'."""
    num_clusters = int(cluster_N.max()) + 1
    group_J = np.arange(num_clusters) % _BLOCK
    kept_JJ = np.not_equal(group_J, np.unique(group_J)[:, None]).astype(np.float32)
    return by_cluster(kept_JJ, cluster_N)


def bca(
    drawn_R: NDArray[np.float64],
    point: float,
    left_out_J: NDArray[np.float64],
    *,
    num_clusters: float,
    how: str,
    warnings: tuple[str, ...] = (),
) -> Interval:
    """The 95 % BCa interval of a number from its draws, widened for few clusters.

    Args:
        drawn_R: The number on R bootstrap draws (R,); NaN where a draw gives none.
        point: The number itself.
        left_out_J: The number with each of J clusters left out (J,), or with each of J groups of them.
        num_clusters: How many clusters there are.
        how: How it was made, in words.
        warnings: Loud lines known already.
    """
    from scipy.special import ndtri

    kept_R = drawn_R[np.isfinite(drawn_R)]
    said = warnings + _said(kept_R, len(drawn_R), num_clusters=num_clusters)
    if not len(kept_R) or num_clusters < 2:
        return Interval(low=float(point), high=float(point), how=how, warnings=said)
    below = np.mean(kept_R < point) + np.mean(kept_R == point) / 2
    bias = ndtri(np.clip(below, 1 / len(kept_R), 1 - 1 / len(kept_R)))
    levels = _levels(num_clusters, bias=float(bias), acceleration=_acceleration(left_out_J))
    low, high = np.quantile(kept_R, levels)
    return Interval(low=float(min(low, point)), high=float(max(high, point)), how=how, warnings=said)


def _levels(num_clusters: float, *, bias: float, acceleration: float) -> NDArray[np.float64]:
    from scipy.special import ndtr, stdtrit

    wide = -sqrt(num_clusters / (num_clusters - 1)) * float(stdtrit(num_clusters - 1, _LEVEL))
    moved = bias + np.array([-wide, wide])
    slope = np.maximum(1 - acceleration * moved, 0.1)
    return np.asarray(ndtr(bias + moved / slope), dtype=np.float64)


def _acceleration(left_out_J: NDArray[np.float64]) -> float:
    kept_J = left_out_J[np.isfinite(left_out_J)]
    pull_J = kept_J.mean() - kept_J if len(kept_J) else np.zeros(1)
    spread = float((pull_J**2).sum())
    return float((pull_J**3).sum()) / (6 * spread**1.5) if spread > 1e-24 else 0.0


def _said(kept_R: NDArray[np.float64], num_draws: int, *, num_clusters: float) -> tuple[str, ...]:
    dropped = 1 - len(kept_R) / num_draws
    if not len(kept_R) or num_clusters < 2:
        return ("no interval: no draw leaves anything to measure",)
    if dropped > _DROPPED:
        return (f"{dropped:.0%} of the draws were dropped from the interval: a class is absent, or the metric endless",)
    if np.ptp(kept_R) == 0:
        return ("every draw gives the same value: too few differences between clips for an interval",)
    return ()
