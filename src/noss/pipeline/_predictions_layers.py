"""What each layer of a model alone would score, beside the layer that validation chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._bootstrap import clusters, intervals
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_fit import Choice, Embeddings, Learner, choice_of, fit_rows
from noss.pipeline._split import Fold, Splits

Table = NDArray[np.float64] | None
Scored = tuple[NDArray[np.int64], NDArray[np.float64]]


def layer_curve(
    data: Data,
    x_NLD: Embeddings,
    split: Splits,
    *,
    learner: Learner,
    tables: Sequence[Table],
    choices: Sequence[Choice],
    known: Mapping[int, Scored],
) -> list[dict[str, Any]]:
    """A row a layer: its number, its value on validation, its value on test with the 95 % interval, how many folds chose it.

    Each layer has the setting that is best for it on validation. Values are those of the metric, whichever end is good; a
    value is None where these clips do not define it. Nothing is chosen by the test values: they are there to be looked at.

    Args:
        data: The usable clips.
        x_NLD: Their embeddings (N, L, D).
        split: The folds.
        learner: What to fit.
        tables: How good settings and layers (S, L) are on validation, a fold each.
        choices: What each fold chose.
        known: Test rows (N,) and scores (N, K) of what was chosen, by the fold's place; other folds have no test clip.
    """
    folds, rows = sorted(known), []
    for layer in range(x_NLD.shape[1]):
        scored = [
            known[place]
            if choices[place].layer == layer
            else _scored(data, x_NLD, split.folds[place], learner, choice_of(learner, tables[place], layer=layer))
            for place in folds
        ]
        value, low, high = _measured(data, scored, learner)
        chosen = sum(choices[place].layer == layer for place in folds)
        dev = _dev(learner, [tables[place] for place in folds], layer)
        rows.append({"layer": layer, "dev": dev, "value": value, "low": low, "high": high, "folds": chosen})
    return rows


def mean_mix(mixes: Sequence[NDArray[np.float64]]) -> list[dict[str, Any]]:
    """A row a layer: its number, and its weight in the mix, the mean over folds, from weights (L,) of each."""
    return [{"layer": layer, "weight": float(weight)} for layer, weight in enumerate(np.mean(mixes, axis=0))]


def _scored(data: Data, x_NLD: Embeddings, fold: Fold, learner: Learner, choice: Choice) -> Scored:
    train_N, test_N = data.places(fold.train_N), data.places(fold.test_N)
    return test_N, fit_rows(learner, x_NLD, data.y_N, train_N, choice=choice).scores(x_NLD[test_N])


def _measured(
    data: Data, scored: Sequence[Scored], learner: Learner
) -> tuple[float, float, float] | tuple[None, None, None]:
    test_N = np.concatenate([rows for rows, _ in scored])
    order_N = np.argsort(test_N, kind="stable")
    rows_N, scores_NK = test_N[order_N], np.concatenate([scores for _, scores in scored])[order_N]
    true_N = data.y_N[rows_N]
    try:
        value = float(learner.metric.score(true_N, scores_NK))
    except ValueError:
        return None, None, None
    cluster_N, unit = clusters([data.clips[row].speaker for row in rows_N])
    found = intervals([learner.metric], true_N, scores_NK, cluster_N=cluster_N, unit=unit, seed=learner.seed)[0]
    return value, found.low, found.high


def _dev(learner: Learner, tables: Sequence[Table], layer: int) -> float | None:
    """The mean over folds of the best setting's value on validation, turned back to the metric's own sign."""
    found = [float(table_SL[:, layer].max()) for table_SL in tables if table_SL is not None]
    told = [value for value in found if np.isfinite(value)]
    sign = 1.0 if learner.metric.METRIC.higher_is_better else -1.0
    return sign * float(np.mean(told)) if told else None
