"""The paired test: two models' answers are swapped, speaker by speaker, thousands of times.

Were two models equally good, whoever labelled the one A and the other B might as well have done it the other way round
for any single speaker. What a speaker adds to the difference of the scores then has the sign that chance gave it, and
the test asks how often random signs make a difference as large as the one seen. All clips of a speaker change sides
together, because they succeed and fail together: swapped one by one they would pass for far more evidence than they are.

With few speakers every way to swap is tried, and the p-value is exact; otherwise a sample of them, with the one that was
seen counted in (Phipson and Smyth, "Permutation p-values should never be zero", 2010).
Source of the test: Fisher, The Design of Experiments (1935), section 21; for clusters: Canay, Romano and Shaikh,
"Randomization tests under an approximate symmetry assumption", Econometrica 2017.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1000
_ROUNDING = 1e-10


@dataclass(frozen=True, kw_only=True)
class Swapped:
    """What swapping gave for C comparisons.

    Attributes:
        p_C: How often a difference at least as large came up (C,), both signs counted.
        joint_C: The same, corrected for all C comparisons together (C,): Westfall and Young's step-down maximum.
        num_ways: Ways to swap that were tried.
        exact: Whether these were all there are.
    """

    p_C: NDArray[np.float64]
    joint_C: NDArray[np.float64]
    num_ways: int
    exact: bool

    @property
    def least(self) -> float:
        """The smallest p-value that could have come out."""
        return 1 / self.num_ways if self.exact else 1 / (self.num_ways + 1)


def swap(parts_UC: NDArray[np.float64], *, permutations: int = 10_000, seed: int = 0) -> Swapped:
    """Test C differences for zero.

    Args:
        parts_UC: What each of U units (speakers) adds to each difference (U, C); a difference is the sum of its parts.
        permutations: Ways to swap that are tried, unless all there are are fewer.
        seed: The seed of the sample.
    """
    parts_UC = parts_UC[np.abs(parts_UC).sum(axis=1) > 0]
    sizes_C = np.sqrt((parts_UC**2).sum(axis=0))
    scaled_UC = np.divide(parts_UC, sizes_C, out=np.zeros_like(parts_UC), where=sizes_C > 0)
    seen_C = np.abs(scaled_UC.sum(axis=0)) * (1 - _ROUNDING) - _ROUNDING
    order_C = np.argsort(-seen_C, kind="stable")
    exact = len(parts_UC) <= 1 or 2 ** (len(parts_UC) - 1) <= permutations
    blocks = _every_sign(len(parts_UC)) if exact else _signs(len(parts_UC), permutations, seed=seed)
    num_ways, reached_C, passed_C = 0, np.zeros(len(seen_C)), np.zeros(len(seen_C))
    for signs_RU in blocks:
        sums_RC = np.abs(signs_RU @ scaled_UC)
        num_ways += len(sums_RC)
        reached_C += (sums_RC >= seen_C).sum(axis=0)
        largest_RC = np.maximum.accumulate(sums_RC[:, order_C[::-1]], axis=1)[:, ::-1]
        passed_C[order_C] += (largest_RC >= seen_C[order_C]).sum(axis=0)
    own = 0 if exact else 1
    joint_C = np.empty(len(seen_C))
    joint_C[order_C] = np.maximum.accumulate((passed_C[order_C] + own) / (num_ways + own))
    return Swapped(p_C=(reached_C + own) / (num_ways + own), joint_C=joint_C, num_ways=num_ways, exact=exact)


def _every_sign(num_units: int) -> Iterator[NDArray[np.float64]]:
    """All signs (R, U) of U units, the first one's kept: turning all of them turns only the sign of the sum."""
    num_ways = 2 ** max(num_units - 1, 0)
    bit_U = np.arange(num_units) - 1
    for start in range(0, num_ways, _BLOCK):
        way_R = np.arange(start, min(start + _BLOCK, num_ways))
        turned_RU = (way_R[:, None] >> np.maximum(bit_U, 0)) & (bit_U >= 0)
        yield np.where(turned_RU, -1.0, 1.0)


def _signs(num_units: int, permutations: int, *, seed: int) -> Iterator[NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    for start in range(0, permutations, _BLOCK):
        num = min(_BLOCK, permutations - start)
        yield np.where(generator.integers(2, size=(num, num_units), dtype=np.int8), -1.0, 1.0)
