"""On real speech every probe answers as scikit-learn's does: accuracy over all held-out clips within 0.2 points.

Needs `NOSS_DATA`. The embeddings are plain log-mel statistics, made here so that no other part is under test.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from noss.probes import fit_all, forest, knn, lda, logistic, nearest_centroid, svm

POINTS = 0.002
Task = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def rows(name: str, root: Path) -> Iterator[tuple[Path, str, str]]:
    """File, label and what must not stand on both sides."""
    if name.startswith("fsdd"):
        for path in sorted((root / "fsdd").rglob("*.wav")):
            digit, speaker, take = path.stem.split("_")
            yield (path, digit, speaker) if name == "fsdd/digit" else (path, speaker, take)
        return
    with (root / name / "clips.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield root / name / row["file"], row["label"], row["speaker"]


def logmel_statistics(path: Path) -> NDArray[np.float32]:
    waveform_T, sample_rate = soundfile.read(path, dtype="float32")
    power_MS = librosa.feature.melspectrogram(y=waveform_T, sr=sample_rate, n_fft=512, hop_length=160, n_mels=40)
    logmel_MS = np.log(power_MS + 1e-6)
    return np.concatenate([logmel_MS.mean(1), logmel_MS.std(1), np.percentile(logmel_MS, [10, 90], axis=1).ravel()])


@cache
def task(name: str) -> Task:
    root = os.environ.get("NOSS_DATA")
    if not root:
        pytest.skip("NOSS_DATA is unset: set it to the folder that holds the corpora")
    paths, labels, groups = zip(*rows(name, Path(root)), strict=True)
    x_ND = np.stack([logmel_statistics(path) for path in paths]).astype(np.float32)
    return x_ND, np.unique(labels, return_inverse=True)[1], np.unique(groups, return_inverse=True)[1]


def logistic_reference(c: float) -> ClassifierMixin:
    return LogisticRegression(C=c, tol=1e-6, max_iter=5000)


def svm_reference(c: float) -> ClassifierMixin:
    return LinearSVC(C=c, dual=False, tol=1e-6)


def knn_reference(neighbours: int) -> ClassifierMixin:
    return KNeighborsClassifier(neighbours, metric="cosine")


def forest_reference(trees: int) -> ClassifierMixin:
    return RandomForestClassifier(n_estimators=trees, random_state=0, n_jobs=-1)


def lda_reference() -> ClassifierMixin:
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


PROBES: dict[str, tuple[Any, Callable[..., ClassifierMixin], list[dict[str, Any]]]] = {
    "logistic": (logistic, logistic_reference, [{"c": c} for c in (1e-5, 1e-3, 1e-2, 1e-1, 1.0)]),
    "svm": (svm, svm_reference, [{"c": c} for c in (1e-5, 1e-3, 1e-2)]),
    "lda": (lda, lda_reference, [{}]),
    "knn": (knn, knn_reference, [{"neighbours": k} for k in (20, 5, 1)]),
    "nearest_centroid": (nearest_centroid, NearestCentroid, [{}]),
    "forest": (forest, forest_reference, [{"trees": 30}]),
}
TASKS = ["fsdd/speaker", "fsdd/digit", "ravdess", "arabic_commands", "languages", "minsk_als"]
LONG = {
    (name, probe) for name in ("ravdess", "arabic_commands") for probe in ("logistic", "svm")
}  # a minute each in scikit-learn
CASES = [
    pytest.param(name, probe, marks=pytest.mark.long if (name, probe) in LONG else pytest.mark.slow)
    for name in TASKS
    for probe in PROBES
]


@pytest.mark.parametrize(("name", "probe"), CASES)
def test_accuracy_agrees_with_scikit_learn(name: str, probe: str) -> None:
    x_ND, y_N, group_N = task(name)
    module, reference, settings = PROBES[probe]
    ours, theirs = np.zeros((2, len(settings)))
    for train_n, test_n in GroupKFold(3).split(x_ND, y_N, group_N):
        scaler = StandardScaler().fit(x_ND[train_n].astype(np.float64))
        plain = probe == "forest"
        train_nD, test_nD = (
            x_ND[n] if plain else scaler.transform(x_ND[n].astype(np.float64)) for n in (train_n, test_n)
        )
        for s, fitted in enumerate(fit_all(module.Probe, x_ND[train_n], y_N[train_n], settings=settings, seed=0)):
            ours[s] += (fitted.scores(x_ND[test_n]).argmax(axis=1) == y_N[test_n]).sum() / len(y_N)
            guess_n = reference(**settings[s]).fit(train_nD, y_N[train_n]).predict(test_nD)
            theirs[s] += (guess_n == y_N[test_n]).sum() / len(y_N)
    np.testing.assert_allclose(ours, theirs, atol=POINTS)


@pytest.mark.slow
def test_the_embeddings_tell_speakers_apart() -> None:
    # Agreement at chance would prove little, and is all that unseen speakers leave of some tasks (languages).
    x_ND, y_N, take_N = task("fsdd/speaker")
    seen_N = take_N % 2 == 0
    fitted = lda.Probe().fit(x_ND[seen_N], y_N[seen_N])
    assert (fitted.scores(x_ND[~seen_N]).argmax(axis=1) == y_N[~seen_N]).mean() > 0.9
