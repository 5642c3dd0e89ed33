"""A metric averaged over groups of rows: over speakers, or over folds, draws or episodes.

It keeps the contract of a metric (`METRIC`, `score`, `draws`), so that intervals and paired tests take it as it is.
A speaker that a draw takes twice counts twice; a fold counts once as long as the draw leaves something of it to measure.
A group that does not define the metric (one class only, say) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from noss.metrics import Metric
from noss.pipeline._predictions import Predictions

Average = Literal["speakers", "folds"]


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """The mean over groups of a metric; `group_N` (N,) says which group a row is in."""

    metric: ModuleType
    group_N: NDArray[np.int64]
    over: Average

    @property
    def METRIC(self) -> Metric:  # noqa: N802 - the contract's name
        """The metric's facts."""
        facts: Metric = self.metric.METRIC
        return facts

    def score(self, true_N: NDArray[Any], scores_NK: NDArray[np.float64]) -> float:
        """The mean over groups of the metric on labels (N,) and scores (N, K).

        Raises:
            ValueError: No group defines the metric.
        """
        value = float(self.draws(true_N, scores_NK, np.ones((1, len(true_N)), dtype=np.float32))[0])
        if not np.isfinite(value):
            raise ValueError("no group of these rows defines the metric")
        return value

    def draws(
        self, true_N: NDArray[Any], scores_NK: NDArray[np.float64], weights_RN: NDArray[Any]
    ) -> NDArray[np.float64]:
        """The mean (R,) for weightings (R, N) of labels (N,) and scores (N, K); NaN where no group defines it."""
        sum_R, count_R = np.zeros(len(weights_RN)), np.zeros(len(weights_RN))
        for rows in self._groups():
            weights_Rn = weights_RN[:, rows]
            if self.over == "speakers" and (weights_Rn == weights_Rn[:, :1]).all():
                weights_Rn = weights_Rn[:, :1]  # a speaker drawn whole: the metric is the same however often
                once_1n = np.ones((1, len(rows)), dtype=weights_RN.dtype)
                value_R = np.repeat(self.metric.draws(true_N[rows], scores_NK[rows], once_1n), len(weights_RN))
            else:
                value_R = self.metric.draws(true_N[rows], scores_NK[rows], weights_Rn)
            times_R = weights_Rn.mean(axis=1, dtype=np.float64)
            if self.over == "folds":
                times_R = (times_R > 0.0).astype(np.float64)
            times_R[~np.isfinite(value_R)] = 0.0
            sum_R += times_R * np.nan_to_num(value_R)
            count_R += times_R
        return np.asarray(np.divide(sum_R, count_R, out=np.full(len(sum_R), np.nan), where=count_R > 0.0))

    def spread(self, true_N: NDArray[Any], scores_NK: NDArray[np.float64]) -> float | None:
        """Standard deviation over groups of the metric on labels (N,) and scores (N, K); None for fewer than two."""
        ones_1N = np.ones((1, len(true_N)), dtype=np.float32)
        groups = self._groups()
        value_G = [float(self.metric.draws(true_N[rows], scores_NK[rows], ones_1N[:, rows])[0]) for rows in groups]
        found_G = np.array([value for value in value_G if np.isfinite(value)])
        return float(found_G.std(ddof=1)) if len(found_G) > 1 else None

    def _groups(self) -> list[NDArray[np.int64]]:
        return [np.flatnonzero(self.group_N == group) for group in np.unique(self.group_N)]


def averaged(
    metric: ModuleType, predictions: Predictions, *, rows: NDArray[np.int64] | None = None
) -> ModuleType | Averaged:
    """A metric as the predictions' protocol takes it: over all rows at once, or averaged over groups of them.

    Args:
        metric: A part of the shelf `metrics`.
        predictions: What is measured; `average` among their facts says how.
        rows: The rows (N,) that are measured; None for all.
    """
    over = predictions.facts.get("average")
    if over is None:
        return metric
    names: Sequence[Any] = predictions.speakers if over == "speakers" else predictions.folds
    places: dict[Any, int] = {}
    group_N = np.array([places.setdefault(name, len(places)) for name in names], dtype=np.int64)
    return Averaged(metric=metric, group_N=group_N if rows is None else group_N[rows], over=over)
