"""Linear CKA: how alike two embeddings of the same clips are, up to rotation and scale.

With kernels K = X X^T and L = Y Y^T of centred embeddings (N, D), linear CKA is

    CKA(X, Y) = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L))

(Kornblith et al. 2019, "Similarity of neural network representations revisited", arXiv:1905.00414, section 3). It is 1 for
embeddings that differ by a rotation and a scale, and 0 for embeddings none of whose dimensions are correlated. Three
estimates of HSIC are here, a common factor left out where it cancels.

- `plain`: tr(K H L H) = sum_ij K_ij L_ij = ||X^T Y||_F^2 with H = I - 1 1^T / N (Gretton et al. 2005;
  Kornblith et al. 2019). It is biased upwards, and with as many dimensions as clips far: a clip is like itself under any model.
- `unbiased`: the U-statistic of Song et al. 2012 ("Feature selection via dependence maximization", JMLR 13). With
  K~ and L~, which are K and L with zeros on the diagonal,

      N (N - 3) HSIC_1 = tr(K~ L~) + (1^T K~ 1) (1^T L~ 1) / ((N - 1) (N - 2)) - 2 (1^T K~ L~ 1) / (N - 2).

  It does not change when X or Y is moved, so both are centred first. Then K 1 = 0, a row of K~ sums to minus the squared
  length k_i of its clip, and all that is needed beside ||X^T Y||_F^2 are squared lengths k and l:

      N (N - 3) HSIC_1 = ||X^T Y||_F^2 - N / (N - 2) sum_i k_i l_i + (sum_i k_i) (sum_i l_i) / ((N - 1) (N - 2)).

- `minibatch`: HSIC_1 of batches of clips, each centred by itself, averaged before the quotient is taken (Nguyen, Raghu and
  Kornblith 2021, "Do wide and deep networks learn the same things?", arXiv:2010.15327). Every batch is unbiased, so
  the batch size moves the estimate's spread and not its aim; its memory does not grow with the clips.

P layers of all models are compared at once, and ||X^T Y||_F^2 is found for every pair of them by whichever of its two forms takes
fewer operations: see `_similarity_products`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError
from noss.pipeline._similarity_products import products, threads

Estimator = Literal["unbiased", "plain", "minibatch"]
Layers = Sequence[NDArray[np.floating]]
Read = Callable[[slice], Layers]

MIN_CLIPS = 4  # HSIC_1 divides by N - 3
_BLOCK = 1024
_NOTHING = 1e-9  # of the squared lengths: what rounding leaves of nothing
_SAME = 1e-6  # of its mean: a dimension that varies less is constant but for rounding


def cka(x_ND: NDArray[np.floating], y_ND: NDArray[np.floating], *, estimator: Estimator = "unbiased") -> float:
    """Linear CKA of two embeddings (N, D) of the same clips, whose D may differ.

    Raises:
        DataError: They are not of as many clips, of fewer than four, or one is the same vector for every clip.
    """
    if len(x_ND) != len(y_ND):
        raise DataError(f"one embedding is of {len(x_ND)} clips and the other of {len(y_ND)}: CKA needs the same clips")
    found_PP = similarities(lambda rows: [x_ND[rows], y_ND[rows]], len(x_ND), estimator=estimator)
    if not np.isfinite(found_PP[0, 1]):
        raise DataError("CKA of an embedding that is the same for every clip is not defined: look at the model")
    return float(found_PP[0, 1])


def similarities(
    read: Read,
    num_clips: int,
    *,
    estimator: Estimator = "unbiased",
    standardise: bool = False,
    batch: int = 256,
) -> NDArray[np.float64]:
    """Linear CKA (P, P) of every pair of P layers; NaN where a layer does not vary, so that it is undefined.

    Args:
        read: Gives rows (n, D) of every layer, each with its D, for a slice of the clips; it is called several times.
        num_clips: How many clips there are.
        estimator: `unbiased`, `plain` or `minibatch`.
        standardise: Whether each dimension is divided by its deviation over all clips first, as probes do.
        batch: Clips of a minibatch; up to twice as many where they do not come out even. Clips are taken as they come: give
            them in a random order.

    Raises:
        DataError: There are fewer than four clips, or in a batch.
    """
    few = min(num_clips, batch) if estimator == "minibatch" else num_clips
    if few < MIN_CLIPS:
        raise DataError(f"CKA needs {MIN_CLIPS} clips and there are {few}: give more")
    if estimator == "minibatch":
        return quotient(_over_batches(read, num_clips, standardise=standardise, batch=batch))
    layers = centred(read, num_clips, standardise=standardise)
    return quotient(hsic(layers, unbiased=estimator == "unbiased"))


def hsic(layers: Sequence[NDArray[np.float32]], *, unbiased: bool) -> NDArray[np.float64]:
    """HSIC (P, P) of every pair of P centred layers (N, D), divided by the mean squared lengths of both."""
    num_clips, products_PP = len(layers[0]), products(layers)
    if not unbiased:
        return products_PP / num_clips**2
    squares_PN = np.stack([squares(x_ND) for x_ND in layers])
    sums_P = squares_PN.sum(axis=1)
    alike_PP = num_clips / (num_clips - 2) * (squares_PN @ squares_PN.T)
    found_PP = products_PP - alike_PP + np.outer(sums_P, sums_P) / ((num_clips - 1) * (num_clips - 2))
    return np.asarray(found_PP / (num_clips * (num_clips - 3)), dtype=np.float64)


def centred(read: Read, num_clips: int, *, standardise: bool = False) -> list[NDArray[np.float32]]:
    """Every layer (N, D) less its mean, its squared lengths one in the mean; zeros where it does not vary."""
    running = [_Running.at(x_1D[0]) for x_1D in read(slice(0, 1))]
    layers = [np.empty((num_clips, len(one.origin_D)), dtype=np.float32) for one in running]
    for rows in _blocks(num_clips):
        found = read(rows)

        def take(place: int, rows: slice = rows, found: Layers = found) -> None:
            layers[place][rows] = running[place].add(found[place])

        threads(take, range(len(layers)))

    def scale(place: int) -> None:
        moments = running[place].moments(num_clips, standardise=standardise)
        layers[place] -= (moments.mean_D - running[place].origin_D).astype(np.float32)
        layers[place] *= moments.scale_D.astype(np.float32)

    threads(scale, range(len(layers)))
    return layers


@dataclass(frozen=True)
class _Moments:
    """The mean (D,) of a layer, and what its dimensions (D,) are multiplied by behind it."""

    mean_D: NDArray[np.float64]
    scale_D: NDArray[np.float64]

    def scaled(self, x_nD: NDArray[np.floating]) -> NDArray[np.float32]:
        """Rows (n, D), moved and scaled."""
        return np.asarray((x_nD - self.mean_D) * self.scale_D, dtype=np.float32)


@dataclass(frozen=True)
class _Running:
    """Sums of a layer's rows and of their squares (D,), in double precision, around one of them (D,).

    What is far from the origin for all clips is so taken off before anything is squared or rounded to single precision.
    """

    origin_D: NDArray[np.float64]
    sum_D: NDArray[np.float64]
    square_D: NDArray[np.float64]

    @classmethod
    def at(cls, x_D: NDArray[np.floating]) -> _Running:
        """Nothing summed yet."""
        return cls(x_D.astype(np.float64), np.zeros(len(x_D)), np.zeros(len(x_D)))

    def add(self, x_nD: NDArray[np.floating]) -> NDArray[np.float64]:
        """Sum further rows (n, D); gives them moved."""
        moved_nD = x_nD - self.origin_D
        np.add(self.sum_D, moved_nD.sum(axis=0), out=self.sum_D)
        np.add(self.square_D, np.einsum("nd,nd->d", moved_nD, moved_nD), out=self.square_D)
        return moved_nD

    def moments(self, num_clips: int, *, standardise: bool) -> _Moments:
        """Those that give squared lengths of one in the mean: no sum of squares over- or underflows then."""
        moved_D = self.sum_D / num_clips
        mean_D, variance_D = self.origin_D + moved_D, np.maximum(self.square_D / num_clips - moved_D**2, 0.0)
        varies_D = np.sqrt(variance_D) > _SAME * np.abs(mean_D)
        if not varies_D.any():
            return _Moments(mean_D, np.zeros(len(mean_D)))
        if standardise:
            deviation_D = np.sqrt(np.where(varies_D, variance_D, np.inf))
            return _Moments(mean_D, 1 / (deviation_D * np.sqrt(varies_D.sum())))
        return _Moments(mean_D, np.full(len(mean_D), 1 / np.sqrt(variance_D.sum())))


def _over_batches(read: Read, num_clips: int, *, standardise: bool, batch: int) -> NDArray[np.float64]:
    """The mean (P, P) of HSIC_1 over batches of nearly equal size, which hold every clip once."""
    running = [_Running.at(x_1D[0]) for x_1D in read(slice(0, 1))]
    for rows in _blocks(num_clips):
        for one, x_nD in zip(running, read(rows), strict=True):
            one.add(x_nD)
    known = [one.moments(num_clips, standardise=standardise) for one in running]
    edges = np.linspace(0, num_clips, max(1, num_clips // batch) + 1).round().astype(int).tolist()
    found = []
    for start, end in pairwise(edges):
        scaled = [one.scaled(x_nD) for one, x_nD in zip(known, read(slice(start, end)), strict=True)]
        layers = [x_nD - x_nD.mean(axis=0, dtype=np.float64).astype(np.float32) for x_nD in scaled]
        found.append(hsic(layers, unbiased=True))
    return np.asarray(np.mean(found, axis=0))


def quotient(hsic_PP: NDArray[np.float64]) -> NDArray[np.float64]:
    """CKA (P, P) from HSIC (P, P); HSIC_1, too, is an inner product (Szekely and Rizzo 2014), so none is beyond 1."""
    own_P = np.sqrt(np.where(np.diag(hsic_PP) > _NOTHING, np.diag(hsic_PP), np.nan))
    return np.asarray(np.clip(hsic_PP / np.outer(own_P, own_P), -1.0, 1.0))


def _blocks(num_clips: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, num_clips)) for start in range(0, num_clips, _BLOCK)]


def squares(x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    """The squared length (N,) of every row."""
    parts = [np.square(x_ND[rows], dtype=np.float64).sum(axis=1) for rows in _blocks(len(x_ND))]
    return np.concatenate(parts)
