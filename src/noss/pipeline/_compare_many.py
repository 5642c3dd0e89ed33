"""Many comparisons at once: corrected p-values, letters for those that cannot be told apart, and the ranks left open.

Sources: Holm, "A simple sequentially rejective multiple test procedure" (1979); Benjamini and Hochberg, "Controlling the
false discovery rate" (1995); Westfall and Young, Resampling-based multiple testing (1993), algorithm 4.1; Piepho, "An
algorithm for a letter-based representation of all-pairwise comparisons" (2004), for the letters; Mogstad, Romano, Shaikh
and Wilhelm, "Inference for ranks" (2024), for the ranks.
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._compare_signs import Swapped

Correction = Literal["holm", "bh", "max", "none"]
LEVEL = 0.05


def corrected(swapped: Swapped, correction: Correction) -> NDArray[np.float64]:
    """The p-values (C,) of C comparisons, corrected for there being C of them.

    `holm` keeps the chance of any false difference at 5 %, whatever the comparisons have to do with each other; `max`
    keeps it too and misses less, because it knows from swapping how they hang together; `bh` keeps the expected share of
    false ones among the differences found.
    """
    if correction == "max":
        return swapped.joint_C
    if correction == "none":
        return swapped.p_C
    return (benjamini_hochberg if correction == "bh" else holm)(swapped.p_C)


def holm(p_C: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's corrected p-values (C,)."""
    order_C = np.argsort(p_C, kind="stable")
    found_C = np.empty(len(p_C))
    found_C[order_C] = np.minimum(np.maximum.accumulate(p_C[order_C] * np.arange(len(p_C), 0, -1)), 1.0)
    return found_C


def benjamini_hochberg(p_C: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini and Hochberg's corrected p-values (C,)."""
    order_C = np.argsort(-p_C, kind="stable")
    found_C = np.empty(len(p_C))
    shares_C = p_C[order_C] * len(p_C) / np.arange(len(p_C), 0, -1)
    found_C[order_C] = np.minimum(np.minimum.accumulate(shares_C), 1.0)
    return found_C


def letters(apart_EE: NDArray[np.bool_]) -> list[str]:
    """The letters of each of E models, in the order of their ranks: two share one unless they are apart (E, E).

    A letter is a largest set of models no two of which are apart, so there are as few letters as can be.
    """
    groups: list[frozenset[int]] = [frozenset(range(len(apart_EE)))]
    for i, j in np.argwhere(np.triu(apart_EE)).tolist():
        halves = [group - {one} for group in groups if {i, j} <= group for one in (i, j)]
        groups = _absorbed([group for group in groups if not {i, j} <= group] + halves)
    groups.sort(key=sorted)
    return ["".join(_letter(place) for place, group in enumerate(groups) if e in group) for e in range(len(apart_EE))]


def open_ranks(apart_EE: NDArray[np.bool_], value_E: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The best and the worst rank that each of E models may have, higher values (E,) being better.

    At least as many models are better as are apart from it (E, E) and above it, and so with those below.
    """
    above_EE = apart_EE & (value_E[None, :] > value_E[:, None])
    below_EE = apart_EE & (value_E[None, :] < value_E[:, None])
    ends = zip(above_EE.sum(axis=1).tolist(), below_EE.sum(axis=1).tolist(), strict=True)
    return [(1 + above, len(value_E) - below) for above, below in ends]


def ranks(value_RE: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks (..., E), 1 for the highest value; equal values share the mean of theirs."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-value_RE, axis=-1), dtype=np.float64)


def _absorbed(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """The groups that no other one holds."""
    distinct = list(dict.fromkeys(groups))
    return [group for group in distinct if not any(group < other for other in distinct)]


def _letter(place: int) -> str:
    """`a` to `z`, then `a1` to `z1`, ..."""
    turn, letter = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[letter] + (str(turn) if turn else "")
