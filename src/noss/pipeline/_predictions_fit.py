"""Fit a probe on embeddings: choose setting and layer on validation, refit, score in the task's class order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ProbeError
from noss.probes import Probe, fit_all

Rows = NDArray[np.int64]
Pairs = Sequence[tuple[Rows, Rows]]


@dataclass(frozen=True, kw_only=True)
class Learner:
    """How to fit: the probe's class, the metric that chooses among its settings, the number of classes, the seed.

    `num_classes` is None for numbers.
    """

    probe: type[Any]
    metric: ModuleType
    num_classes: int | None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A setting and a layer, and whether validation chose them: it cannot where it holds one class only."""

    setting: Mapping[str, Any]
    layer: int
    chosen: bool = True


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted probe that scores all the task's classes, also those it never saw.

    `present_K` holds the indices of the classes it saw, in its own order; None for numbers.
    """

    probe: Probe
    layer: int
    present_K: NDArray[np.int64] | None
    num_classes: int | None

    def scores(self, x_NLD: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores (N, K) of embeddings (N, L, D) in the task's class order; a class never seen scores lowest.

        Raises:
            ProbeError: A score is not finite.
        """
        seen_NJ = np.asarray(self.probe.scores(np.ascontiguousarray(x_NLD[:, self.layer])), dtype=np.float64)
        if not np.isfinite(seen_NJ).all():
            raise ProbeError("the probe gave scores that are not finite: try another probe, or check the embeddings")
        if self.present_K is None or self.num_classes is None or len(self.present_K) == self.num_classes:
            return seen_NJ
        lowest = 0.0 if self.probe.PROBABILITIES else seen_NJ.min(initial=0.0)
        scores_NK = np.full((len(seen_NJ), self.num_classes), lowest)
        scores_NK[:, self.present_K] = seen_NJ
        return scores_NK


def choose(learner: Learner, x_NLD: NDArray[np.float32], y_N: NDArray[Any], pairs: Pairs) -> Choice:
    """The setting and layer with the best metric on validation, averaged over pairs of (fit, validation) rows.

    Ties go to the simplest setting, then to the lowest layer. Where no pair can tell (one class on either side), the
    middle setting of the first layer is taken, and said so.

    Args:
        learner: What to fit.
        x_NLD: Embeddings (N, L, D).
        y_N: Class indices or numbers (N,).
        pairs: Rows to fit on and rows to choose on; never a test clip.
    """
    return choose_each(learner, x_NLD, y_N, [pairs])[0]


def choose_each(
    learner: Learner, x_NLD: NDArray[np.float32], y_N: NDArray[Any], folds: Sequence[Pairs]
) -> list[Choice]:
    """As `choose`, for every fold of a task.

    Rows that several folds fit on are fitted once: where the folds inside a training set are the other test sets, that
    is half of all.

    Args:
        learner: What to fit.
        x_NLD: Embeddings (N, L, D).
        y_N: Class indices or numbers (N,).
        folds: The pairs of each fold.
    """
    if len(learner.probe.SETTINGS) * x_NLD.shape[1] == 1:
        return [Choice(setting=learner.probe.SETTINGS[0], layer=0)] * len(folds)
    values: list[list[NDArray[np.float64]]] = [[] for _ in folds]
    for fit_N, wanted in _by_fit(folds):
        found = _values(learner, x_NLD, y_N, fit_N=fit_N, devs=[dev_N for _, dev_N in wanted])
        for (place, _), value_SL in zip(wanted, found, strict=True):
            values[place].append(value_SL)
    return [_best(learner, of_fold, num_layers=x_NLD.shape[1]) for of_fold in values]


