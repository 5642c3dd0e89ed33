"""CKA of all layers as a table of plain numbers, with intervals where they are cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._bootstrap import Unit
from noss.pipeline._similarity_cka import Estimator, Read, centred, hsic, quotient, similarities
from noss.pipeline._similarity_interval import jackknife

Rows = list[list[float | None]]

_WORTHWHILE = 1e11  # multiplications: a few seconds on two cores


@dataclass(frozen=True, kw_only=True)
class Cells:
    """CKA (P, P) and the ends of its intervals as rows, None where a value is not defined; how the intervals were made."""

    cka: Rows
    low: Rows
    high: Rows
    interval: str


def measured(
    read: Read,
    num_clips: int,
    *,
    estimator: Estimator,
    standardise: bool,
    cluster_N: NDArray[np.int64],
    unit: Unit,
) -> Cells:
    """Every pair of layers compared, with intervals over speakers for the unbiased estimate.

    Args:
        read: Gives rows of every layer.
        num_clips: How many clips there are.
        estimator: How HSIC is estimated.
        standardise: Whether each dimension is divided by its deviation first.
        cluster_N: The speaker (N,) of each clip, as a number from 0 on.
        unit: What the clusters are, in words.

    Raises:
        DataError: There is no such estimator.
    """
    if estimator not in get_args(Estimator):
        raise DataError(f"no estimator {estimator!r}: write {', '.join(get_args(Estimator))}")
    if estimator == "minibatch":
        found_PP = similarities(read, num_clips, estimator=estimator, standardise=standardise)
        return Cells(cka=_rows(found_PP), low=[], high=[], interval="none: made for the unbiased estimate only")
    layers = centred(read, num_clips, standardise=standardise)
    found_PP = quotient(hsic(layers, unbiased=estimator == "unbiased"))
    if estimator == "plain":
        return Cells(cka=_rows(found_PP), low=[], high=[], interval="none: made for the unbiased estimate only")
    if num_clips**2 * sum(x_ND.shape[1] for x_ND in layers) > _WORTHWHILE:
        return Cells(cka=_rows(found_PP), low=[], high=[], interval="none: too many clips and dimensions")
    found = jackknife(layers, found_PP, cluster_N, unit=unit)
    if found is None:
        return Cells(cka=_rows(found_PP), low=[], high=[], interval=f"none: too few {unit}")
    return Cells(cka=_rows(found_PP), low=_rows(found.low_PP), high=_rows(found.high_PP), interval=found.how)


def _rows(found_PP: NDArray[np.float64]) -> Rows:
    """The same numbers as rows, six digits behind the point, which is as much as single precision holds."""
    return [[round(value, 6) if np.isfinite(value) else None for value in row] for row in found_PP.tolist()]
