"""The sweep behind `logistic` and `svm` reaches the optimum that scikit-learn's solvers reach."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from noss.probes import _spectrum, logistic, svm

Set = tuple[NDArray[np.float32], NDArray[np.int64]]


def clusters(num_clips: int, dim: int, num_classes: int, *, seed: int = 0, apart: float = 0.4, latent: int = 16) -> Set:
    """Embeddings with a few strong directions and noise in all of them."""
    rng = np.random.default_rng(seed)
    y_N = np.arange(num_clips) % num_classes
    inner_NF = apart * rng.standard_normal((num_classes, latent))[y_N] + rng.standard_normal((num_clips, latent))
    x_ND = inner_NF @ rng.standard_normal((latent, dim)) + rng.standard_normal((num_clips, dim))
    return x_ND.astype(np.float32), y_N


def overlapping() -> Set:
    return clusters(400, 20, 4, apart=0.3)


def separable() -> Set:
    return clusters(300, 60, 5, apart=1.5)


def two_classes() -> Set:
    return clusters(300, 40, 2)


def wide() -> Set:
    return clusters(60, 900, 3)


def odd() -> Set:
    x_ND, y_N = clusters(150, 40, 5)
    x_ND[:, 3] = 7.0
    x_ND[:, 5] *= 1e6
    x_ND[:, 6] = x_ND[:, 7]
    y_N[y_N == 4] = 3
    y_N[0] = 4
    return x_ND, y_N


SETS = [overlapping, separable, two_classes, wide, odd]


def logistic_objective(x_ND: Any, y_N: Any, weights_KD: Any, bias_K: Any, c: float) -> float:
    logits_NK = x_ND @ weights_KD.T + bias_K
    if len(bias_K) == 1:
        loss = np.logaddexp(0.0, np.where(y_N == 1, -1.0, 1.0) * logits_NK[:, 0]).sum()
    else:
        loss = (np.logaddexp.reduce(logits_NK, axis=1) - logits_NK[np.arange(len(y_N)), y_N]).sum()
    return float(c * loss + 0.5 * (weights_KD**2).sum())


def own_parts(probe: logistic.Probe) -> tuple[Any, Any]:
    weights_KE = probe.weights_KE
    if len(weights_KE) == 2:
        weights_KE = weights_KE[1:] - weights_KE[:1]
    return weights_KE[:, :-1], weights_KE[:, -1]


@pytest.mark.parametrize("made", SETS)
def test_logistic_reaches_scikit_learns_objective_at_every_strength(made: Callable[[], Set]) -> None:
    x_ND, y_N = made()
    scaled_ND = StandardScaler().fit_transform(x_ND.astype(np.float64))
    settings = [setting for setting in logistic.Probe.SETTINGS if setting["c"] <= 10]
    for probe in logistic.Probe.fit_all(x_ND, y_N, settings=settings):
        reference = LogisticRegression(C=probe.c, tol=1e-6, max_iter=5000).fit(scaled_ND, y_N)
        ours = logistic_objective(scaled_ND, y_N, *own_parts(probe), probe.c)
        theirs = logistic_objective(scaled_ND, y_N, reference.coef_, reference.intercept_, probe.c)
        assert ours <= theirs * (1.0 + 1e-5)
        np.testing.assert_allclose(probe.scores(x_ND), reference.predict_proba(scaled_ND), atol=5e-3)


def squared_hinge_objective(x_ND: Any, s_N: Any, weights_D: Any, bias: float, c: float) -> float:
    excess_N = np.maximum(1.0 - s_N * (x_ND @ weights_D + bias), 0.0)
    return float(c * (excess_N**2).sum() + 0.5 * (weights_D @ weights_D + bias**2))


@pytest.mark.parametrize("made", SETS)
def test_svm_reaches_scikit_learns_objective_at_every_strength(made: Callable[[], Set]) -> None:
    x_ND, y_N = made()
    scaled_ND = StandardScaler().fit_transform(x_ND.astype(np.float64))
    settings = [setting for setting in svm.Probe.SETTINGS if setting["c"] <= 0.1]
    for probe in svm.Probe.fit_all(x_ND, y_N, settings=settings):
        ours = theirs = 0.0
        for k, weights_E in enumerate(probe.weights_KE):
            s_N = np.where(y_N == k, 1.0, -1.0)
            reference = LinearSVC(C=probe.c, dual=False, tol=1e-6).fit(scaled_ND, s_N)
            ours += squared_hinge_objective(scaled_ND, s_N, weights_E[:-1], weights_E[-1], probe.c)
            bias = float(reference.intercept_[0])
            theirs += squared_hinge_objective(scaled_ND, s_N, reference.coef_[0], bias, probe.c)
        assert ours <= theirs * (1.0 + 1e-5)


def test_the_order_of_settings_does_not_matter() -> None:
    x_ND, y_N = overlapping()
    falling = logistic.Probe.fit_all(x_ND, y_N, settings=[{"c": 1.0}, {"c": 1e-3}])
    rising = logistic.Probe.fit_all(x_ND, y_N, settings=[{"c": 1e-3}, {"c": 1.0}])
    np.testing.assert_array_equal(falling[0].weights_KE, rising[1].weights_KE)
    np.testing.assert_array_equal(falling[1].weights_KE, rising[0].weights_KE)


def test_a_strength_alone_gives_the_very_weights_of_the_whole_path() -> None:
    x_ND, y_N = separable()
    whole = logistic.Probe.fit_all(x_ND, y_N, settings=logistic.Probe.SETTINGS)
    alone = logistic.Probe(c=1.0).fit(x_ND, y_N)
    at = next(probe for probe in whole if probe.c == 1.0)
    np.testing.assert_array_equal(alone.weights_KE, at.weights_KE)


def test_clips_beyond_the_spectrums_rank_reach_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    x_ND, y_N = clusters(400, 120, 4)
    exact = logistic.Probe(c=0.1).fit(x_ND, y_N)
    whole = _spectrum.rotate
    monkeypatch.setattr("noss.probes._path.rotate", lambda x: whole(x, max_rank=30))
    sketched = logistic.Probe(c=0.1).fit(x_ND, y_N)
    np.testing.assert_allclose(sketched.scores(x_ND), exact.scores(x_ND), atol=2e-3)


def test_the_weakest_strength_answers_with_the_class_shares() -> None:
    x_ND, y_N = clusters(90, 10, 3)
    y_N = np.minimum(y_N, 1)
    scores_NK = logistic.Probe(c=1e-9).fit(x_ND, y_N).scores(x_ND)
    np.testing.assert_allclose(scores_NK, np.tile([1 / 3, 2 / 3], (90, 1)), atol=1e-3)


def test_features_far_from_zero_lose_nothing() -> None:
    x_ND, y_N = clusters(200, 10, 3, apart=1.0)
    x_ND = np.round(x_ND * 8).astype(np.float32)
    near = logistic.Probe(c=0.1).fit(x_ND, y_N).scores(x_ND)
    far = logistic.Probe(c=0.1).fit(x_ND + np.float32(2**20), y_N).scores(x_ND + np.float32(2**20))
    np.testing.assert_allclose(far, near, atol=1e-5)
