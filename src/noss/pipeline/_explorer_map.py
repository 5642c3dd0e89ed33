"""Where clips lie for the explorer: exact nearest neighbours, and two planes that they are drawn on.

Vectors are standardised by dimension and scaled to length one, so that cosine weighs dimensions alike. Neighbours are
exact over all of their dimensions. One plane is t-SNE of these very neighbours, begun at the other, which is the two main
directions: what is a neighbour in the list is what the map tries to hold close. The same vectors give the same planes.

Source: van der Maaten and Hinton 2008 (t-SNE); Kobak and Berens 2019 (begin at the main directions, learning rate N / 12).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noss.errors import MissingExtraError

PERPLEXITY = 30.0
EARLY, LATE = 250, 250  # steps with and without exaggeration
_BLOCK = 512
_FEWEST = 12  # clips: fewer have no neighbourhoods to speak of


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The nearest other clips of each clip, the nearest first: rows (N, K), and cosine distances (N, K) from 0 to 2."""

    rows_NK: NDArray[np.int64]
    distances_NK: NDArray[np.float32]

    def first(self, num: int) -> Neighbours:
        """Only the nearest ones."""
        return Neighbours(rows_NK=self.rows_NK[:, :num], distances_NK=self.distances_NK[:, :num])


def comparable(embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Embeddings (N, D), standardised by dimension and scaled to length one; a mean vector stays zero."""
    centred_ND = embeddings_ND - embeddings_ND.mean(axis=0, dtype=np.float64).astype(np.float32)
    spread_D = centred_ND.std(axis=0, dtype=np.float64)
    scaled_ND = centred_ND / np.where(spread_D > 1e-6, spread_D, np.inf).astype(np.float32)
    lengths_N = np.linalg.norm(scaled_ND, axis=1)
    return np.asarray(scaled_ND / np.where(lengths_N > 0, lengths_N, 1.0)[:, None], dtype=np.float32)


def nearest(unit_ND: NDArray[np.float32], num: int) -> Neighbours:
    """The `num` nearest other rows of unit vectors (N, D), or all others where there are fewer; ties by row."""
    num_clips = len(unit_ND)
    num = min(num, num_clips - 1)
    rows_NK = np.zeros((num_clips, num), dtype=np.int64)
    near_NK = np.zeros((num_clips, num), dtype=np.float32)
    for start in range(0, num_clips, _BLOCK):
        likeness_BN = unit_ND[start : start + _BLOCK] @ unit_ND.T
        size = len(likeness_BN)
        likeness_BN[np.arange(size), np.arange(start, start + size)] = -np.inf
        found_BK = np.sort(np.argpartition(-likeness_BN, num - 1, axis=1)[:, :num], axis=1)
        values_BK = np.take_along_axis(likeness_BN, found_BK, axis=1)
        order_BK = np.argsort(-values_BK, axis=1, kind="stable")
        rows_NK[start : start + size] = np.take_along_axis(found_BK, order_BK, axis=1)
        near_NK[start : start + size] = np.take_along_axis(values_BK, order_BK, axis=1)
    return Neighbours(rows_NK=rows_NK, distances_NK=np.clip(1 - near_NK, 0, 2))


def main_directions(unit_ND: NDArray[np.float32], *, seed: int) -> tuple[NDArray[np.float64], float]:
    """Vectors (N, D) along their two main directions (N, 2), and the share of the variance that these hold."""
    from sklearn.decomposition import PCA

    if min(unit_ND.shape) < 3 or not unit_ND.any():
        plane_N2 = np.zeros((len(unit_ND), 2))
        plane_N2[:, : unit_ND.shape[1]] = unit_ND[:, :2]
        return plane_N2, 1.0
    pca = PCA(n_components=2, svd_solver="randomized", iterated_power=7, random_state=seed)
    plane_N2 = np.asarray(pca.fit_transform(unit_ND), dtype=np.float64)
    return plane_N2, float(pca.explained_variance_ratio_.sum())


def neighbourhoods(neighbours: Neighbours, begin_N2: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """A plane (N, 2) by t-SNE that holds neighbours close, begun at `begin_N2`.

    On one thread: with more, sums are taken in another order and the map would differ from machine to machine.

    Raises:
        MissingExtraError: openTSNE is not installed.
    """
    try:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PerplexityBasedNN
        from openTSNE.initialization import rescale
        from openTSNE.nearest_neighbors import PrecomputedNeighbors
    except ImportError as error:
        raise MissingExtraError("openTSNE", extra="explore", needed_by="the map of the explorer") from error
    if len(begin_N2) < _FEWEST or not np.ptp(begin_N2, axis=0).any():
        return begin_N2
    chords_NK = np.sqrt(2 * neighbours.distances_NK.astype(np.float64))
    found = PrecomputedNeighbors(neighbours.rows_NK, chords_NK)
    perplexity = min(PERPLEXITY, neighbours.rows_NK.shape[1] / 3)
    affinities = PerplexityBasedNN(knn_index=found, perplexity=perplexity, n_jobs=1, random_state=seed)
    method = "fft" if len(begin_N2) > 3000 else "bh"
    plane = TSNEEmbedding(rescale(begin_N2), affinities, negative_gradient_method=method, n_jobs=1, random_state=seed)
    plane.optimize(n_iter=EARLY, exaggeration=12, momentum=0.5, inplace=True)
    plane.optimize(n_iter=LATE, momentum=0.8, inplace=True)
    return np.asarray(plane, dtype=np.float64)


def turned(plane_N2: NDArray[np.float64], like_N2: NDArray[np.float64]) -> NDArray[np.float64]:
    """A plane (N, 2), turned and mirrored to lie as much like another (N, 2) as it can; its shape stays."""
    left, _, right = np.linalg.svd((plane_N2 - plane_N2.mean(axis=0)).T @ (like_N2 - like_N2.mean(axis=0)))
    return np.asarray(plane_N2 @ (left @ right))


def on_grid(plane_N2: NDArray[np.float64]) -> NDArray[np.uint16]:
    """A plane (N, 2) as whole numbers from 0 to 65,535, both axes on one scale, in the middle."""
    low_2, span_2 = plane_N2.min(axis=0), np.ptp(plane_N2, axis=0)
    span = max(float(span_2.max()), 1e-12)
    return np.asarray(np.round(65535 * ((plane_N2 - low_2 - span_2 / 2) / span + 0.5)), dtype=np.uint16)