def _by_fit(folds: Sequence[Pairs]) -> list[tuple[Rows, list[tuple[int, Rows]]]]:
    """Each set of rows to fit on, with the folds that want it and the rows they choose on."""
    found: dict[bytes, tuple[Rows, list[tuple[int, Rows]]]] = {}
    for place, pairs in enumerate(folds):
        for fit_N, dev_N in pairs:
            found.setdefault(fit_N.tobytes(), (fit_N, []))[1].append((place, dev_N))
    return list(found.values())


def _best(learner: Learner, values: Sequence[NDArray[np.float64]], *, num_layers: int) -> Choice:
    settings = learner.probe.SETTINGS
    told = [value_SL for value_SL in values if np.isfinite(value_SL).any()]
    if not told:
        return Choice(setting=settings[len(settings) // 2], layer=0, chosen=False)
    best = int(np.argmax(np.round(np.mean(told, axis=0), 12)))
    return Choice(setting=settings[best // num_layers], layer=best % num_layers)


def fit_rows(learner: Learner, x_NLD: NDArray[np.float32], y_N: NDArray[Any], rows: Rows, *, choice: Choice) -> Fitted:
    """The probe fitted on some rows of embeddings (N, L, D) and labels (N,), with a chosen setting and layer.

    Raises:
        ProbeError: The rows hold one class only, or none.
    """
    return fit_layer(learner, x_NLD, y_N, rows, settings=[choice.setting], layer=choice.layer)[0]


def _values(
    learner: Learner, x_NLD: NDArray[np.float32], y_N: NDArray[Any], *, fit_N: Rows, devs: Sequence[Rows]
) -> list[NDArray[np.float64]]:
    """How good (S, L) settings and layers are on sets of validation rows: higher is better, -inf where undefined."""
    settings, num_layers = learner.probe.SETTINGS, x_NLD.shape[1]
    values = [np.full((len(settings), num_layers), -np.inf) for _ in devs]
    if not _can_fit(learner, y_N[fit_N]):
        return values
    for layer in range(num_layers):
        fitted = fit_layer(learner, x_NLD, y_N, fit_N, settings=settings, layer=layer)
        for value_SL, dev_N in zip(values, devs, strict=True):
            dev_NLD = x_NLD[dev_N]
            value_SL[:, layer] = [value_of(learner.metric, y_N[dev_N], one.scores(dev_NLD)) for one in fitted]
    return values


def value_of(metric: ModuleType, true_N: NDArray[Any], scores_NK: NDArray[np.float64]) -> float:
    """The metric, turned so that higher is better; -inf where these clips do not define it."""
    if not len(true_N):
        return -np.inf
    try:
        value = float(metric.score(true_N, scores_NK))
    except ValueError:
        return -np.inf
    return value if metric.METRIC.higher_is_better else -value


def fit_layer(
    learner: Learner,
    x_NLD: NDArray[np.float32],
    y_N: NDArray[Any],
    rows: Rows,
    *,
    settings: Sequence[Mapping[str, Any]],
    layer: int,
) -> list[Fitted]:
    """The probe fitted on some rows of one layer of embeddings (N, L, D) and labels (N,), once a setting.

    Raises:
        ProbeError: The rows hold one class only, or none.
    """
    if not _can_fit(learner, y_N[rows]):
        found = "no clip" if len(rows) == 0 else "one class only"
        raise ProbeError(f"the training clips of a fold hold {found}: a probe needs two classes; add clips or speakers")
    x_ND, targets_N, present_K = np.ascontiguousarray(x_NLD[rows, layer]), y_N[rows], None
    if learner.num_classes is not None:
        present_K, targets_N = np.unique(targets_N, return_inverse=True)
    fitted = fit_all(learner.probe, x_ND, targets_N, settings=settings, seed=learner.seed)
    num = learner.num_classes
    return [Fitted(probe=probe, layer=layer, present_K=present_K, num_classes=num) for probe in fitted]


def _can_fit(learner: Learner, y_N: NDArray[Any]) -> bool:
    return len(y_N) > 0 if learner.num_classes is None else len(np.unique(y_N)) > 1
