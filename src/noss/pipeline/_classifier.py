"""Classifiers of speech as scikit-learn estimators: sounds in, labels out; and those that `noss fit` saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from noss.datasets import Clip, Dataset, Speakers
from noss.errors import DataError
from noss.estimators import SpeechEmbedder
from noss.pipeline._classifier_file import read_classifier
from noss.pipeline._classifier_train import Trained, train
from noss.pipeline._clips import Task
from noss.pipeline._loaded import Sound
from noss.pipeline._models import open_model
from noss.pipeline._probe_choice import check_pooled, learner_of, probe_name
from noss.pipeline._split import folds
from noss.runs import cache_folder


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn carries no types
    """What classifier and regressor share; parameters as in `Classifier`."""

    _METRIC: ClassVar[str]
    trained_: Trained

    def __init__(
        self,
        model: str = "logmel_stats",
        *,
        probe: str | None = None,
        sample_rate: int | None = None,
        cache: Path | str | None = None,
        workers: int | None = None,
        device: str | None = None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.probe = probe
        self.sample_rate = sample_rate
        self.cache = cache
        self.workers = workers
        self.device = device
        self.seed = seed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        return tags

    def _train(
        self,
        X: Sequence[Sound],
        labels: Sequence[str | float],
        groups: Sequence[object] | None,
        classes: tuple[str, ...] | None,
    ) -> Self:
        task = _task(X, labels, groups, classes=classes, metric=self._METRIC)
        check_pooled(probe_name(task, self.probe), what="a classifier")
        mixes = open_model(self.model, cache=cache_folder(self.cache)).mixed
        learner = learner_of(task, probe_name(task, self.probe), seed=self.seed, mixes=mixes)
        places = {name: place for place, name in enumerate(classes or ())}
        y_N = np.array([label if classes is None else places[str(label)] for label in labels])
        pairs = [(fold.train_N, fold.test_N) for fold in folds(task, seed=self.seed).folds]
        self.trained_ = train(learner, self._embed(X), y_N, pairs)
        return self

    def _embed(self, X: Sequence[Sound]) -> NDArray[np.float32]:
        """Embeddings (N, L, D) of sounds."""
        embedder = SpeechEmbedder(
            self.model, sample_rate=self.sample_rate, cache=self.cache, workers=self.workers, device=self.device
        )
        card = open_model(self.model, cache=cache_folder(self.cache)).card
        return embedder.transform(X).reshape(len(X), card.layers, card.dim)

    def _outputs(self, X: Sequence[Sound]) -> NDArray[np.float64]:
        check_is_fitted(self, "trained_")
        return self.trained_.outputs(self._embed(list(X)))


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]  # scikit-learn carries no types
    """Sounds to labels: an embedding model with a calibrated probe on top, chosen by folds of the training sounds.

    A sound is a path, a `Clip`, or a waveform (T,).

    Args:
        model: Name of the embedding model.
        probe: Name of the probe; None for `logistic`.
        sample_rate: Of sounds that are arrays, in Hz; files state their own.
        cache: Where embeddings of files are kept; None for `NOSS_CACHE` or the platform's cache folder.
        workers: Processes that embed files; None for one a core, 0 for none beside this one.
        device: Where the model runs; None for the best there is.
        seed: The seed of folds and probe.
    """

    _METRIC = "uar"
    classes_: NDArray[Any]

    def fit(self, X: Sequence[Sound], y: Sequence[Any], groups: Sequence[object] | None = None) -> Self:
        """Fit on sounds and their labels.

        Args:
            X: The sounds.
            y: A label each.
            groups: Who speaks in each: the folds that choose and calibrate keep a speaker on one side.

        Raises:
            DataError: X, y and groups differ in length, or there is one class only.
            AudioError: A sound cannot be read; the message says which.
        """
        self.classes_ = np.unique(np.asarray(y))
        return self._train(list(X), [str(label) for label in np.asarray(y)], groups, tuple(map(str, self.classes_)))

    def predict(self, X: Sequence[Sound]) -> NDArray[Any]:
        """Labels (N,) of sounds.

        Args:
            X: The sounds.
        """
        return np.asarray(self.classes_[self._outputs(X).argmax(1)])

    def predict_proba(self, X: Sequence[Sound]) -> NDArray[np.float64]:
        """Calibrated probabilities (N, K) of sounds, in the order of `classes_`.

        Args:
            X: The sounds.
        """
        return self._outputs(X)


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]  # scikit-learn carries no types
    """Sounds to numbers: as `Classifier`, for a target that is a number.

    Args:
        model: Name of the embedding model.
        probe: Name of the probe; None for `ridge`.
        sample_rate: Of sounds that are arrays, in Hz; files state their own.
        cache: Where embeddings of files are kept; None for `NOSS_CACHE` or the platform's cache folder.
        workers: Processes that embed files; None for one a core, 0 for none beside this one.
        device: Where the model runs; None for the best there is.
        seed: The seed of folds and probe.
    """

    _METRIC = "ccc"

    def fit(self, X: Sequence[Sound], y: Sequence[float], groups: Sequence[object] | None = None) -> Self:
        """Fit on sounds and their numbers.

        Args:
            X: The sounds.
            y: A number each.
            groups: Who speaks in each: the folds that choose the setting keep a speaker on one side.

        Raises:
            DataError: X, y and groups differ in length.
            AudioError: A sound cannot be read; the message says which.
        """
        return self._train(list(X), [float(number) for number in y], groups, None)

    def predict(self, X: Sequence[Sound]) -> NDArray[np.float64]:
        """Numbers (N,) of sounds.

        Args:
            X: The sounds.
        """
        return self._outputs(X)[:, 0]


def load_classifier(path: Path | str, *, cache: Path | str | None = None) -> Classifier | Regressor:
    """A classifier that `noss fit` saved, ready to predict; a regressor where its target is a number.

    Args:
        path: Its folder.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.

    Raises:
        ModelError: The folder is no classifier, is broken, or its model has changed since.
    """
    saved = read_classifier(Path(path), cache=cache_folder(cache))
    kind = Regressor if saved.classes is None else Classifier
    loaded = kind(saved.model.name, probe=saved.facts["probe"], cache=cache)
    loaded.trained_ = saved.trained
    if isinstance(loaded, Classifier):
        loaded.classes_ = np.array(saved.classes)
    return loaded


def _task(
    X: Sequence[Sound],
    labels: Sequence[str | float],
    groups: Sequence[object] | None,
    *,
    classes: tuple[str, ...] | None,
    metric: str,
) -> Task:
    speakers = [None] * len(X) if groups is None else [str(group) for group in groups]
    if not len(X) == len(labels) == len(speakers):
        raise DataError(f"there are {len(X)} sounds, {len(labels)} labels and {len(speakers)} groups: give one a sound")
    if classes is not None and len(classes) < 2:
        raise DataError(f"there are labels of {len(classes)} class: a classifier needs two or more")
    rows = zip(X, labels, speakers, strict=True)
    clips = [_clip(place, *row) for place, row in enumerate(rows)]
    known: Speakers = "unknown" if groups is None else "disjoint"
    return Task(
        name="own/label",
        dataset="own",
        target="label",
        card=_card(classes, metric=metric, speakers=known),
        classes=classes,
        metric=metric,
        clips=clips,
        speakers=known,
        root=Path(),
    )


def _card(classes: tuple[str, ...] | None, *, metric: str, speakers: Speakers) -> Dataset:
    targets = {"label": classes}
    own = "sounds given in Python"
    return Dataset(
        title=own, source=own, licence="", targets=targets, metric=metric, num_clips=0, hours=0.0, speakers=speakers
    )


def _clip(place: int, sound: Sound, label: str | float, speaker: str | None) -> Clip:
    if isinstance(sound, Clip):
        return replace(sound, labels={"label": label}, speaker=speaker, split=None, fold=None)
    path = Path(f"array {place}") if isinstance(sound, np.ndarray) else Path(sound)
    return Clip(path=path, labels={"label": label}, speaker=speaker)
