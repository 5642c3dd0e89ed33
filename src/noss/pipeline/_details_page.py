"""What a task's page shows of one model: confusions, recall, speakers, calibration, mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.pipeline._predictions import Predictions
from noss.reports import Bin, Mistake, ModelPage, Recall, Speaker, Tried

_NUM_MISTAKES = 20
_MAX_CLASSES = 60
_MAX_PAIRS = 40
_MAX_POINTS = 1000
_NUM_BINS = 10
_BLOCK = 64


def model_page(name: str, predictions: Predictions, *, metric: ModuleType) -> ModelPage:
    """Everything a page shows of one model.

    Args:
        name: File name of the predictions.
        predictions: What the model said.
        metric: The task's main metric, which gives the spread over speakers.
    """
    predicted_N = _predicted(predictions)
    right_N = predicted_N == predictions.true_N
    bins = _bins(predictions.scores_NK.max(axis=1), right_N) if _probabilities(predictions) else None
    return ModelPage(
        predictions=name,
        recall=_recall(predictions, right_N),
        confusion=_confusion(predictions, predicted_N),
        pairs=_pairs(predictions, predicted_N),
        speakers=_speakers(predictions, metric),
        bins=bins,
        ece=None if bins is None else _calibration_error(bins),
        points=_points(predictions, predicted_N),
        mistakes=_mistakes(predictions, predicted_N, right_N),
        grid=_grid(predictions.facts.get("grid", [])),
    )


def _grid(rows: Sequence[Mapping[str, Any]]) -> list[Tried]:
    """A grid's settings in its order, each with its mean over folds."""
    places: dict[tuple[str, bool, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        places.setdefault((row["classifier"], row["l2"], row["speaker_normalisation"]), []).append(row)
    return [
        Tried(
            classifier=classifier,
            l2=l2,
            speaker_normalisation=kind,
            dev=_mean([row["dev"] for row in found]),
            test=_mean([row["test"] for row in found]),
        )
        for (classifier, l2, kind), found in places.items()
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _predicted(predictions: Predictions) -> NDArray[Any]:
    """Class indices (N,), or numbers."""
    scores_NK = predictions.scores_NK
    return scores_NK[:, 0] if predictions.classes is None else scores_NK.argmax(axis=1)


def _probabilities(predictions: Predictions) -> bool:
    """Whether every row of scores is a distribution over the classes."""
    scores_NK = predictions.scores_NK
    sums_to_one = bool(np.allclose(scores_NK.sum(axis=1), 1.0, atol=1e-4))
    return predictions.classes is not None and sums_to_one and bool((scores_NK >= 0).all())


def _counts(predictions: Predictions, predicted_N: NDArray[Any]) -> NDArray[np.int64]:
    """Clips (K, K), truth by prediction."""
    num_classes = len(predictions.classes or ())
    flat_N = predictions.true_N * num_classes + predicted_N
    return np.bincount(flat_N, minlength=num_classes**2).reshape(num_classes, num_classes)


def _confusion(predictions: Predictions, predicted_N: NDArray[Any]) -> list[list[int]] | None:
    if predictions.classes is None or len(predictions.classes) > _MAX_CLASSES:
        return None
    counts: list[list[int]] = _counts(predictions, predicted_N).tolist()
    return counts


def _pairs(predictions: Predictions, predicted_N: NDArray[Any]) -> list[tuple[str, str, int]]:
    """The most frequent confusions, where there are too many classes for a matrix."""
    classes = predictions.classes or ()
    if len(classes) <= _MAX_CLASSES:
        return []
    counts_KK = _counts(predictions, predicted_N)
    np.fill_diagonal(counts_KK, 0)
    order = np.argsort(-counts_KK, axis=None, kind="stable")[:_MAX_PAIRS]
    found = [divmod(int(flat), len(classes)) for flat in order]
    return [(classes[true], classes[said], int(counts_KK[true, said])) for true, said in found if counts_KK[true, said]]


def _recall(predictions: Predictions, right_N: NDArray[np.bool_]) -> list[Recall]:
    """Recall of each class that occurs, the worst first; the sixty worst where there are more."""
    found = []
    for index, label in enumerate(predictions.classes or ()):
        right_of_class = right_N[predictions.true_N == index]
        if len(right_of_class):
            found.append(Recall(label=label, recall=_short(right_of_class.mean()), num_clips=len(right_of_class)))
    return sorted(found, key=lambda row: row["recall"])[:_MAX_CLASSES]


def _speakers(predictions: Predictions, metric: ModuleType) -> list[Speaker]:
    """The metric on each speaker's clips, the worst first; a speaker it is not defined on is left out."""
    names = sorted({name for name in predictions.speakers if name is not None})
    numbers = {name: index for index, name in enumerate(names)}
    speaker_N = np.array([-1 if name is None else numbers[name] for name in predictions.speakers])
    values: list[float] = []
    for start in range(0, len(names), _BLOCK):
        some_R = np.arange(start, min(start + _BLOCK, len(names)))
        weights_RN = (speaker_N == some_R[:, None]).astype(np.float32)
        with np.errstate(all="ignore"):
            values.extend(metric.draws(predictions.true_N, predictions.scores_NK, weights_RN).tolist())
    counts = np.bincount(speaker_N[speaker_N >= 0], minlength=len(names))
    found = [
        Speaker(speaker=name, value=_short(value), num_clips=int(count))
        for name, value, count in zip(names, values, counts, strict=True)
        if np.isfinite(value)
    ]
    return sorted(found, key=lambda row: row["value"])


def _bins(confidence_N: NDArray[np.float64], right_N: NDArray[np.bool_]) -> list[Bin]:
    """Ten bins of equal width over the confidence in the predicted class; empty ones are left out."""
    bin_N = np.minimum((confidence_N * _NUM_BINS).astype(np.int64), _NUM_BINS - 1)
    return [
        Bin(
            confidence=_short(confidence_N[bin_N == index].mean()),
            accuracy=_short(right_N[bin_N == index].mean()),
            num_clips=int((bin_N == index).sum()),
        )
        for index in np.unique(bin_N)
    ]


def _calibration_error(bins: list[Bin]) -> float:
    total = sum(row["num_clips"] for row in bins)
    return sum(row["num_clips"] * abs(row["confidence"] - row["accuracy"]) for row in bins) / total


def _points(predictions: Predictions, predicted_N: NDArray[Any]) -> list[tuple[float, float]]:
    """Truth and prediction of numbers, evenly thinned to about a thousand clips."""
    if predictions.classes is not None:
        return []
    step = -(-len(predicted_N) // _MAX_POINTS)
    return [
        (_short(true), _short(said)) for true, said in zip(predictions.true_N[::step], predicted_N[::step], strict=True)
    ]


def _mistakes(predictions: Predictions, predicted_N: NDArray[Any], right_N: NDArray[np.bool_]) -> list[Mistake]:
    """The mistakes the model was surest of: by probability, else by margin over the truth, else by distance."""
    sure_N = _sureness(predictions, predicted_N)
    wrong_N = np.flatnonzero(~right_N)
    worst = wrong_N[np.argsort(-sure_N[wrong_N], kind="stable")][:_NUM_MISTAKES]
    return [
        Mistake(
            file=predictions.files[row],
            start_s=float(predictions.start_s[row]),
            end_s=predictions.end_s[row],
            speaker=predictions.speakers[row],
            truth=_label(predictions, predictions.true_N[row]),
            predicted=_label(predictions, predicted_N[row]),
            confidence=_short(sure_N[row]),
            audio=predictions.ids[row],
        )
        for row in worst.tolist()
    ]


def _sureness(predictions: Predictions, predicted_N: NDArray[Any]) -> NDArray[np.float64]:
    if predictions.classes is None:
        return np.asarray(np.abs(predicted_N - predictions.true_N))
    held_N = predictions.scores_NK.max(axis=1)
    if _probabilities(predictions):
        return np.asarray(held_N)
    return np.asarray(held_N - predictions.scores_NK[np.arange(len(held_N)), predictions.true_N])


def _label(predictions: Predictions, value: Any) -> str | float:
    return float(value) if predictions.classes is None else predictions.classes[int(value)]


def _short(value: float) -> float:
    """Five digits: more would only make the page larger."""
    return float(f"{value:.5g}")
