"""Closed-form, neighbour and tree probes against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.preprocessing import StandardScaler

from noss.errors import ProbeError
from noss.probes import forest, knn, lda, nearest_centroid, ridge


def classes(num_clips: int, dim: int, num_classes: int = 4) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    y_N = rng.permutation(np.arange(num_clips) % num_classes)
    x_ND = rng.standard_normal((num_clips, dim)) @ rng.standard_normal((dim, dim))
    x_ND += 0.5 * np.sqrt(dim) * rng.standard_normal((num_classes, dim))[y_N]
    return x_ND.astype(np.float32), y_N


def scaled(x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    return StandardScaler().fit_transform(x_ND.astype(np.float64))


@pytest.mark.parametrize(("num_clips", "dim"), [(300, 20), (80, 79), (60, 200)])
def test_lda_gives_the_probabilities_of_shrunk_lda(num_clips: int, dim: int) -> None:
    x_ND, y_N = classes(num_clips, dim)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(x_ND.astype(np.float64), y_N)
    ours = lda.Probe().fit(x_ND, y_N)
    np.testing.assert_allclose(ours.scores(x_ND), reference.predict_proba(x_ND.astype(np.float64)), atol=2e-3)


@pytest.mark.parametrize("neighbours", [1, 5, 20])
def test_knn_gives_the_votes_of_cosine_neighbours(neighbours: int) -> None:
    x_ND, y_N = classes(200, 30)
    ours = knn.Probe(neighbours=neighbours).fit(x_ND[:150], y_N[:150])
    scaler = StandardScaler().fit(x_ND[:150].astype(np.float64))
    reference = KNeighborsClassifier(neighbours, metric="cosine").fit(scaler.transform(x_ND[:150]), y_N[:150])
    theirs = reference.predict_proba(scaler.transform(x_ND[150:]))
    np.testing.assert_allclose(ours.scores(x_ND[150:]), theirs, atol=1e-9)


def test_knn_asks_all_clips_where_there_are_fewer_than_neighbours() -> None:
    x_ND, y_N = classes(8, 5, num_classes=2)
    np.testing.assert_allclose(knn.Probe(neighbours=50).fit(x_ND, y_N).scores(x_ND), 0.5)


def test_nearest_centroid_gives_the_nearest_centroid() -> None:
    x_ND, y_N = classes(200, 30)
    reference = NearestCentroid().fit(scaled(x_ND), y_N)
    ours = nearest_centroid.Probe().fit(x_ND, y_N).scores(x_ND)
    np.testing.assert_array_equal(ours.argmax(axis=1), reference.predict(scaled(x_ND)))


def test_forest_gives_the_probabilities_of_the_forest() -> None:
    x_ND, y_N = classes(200, 30)
    reference = RandomForestClassifier(n_estimators=15, random_state=7).fit(x_ND[:150], y_N[:150])
    ours = forest.Probe(seed=7, trees=15).fit(x_ND[:150], y_N[:150])
    np.testing.assert_allclose(ours.scores(x_ND), reference.predict_proba(x_ND), atol=1e-12)


@pytest.mark.parametrize(("num_clips", "dim"), [(200, 30), (40, 100)])
def test_ridge_gives_the_numbers_of_ridge_at_every_strength(num_clips: int, dim: int) -> None:
    x_ND, _ = classes(num_clips, dim)
    rng = np.random.default_rng(1)
    y_N = x_ND[:, 0] - 2.0 * x_ND[:, 1] + rng.standard_normal(num_clips) + 40.0
    for setting, ours in zip(
        ridge.Probe.SETTINGS, ridge.Probe.fit_all(x_ND, y_N, settings=ridge.Probe.SETTINGS), strict=True
    ):
        theirs = Ridge(alpha=setting["alpha"]).fit(scaled(x_ND), y_N).predict(scaled(x_ND))
        np.testing.assert_allclose(ours.scores(x_ND)[:, 0], theirs, rtol=1e-4, atol=1e-3)


def test_labels_with_a_gap_are_refused() -> None:
    x_ND, y_N = classes(40, 5, num_classes=2)
    with pytest.raises(ProbeError, match=r"class indices are \[0, 2\]"):
        lda.Probe().fit(x_ND, 2 * y_N)


def test_numbers_that_are_not_numbers_are_refused() -> None:
    x_ND, _ = classes(40, 5)
    with pytest.raises(ProbeError, match="1 labels are not numbers"):
        ridge.Probe().fit(x_ND, np.array([np.nan] + [1.0] * 39))


def test_a_label_too_few_is_refused() -> None:
    x_ND, y_N = classes(40, 5)
    with pytest.raises(ProbeError, match=r"shape \(40, 5\) and there are 39 labels"):
        knn.Probe().fit(x_ND, y_N[:-1])
