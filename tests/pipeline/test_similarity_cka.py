"""Linear CKA against its definition in loops over clips, and in cases with a known answer."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._similarity_cka import Estimator, centred, cka, similarities
from noss.pipeline._similarity_products import products

Array = NDArray[np.float64]
ESTIMATORS: list[Estimator] = ["unbiased", "plain", "minibatch"]


def _made(num_clips: int = 12, *, dims: tuple[int, ...] = (5, 3), noise: float = 1.0, seed: int = 1) -> list[Array]:
    """Embeddings that share two directions, far from the origin, and differ in the others."""
    generator = np.random.default_rng(seed)
    shared_N2 = generator.normal(size=(num_clips, 2))
    return [
        shared_N2 @ generator.normal(size=(2, dim)) + noise * generator.normal(size=(num_clips, dim)) + 20.0
        for dim in dims
    ]


def _gram(x_ND: Array) -> list[list[float]]:
    return [[sum(a * b for a, b in zip(one, other, strict=True)) for other in x_ND] for one in x_ND.tolist()]


def _plain_hsic(k_NN: list[list[float]], l_NN: list[list[float]]) -> float:
    """The sum over pairs of clips of doubly centred products."""
    count = len(k_NN)

    def doubly_centred(m_NN: list[list[float]]) -> list[list[float]]:
        means = [sum(row) / count for row in m_NN]
        mean = sum(means) / count
        return [[m_NN[i][j] - means[i] - means[j] + mean for j in range(count)] for i in range(count)]

    k, l = doubly_centred(k_NN), doubly_centred(l_NN)  # noqa: E741
    return sum(k[i][j] * l[i][j] for i in range(count) for j in range(count))


def _unbiased_hsic(k_NN: list[list[float]], l_NN: list[list[float]]) -> float:
    """The mean over all ordered quadruples of different clips of the kernel of the U-statistic."""
    quadruples = list(permutations(range(len(k_NN)), 4))
    terms = (k_NN[s][t] * (l_NN[s][t] + l_NN[u][v] - 2 * l_NN[s][u]) for s, t, u, v in quadruples)
    return sum(terms) / len(quadruples)


def _by_definition(x_ND: Array, y_ND: Array, *, unbiased: bool) -> float:
    hsic = _unbiased_hsic if unbiased else _plain_hsic
    k_NN, l_NN = _gram(x_ND), _gram(y_ND)
    return float(hsic(k_NN, l_NN) / (hsic(k_NN, k_NN) * hsic(l_NN, l_NN)) ** 0.5)


@pytest.mark.parametrize("unbiased", [False, True])
def test_cka_is_that_of_its_definition(unbiased: bool) -> None:
    x_ND, y_ND = _made()
    found = cka(x_ND, y_ND, estimator="unbiased" if unbiased else "plain")
    assert found == pytest.approx(_by_definition(x_ND, y_ND, unbiased=unbiased), abs=1e-6)
    assert 0.1 < found < 0.95  # a value that says something


def test_minibatches_average_the_unbiased_hsic_before_the_quotient() -> None:
    x_ND, y_ND = _made(24)
    batches = [(x_ND[start : start + 8], y_ND[start : start + 8]) for start in (0, 8, 16)]

    def mean(pairs: list[tuple[Array, Array]]) -> float:
        return float(np.mean([_unbiased_hsic(_gram(a), _gram(b)) for a, b in pairs]))

    own = mean([(a, a) for a, _ in batches]) * mean([(b, b) for _, b in batches])
    found = similarities(lambda rows: [x_ND[rows], y_ND[rows]], 24, estimator="minibatch", batch=8)[0, 1]
    assert found == pytest.approx(mean(batches) / own**0.5, abs=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_rotating_scaling_and_moving_changes_nothing(estimator: Estimator) -> None:
    x_ND = np.random.default_rng(1).normal(size=(40, 6)) * [1, 2, 3, 4, 5, 6]
    rotation_DD = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 6)))[0]
    assert cka(x_ND, 1e-6 * (x_ND @ rotation_DD) + 3.0, estimator=estimator) == pytest.approx(1.0, abs=1e-5)


def test_independent_embeddings_are_unlike_without_bias_and_alike_with_it() -> None:
    """Of N x D noise the plain estimate is about D / (N + D), whatever the models; the unbiased one is about 0."""
    generator = np.random.default_rng(0)
    x_ND, y_ND = generator.normal(size=(2, 100, 300))
    assert cka(x_ND, y_ND, estimator="plain") == pytest.approx(300 / 400, abs=0.02)
    assert cka(x_ND, y_ND) == pytest.approx(0.0, abs=0.02)


def test_the_unbiased_estimate_of_few_clips_aims_where_many_point() -> None:
    """Batches of ten clips give what all clips give; the plain estimate of ten is far above."""
    layers = _made(4000, dims=(30, 40), noise=3.0)
    large = cka(layers[0], layers[1])
    small = similarities(lambda rows: [one[rows] for one in layers], 4000, estimator="minibatch", batch=10)[0, 1]
    plain = np.mean([cka(layers[0][s : s + 10], layers[1][s : s + 10], estimator="plain") for s in range(0, 500, 10)])
    assert small == pytest.approx(large, abs=0.03)
    assert plain > large + 0.2


def test_both_ways_to_the_products_agree_across_blocks_and_tiles() -> None:
    generator = np.random.default_rng(0)
    layers = [generator.normal(size=(2100, dim)).astype(np.float32) for dim in (3, 40, 1030)]
    wide = [one.astype(np.float64) for one in layers]
    expected_PP = [[np.square(a.T @ b).sum() for b in wide] for a in wide]
    np.testing.assert_allclose(products(layers, space="clips"), expected_PP, rtol=1e-5)
    np.testing.assert_allclose(products(layers, space="features"), expected_PP, rtol=1e-5)


def test_layers_are_centred_in_double_precision() -> None:
    """Single precision alone would leave nothing of a spread of one on a mean of a hundred thousand."""
    small_ND = np.random.default_rng(0).normal(size=(3000, 2))

    def read(rows: slice) -> list[Array]:
        return [small_ND[rows] + 1e5]

    found = centred(read, 3000)[0]
    expected = small_ND - small_ND.mean(axis=0)
    np.testing.assert_allclose(found, expected / np.sqrt(np.square(expected).sum(axis=1).mean()), atol=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_huge_and_tiny_embeddings_neither_overflow_nor_vanish(estimator: Estimator) -> None:
    x_ND = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    assert cka(x_ND * np.float32(1e30), x_ND * np.float32(1e-30), estimator=estimator) == pytest.approx(1.0, abs=1e-5)


def test_standardised_dimensions_count_alike() -> None:
    x_ND = np.random.default_rng(0).normal(size=(200, 3))
    loud_ND = x_ND * [1000.0, 1.0, 1.0]

    def similar(*, standardise: bool) -> float:
        return float(similarities(lambda rows: [x_ND[rows], loud_ND[rows]], 200, standardise=standardise)[0, 1])

    assert similar(standardise=True) == pytest.approx(1.0, abs=0.02)
    assert similar(standardise=False) < 0.7


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_constant_layer_is_like_nothing_and_leaves_the_others_alone(estimator: Estimator) -> None:
    x_ND, y_ND = _made(40)
    rows_PP = similarities(
        lambda rows: [x_ND[rows], np.full_like(x_ND[rows], 0.1), y_ND[rows]], 40, estimator=estimator
    )
    assert np.isnan(rows_PP[1]).all()
    assert rows_PP[0, 2] == cka(x_ND, y_ND, estimator=estimator)


def test_bad_embeddings_are_refused_in_words() -> None:
    x_ND = np.random.default_rng(0).normal(size=(10, 3))
    with pytest.raises(DataError, match="of 10 clips and the other of 9"):
        cka(x_ND, x_ND[1:])
    with pytest.raises(DataError, match="CKA needs 4 clips and there are 3"):
        cka(x_ND[:3], x_ND[:3])
    with pytest.raises(DataError, match="same for every clip"):
        cka(x_ND, np.ones((10, 2)))
