"""Fit a probe on embeddings: choose setting and layer on validation, refit, score in the task's class order.

Embeddings are (N, L, D). A probe that learns from frames is given them in the same place, as `FrameRows`. Where the layers
are to be mixed, the mix is learned anew on whatever rows a probe is fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ProbeError
from noss.pipeline._frame_rows import FrameRows, of_layer
from noss.pipeline._layer_mix import Mix, learn_mix
from noss.probes import Probe, fit_all

Rows = NDArray[np.int64]
Pairs = Sequence[tuple[Rows, Rows]]
Embeddings = NDArray[np.float32] | FrameRows


@dataclass(frozen=True, kw_only=True)
class Learner:
    """How to fit: the probe's class, the metric that chooses among its settings, the number of classes, the seed.

    `num_classes` is None for numbers. `mixes` says that a mix of all layers is learned, in place of choosing one.
    """

    probe: type[Any]
    metric: ModuleType
    num_classes: int | None
    seed: int = 0
    mixes: bool = False

    def num_candidates(self, x_NLD: Embeddings) -> int:
        """How many layers of embeddings (N, L, D) there are to choose from."""
        return 1 if self.mixes else int(x_NLD.shape[1])


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A setting and a layer, and whether validation chose them: it cannot where it holds one class only."""

    setting: Mapping[str, Any]
    layer: int
    chosen: bool = True


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted probe that scores all the task's classes, also those it never saw.

    `present_K` holds the indices of the classes it saw, in its own order; None for numbers. `mix` is the mix of layers that
    it was fitted on, in place of a single `layer`.
    """

    probe: Probe
    layer: int
    present_K: NDArray[np.int64] | None
    num_classes: int | None
    mix: Mix | None = None

    def scores(self, x_NLD: Embeddings) -> NDArray[np.float64]:
        """Scores (N, K) of embeddings (N, L, D) in the task's class order; a class never seen scores lowest.

        Raises:
            ProbeError: A score is not finite.
        """
        seen_NJ = np.asarray(self.probe.scores(_taken(x_NLD, layer=self.layer, mix=self.mix)), dtype=np.float64)
        if not np.isfinite(seen_NJ).all():
            raise ProbeError("the probe gave scores that are not finite: try another probe, or check the embeddings")
        if self.present_K is None or self.num_classes is None or len(self.present_K) == self.num_classes:
            return seen_NJ
        lowest = 0.0 if self.probe.PROBABILITIES else seen_NJ.min(initial=0.0)
        scores_NK = np.full((len(seen_NJ), self.num_classes), lowest)
        scores_NK[:, self.present_K] = seen_NJ
        return scores_NK


def choose(learner: Learner, x_NLD: Embeddings, y_N: NDArray[Any], pairs: Pairs) -> Choice:
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


def choose_each(learner: Learner, x_NLD: Embeddings, y_N: NDArray[Any], folds: Sequence[Pairs]) -> list[Choice]:
    """As `choose`, for every fold of a task.

    Rows that several folds fit on are fitted once: where the folds inside a training set are the other test sets, that
    is half of all.

    Args:
        learner: What to fit.
        x_NLD: Embeddings (N, L, D).
        y_N: Class indices or numbers (N,).
        folds: The pairs of each fold.
    """
    tables = tables_each(learner, x_NLD, y_N, folds)
    return [choice_of(learner, table_SL) for table_SL in tables]


def tables_each(
    learner: Learner, x_NLD: Embeddings, y_N: NDArray[Any], folds: Sequence[Pairs]
) -> list[NDArray[np.float64] | None]:
    """How good every setting and layer (S, L) is on the validation rows of each fold; higher is better.

    None for a fold where validation cannot tell.

    Args:
        learner: What to fit.
        x_NLD: Embeddings (N, L, D).
        y_N: Class indices or numbers (N,).
        folds: The pairs of each fold.
    """
    if len(learner.probe.SETTINGS) * learner.num_candidates(x_NLD) == 1:
        return [np.zeros((1, 1))] * len(folds)
    values: list[list[NDArray[np.float64]]] = [[] for _ in folds]
    for fit_N, wanted in _by_fit(folds):
        found = _values(learner, x_NLD, y_N, fit_N=fit_N, devs=[dev_N for _, dev_N in wanted])
        for (place, _), value_SL in zip(wanted, found, strict=True):
            values[place].append(value_SL)
    told = [[value_SL for value_SL in of_fold if np.isfinite(value_SL).any()] for of_fold in values]
    return [np.mean(of_fold, axis=0) if of_fold else None for of_fold in told]


def choice_of(learner: Learner, table_SL: NDArray[np.float64] | None, *, layer: int | None = None) -> Choice:
    """The best setting and layer of a table (S, L), or the best setting of one layer."""
    settings = learner.probe.SETTINGS
    if table_SL is None:
        return Choice(setting=settings[len(settings) // 2], layer=layer or 0, chosen=False)
    if layer is not None:
        return Choice(setting=settings[int(np.argmax(np.round(table_SL[:, layer], 12)))], layer=layer)
    best = int(np.argmax(np.round(table_SL, 12)))
    return Choice(setting=settings[best // table_SL.shape[1]], layer=best % table_SL.shape[1])


def _by_fit(folds: Sequence[Pairs]) -> list[tuple[Rows, list[tuple[int, Rows]]]]:
    """Each set of rows to fit on, with the folds that want it and the rows they choose on."""
    found: dict[bytes, tuple[Rows, list[tuple[int, Rows]]]] = {}
    for place, pairs in enumerate(folds):
        for fit_N, dev_N in pairs:
            found.setdefault(fit_N.tobytes(), (fit_N, []))[1].append((place, dev_N))
    return list(found.values())


def fit_rows(learner: Learner, x_NLD: Embeddings, y_N: NDArray[Any], rows: Rows, *, choice: Choice) -> Fitted:
    """The probe fitted on some rows of embeddings (N, L, D) and labels (N,), with a chosen setting and layer.

    Raises:
        ProbeError: The rows hold one class only, or none.
    """
    return fit_layer(learner, x_NLD, y_N, rows, settings=[choice.setting], layer=choice.layer)[0]


def _values(
    learner: Learner, x_NLD: Embeddings, y_N: NDArray[Any], *, fit_N: Rows, devs: Sequence[Rows]
) -> list[NDArray[np.float64]]:
    """How good (S, L) settings and layers are on sets of validation rows: higher is better, -inf where undefined."""
    settings, num_layers = learner.probe.SETTINGS, learner.num_candidates(x_NLD)
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
    x_NLD: Embeddings,
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
    targets_N, present_K = y_N[rows], None
    if learner.num_classes is not None:
        present_K, targets_N = np.unique(targets_N, return_inverse=True)
    mix = _learn_mix(learner, x_NLD, targets_N, rows)
    x_ND = _taken(x_NLD, layer=layer, mix=mix, rows=rows)
    fitted = fit_all(learner.probe, x_ND, targets_N, settings=settings, seed=learner.seed)
    num = learner.num_classes
    return [Fitted(probe=probe, layer=layer, present_K=present_K, num_classes=num, mix=mix) for probe in fitted]


def _learn_mix(learner: Learner, x_NLD: Embeddings, targets_N: NDArray[Any], rows: Rows) -> Mix | None:
    if not learner.mixes:
        return None
    if isinstance(x_NLD, FrameRows):
        raise ProbeError("a probe of frames cannot mix layers: choose among them with @all, or name one")
    return learn_mix(x_NLD[rows], targets_N, classes=learner.num_classes is not None)


def _taken(x_NLD: Embeddings, *, layer: int, mix: Mix | None, rows: Rows | slice = slice(None)) -> Any:
    """What a probe is given of embeddings (N, L, D): one layer (N, D), the mix of all, or the frames of one."""
    if mix is None:
        return of_layer(x_NLD, rows, layer)
    assert not isinstance(x_NLD, FrameRows)
    return mix.apply(x_NLD[rows])


def _can_fit(learner: Learner, y_N: NDArray[Any]) -> bool:
    return len(y_N) > 0 if learner.num_classes is None else len(np.unique(y_N)) > 1
