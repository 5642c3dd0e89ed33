"""The grid of the protocol `paper`: five classifiers, two normalisations, fitted and tried on one split.

The order is the original's: L2 first, speakers second. L2 divides a vector by its 2-norm, without an epsilon; the original
makes NaN of a vector of zeros, which stays zeros here. Speaker normalisation subtracts the mean of a speaker's clips and
divides by their population deviation, a deviation of zero taken for one; it is done within train, dev and test
separately, so a speaker's statistics are those of the clips in the same part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_fit import Fitted, Learner, Rows, fit_layer, value_of
from noss.pipeline._protocol_paper_logistic import fit_stopped
from noss.probes import Probe

Kind = Literal["none", "transductive", "inductive"]


class Sides(NamedTuple):
    """Rows of the usable clips to fit on, to choose on and to test."""

    fit_N: Rows
    dev_N: Rows
    test_N: Rows


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A classifier and what is done to embeddings before it."""

    classifier: str
    l2: bool
    speaker_normalisation: Kind

    def options(self) -> dict[str, Any]:
        """The same as plain facts."""
        return {"classifier": self.classifier, "l2": self.l2, "speaker_normalisation": self.speaker_normalisation}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A setting, its value on dev (higher is better), and its scores (N, K) of the test clips."""

    setting: Setting
    dev: float
    scores_NK: NDArray[np.float32]


def settings(speakers: bool) -> list[tuple[bool, Kind]]:
    """What may be done to embeddings: L2 or not, and speaker normalisation or not where speakers are known."""
    kinds: list[Kind] = ["none", "transductive"] if speakers else ["none"]
    return [(l2, kind) for l2 in (False, True) for kind in kinds]


def grid(
    data: Data,
    x_ND: NDArray[np.float32],
    sides: Sides,
    *,
    settings: Sequence[tuple[bool, Kind]],
    metric: ModuleType,
    seed: int,
) -> Iterator[Trial]:
    """Every classifier on embeddings (N, D) normalised in every way; where by speakers, tried in both ways.

    Args:
        data: The usable clips.
        x_ND: Their embeddings (N, D).
        sides: What to fit on, to choose on and to test.
        settings: L2 or not, with the kind of speaker normalisation.
        metric: What chooses.
        seed: The seed of the forests.
    """
    speakers = [clip.speaker for clip in data.clips]
    for l2, kind in settings:
        plain_ND = unit_rows(x_ND) if l2 else x_ND
        own_ND = plain_ND if kind == "none" else by_speaker(plain_ND, speakers, sides=sides)
        by_train_ND = None if kind == "none" else by_training(plain_ND, sides=sides)
        for name, fitted in _fit_each(data, own_ND, sides.fit_N, metric=metric, seed=seed):
            setting = Setting(classifier=name, l2=l2, speaker_normalisation=kind)
            yield _try(data, own_ND, sides, setting=setting, fitted=fitted, metric=metric)
            if by_train_ND is not None:
                unheard = replace(setting, speaker_normalisation="inductive")
                yield _try(data, by_train_ND, sides, setting=unheard, fitted=fitted, metric=metric)


def unit_rows(x_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Embeddings (N, D) of length one; rows of zeros stay zeros."""
    norm_N = np.linalg.norm(x_ND.astype(np.float64), axis=1)
    norm_N[norm_N == 0.0] = 1.0
    return np.asarray(x_ND / norm_N[:, None], dtype=np.float32)


def by_speaker(
    x_ND: NDArray[np.float32], speakers: Sequence[str | None], *, sides: Sequence[Rows]
) -> NDArray[np.float32]:
    """Embeddings (N, D) with mean 0 and deviation 1 for every speaker, on every side by itself."""
    found_ND = np.zeros_like(x_ND)
    for rows in sides:
        names = np.array([speakers[row] for row in rows])
        for name in np.unique(names):
            own_n = rows[names == name]
            found_ND[own_n] = _normalised(x_ND[own_n], x_ND[own_n])
    return found_ND


def by_training(x_ND: NDArray[np.float32], *, sides: Sides) -> NDArray[np.float32]:
    """Embeddings (N, D) less the mean of the clips to fit on, by their deviation."""
    return _normalised(x_ND, x_ND[sides.fit_N])


def _normalised(x_nD: NDArray[np.float32], like_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    mean_D, scale_D = like_ND.mean(axis=0, dtype=np.float64), like_ND.std(axis=0, dtype=np.float64)
    scale_D[scale_D == 0.0] = 1.0
    return np.asarray((x_nD - mean_D) / scale_D, dtype=np.float32)


def _fit_each(
    data: Data, x_ND: NDArray[np.float32], fit_N: Rows, *, metric: ModuleType, seed: int
) -> Iterator[tuple[str, Fitted]]:
    """The five classifiers, by the names that the original gives them."""
    part = partial(_fit_part, data=data, x_ND=x_ND, fit_N=fit_N, metric=metric, seed=seed)
    names = ("LogisticRegression", "LogisticRegression_balanced")
    yield from zip(names, _logistic(data, x_ND, fit_N), strict=True)
    yield "LDA_LSQR_AUTO", part("lda")[0]
    names = ("Forest_unbalanced_100", "Forest_balanced_100")
    yield from zip(names, part("forest", settings=[{"balanced": False}, {"balanced": True}]), strict=True)


def _logistic(data: Data, x_ND: NDArray[np.float32], fit_N: Rows) -> list[Fitted]:
    present_K, y_n = np.unique(data.y_N[fit_N].astype(np.int64), return_inverse=True)
    fitted = fit_stopped(x_ND[fit_N], y_n, balanced=[False, True])
    num_classes = len(data.task.classes or ())
    return [Fitted(probe=cast(Probe, one), layer=0, present_K=present_K, num_classes=num_classes) for one in fitted]


def _fit_part(
    name: str,
    *,
    data: Data,
    x_ND: NDArray[np.float32],
    fit_N: Rows,
    settings: Sequence[Mapping[str, Any]] = ({},),
    metric: ModuleType,
    seed: int,
) -> list[Fitted]:
    probe, num_classes = shelf.load("probes", name).Probe, len(data.task.classes or ())
    learner = Learner(probe=probe, metric=metric, num_classes=num_classes, seed=seed)
    return fit_layer(learner, x_ND[:, None], data.y_N, fit_N, settings=settings, layer=0)


def _try(
    data: Data, x_ND: NDArray[np.float32], sides: Sides, *, setting: Setting, fitted: Fitted, metric: ModuleType
) -> Trial:
    rows = np.concatenate([sides.dev_N, sides.test_N])
    scores_NK = fitted.scores(x_ND[rows, None])
    num_dev = len(sides.dev_N)
    dev = value_of(metric, data.y_N[sides.dev_N], scores_NK[:num_dev])
    return Trial(setting=setting, dev=dev, scores_NK=scores_NK[num_dev:].astype(np.float32))
