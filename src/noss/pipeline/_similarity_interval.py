"""Intervals of unbiased CKA: the jackknife over speakers, for all pairs of layers at once.

A bootstrap draws a speaker's clips twice, and a clip is like its copy under any model: the draws' CKA would lie above the
estimate's. Leaving speakers out copies nothing. CKA without each speaker is turned by Fisher's z (its inverse hyperbolic
tangent), so that no interval passes one; Student's t over so many speakers gives the ends.

HSIC_1 without a group g of clips follows from sums over its rows of the products of clips, which are made once: of the
three sums in the definition (see `_similarity_cka`), tr(K~ L~) loses twice the rows of g less what they hold among
themselves, and the sums of rows of K~ and L~ lose their columns of g.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._bootstrap import Unit
from noss.pipeline._similarity_cka import MIN_CLIPS, quotient, squares
from noss.pipeline._similarity_products import threads

_MOST_GROUPS = 256
_LEVEL = 0.975
_TOP = 1 - 1e-9  # beyond it z is endless


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """The ends of 95 % intervals (P, P) of every pair of P layers, and how they were made, in words."""

    low_PP: NDArray[np.float64]
    high_PP: NDArray[np.float64]
    how: str


def jackknife(
    layers: Sequence[NDArray[np.float32]], cka_PP: NDArray[np.float64], cluster_N: NDArray[np.int64], *, unit: Unit
) -> Intervals | None:
    """The 95 % intervals of unbiased CKA; None where there are too few speakers or clips to leave any out.

    Args:
        layers: Centred layers (N, D).
        cka_PP: Their unbiased CKA (P, P).
        cluster_N: The speaker (N,) of each clip, as a number from 0 on.
        unit: What the clusters are, in words. Beyond 256 they are left out in groups.
    """
    from scipy.special import stdtrit

    num_clusters = int(cluster_N.max()) + 1
    num_groups = min(num_clusters, _MOST_GROUPS)
    members = [np.flatnonzero(cluster_N % num_groups == group) for group in range(num_groups)]
    if num_groups < 2 or len(cluster_N) - max(map(len, members)) < MIN_CLIPS:
        return None
    left_out_GPP = _without_each(layers, members)
    z_GPP = np.arctanh(np.clip(left_out_GPP, -_TOP, _TOP))
    deviation_PP = np.sqrt((num_groups - 1) * z_GPP.var(axis=0))
    half_PP = float(stdtrit(num_groups - 1, _LEVEL)) * deviation_PP
    z_PP = np.arctanh(np.clip(cka_PP, -_TOP, _TOP))
    low_PP, high_PP = np.tanh(z_PP - half_PP), np.tanh(z_PP + half_PP)
    how = f"95 % jackknife over {num_clusters} {unit}"
    return Intervals(low_PP=np.minimum(low_PP, cka_PP), high_PP=np.maximum(high_PP, cka_PP), how=how)


def _without_each(layers: Sequence[NDArray[np.float32]], members: Sequence[NDArray[np.intp]]) -> NDArray[np.float64]:
    """Unbiased CKA (G, P, P) without each of G groups of clips."""
    num_clips, num_layers = len(layers[0]), len(layers)
    rows_PN = -np.stack([squares(x_ND) for x_ND in layers])  # sums of rows of K~, as K 1 = 0

    def sums(rows_n: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        gram_PnN = np.stack([x_ND[rows_n] @ x_ND.T for x_ND in layers])
        gram_PnN[:, np.arange(len(rows_n)), rows_n] = 0.0
        flat_PM, own_PM = gram_PnN.reshape(num_layers, -1), gram_PnN[:, :, rows_n].reshape(num_layers, -1)
        kept_PN = rows_PN - gram_PnN.sum(axis=1, dtype=np.float64)
        kept_PN[:, rows_n] = 0.0
        return (flat_PM @ flat_PM.T).astype(np.float64), (own_PM @ own_PM.T).astype(np.float64), kept_PN

    found = threads(sums, members)
    trace_PP = sum(rows_PP for rows_PP, _, _ in found)
    sizes = [num_clips - len(rows_n) for rows_n in members]
    without = [
        _hsic(trace_PP - 2 * rows_PP + own_PP, kept_PN, size)
        for (rows_PP, own_PP, kept_PN), size in zip(found, sizes, strict=True)
    ]
    return np.stack([quotient(hsic_PP) for hsic_PP in without])


def _hsic(trace_PP: NDArray[np.float64], rows_PN: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """HSIC_1 (P, P) of so many clips from tr(K~ L~) and the sums of rows of K~."""
    sums_P = rows_PN.sum(axis=1)
    crossed_PP = np.outer(sums_P, sums_P) / ((size - 1) * (size - 2)) - 2 / (size - 2) * (rows_PN @ rows_PN.T)
    return np.asarray((trace_PP + crossed_PP) / (size * (size - 3)))
