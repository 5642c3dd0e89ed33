"""The squared Frobenius norm of X^T Y for every pair of many embeddings of the same clips, in one of two ways.

    ||X^T Y||_F^2 = tr(X X^T Y Y^T) = sum_ij (x_i . x_j) (y_i . y_j)

In *feature space* it is the sum of squares of a cross product (D, D), summed over blocks of clips: N D^2 multiplications a
pair. In *clip space* the products of clips (N, N) of each layer are made tile by tile, each once for all pairs, and multiplied:
N^2 D / 2 a layer, since they are symmetric. With P layers of D dimensions the first takes N (P D)^2 / 2 and the second
N^2 P D / 2, so the second is taken while there are fewer clips than dimensions of all layers together. Both hold one copy of
the embeddings and tiles of a fixed size. Tiles and blocks are multiplied in single precision and summed in double.

BLAS has one thread here and each of our own works on whole tiles: threads of BLAS wait for each other within every small
product.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations_with_replacement
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

Space = Literal["clips", "features"]
Layers = Sequence[NDArray[np.float32]]
Item = TypeVar("Item")
Found = TypeVar("Found")

_TILES = 2**23  # numbers that the tiles of all layers hold
_ROWS = 2048
_COLUMNS = 1024


def products(layers: Layers, *, space: Space | None = None) -> NDArray[np.float64]:
    """Squared Frobenius norms (P, P) of the cross products of P layers (N, D), each with its D.

    Args:
        layers: The layers.
        space: Which way it is done; None for that with fewer operations.
    """
    fewer: Space = "clips" if len(layers[0]) < sum(x_ND.shape[1] for x_ND in layers) else "features"
    return _in_clips(layers) if (space or fewer) == "clips" else _in_features(layers)


def _in_clips(layers: Layers) -> NDArray[np.float64]:
    num_clips = len(layers[0])
    side = int(np.clip((_TILES / len(layers)) ** 0.5, 64, max(64, min(512, num_clips // 3))))
    parts = [slice(start, min(start + side, num_clips)) for start in range(0, num_clips, side)]

    def tile(rows_columns: tuple[slice, slice]) -> NDArray[np.float64]:
        rows, columns = rows_columns
        tiles_Pnm = np.empty((len(layers), rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)
        for tile_nm, x_ND in zip(tiles_Pnm, layers, strict=True):
            np.matmul(x_ND[rows], x_ND[columns].T, out=tile_nm)
        flat_PM = tiles_Pnm.reshape(len(layers), -1)
        return (1 if rows == columns else 2) * (flat_PM @ flat_PM.T).astype(np.float64)

    return np.asarray(sum(threads(tile, combinations_with_replacement(parts, 2))))


def _in_features(layers: Layers) -> NDArray[np.float64]:
    def pair(places: tuple[int, int]) -> float:
        x_ND, y_ND = layers[places[0]], layers[places[1]]
        return sum(_norm(x_ND[:, some], y_ND[:, others]) for some in _columns(x_ND) for others in _columns(y_ND))

    places = list(combinations_with_replacement(range(len(layers)), 2))
    found_PP = np.empty((len(layers), len(layers)))
    for (row, column), value in zip(places, threads(pair, places), strict=True):
        found_PP[row, column] = found_PP[column, row] = value
    return found_PP


def _columns(x_ND: NDArray[np.float32]) -> list[slice]:
    return [slice(start, start + _COLUMNS) for start in range(0, x_ND.shape[1], _COLUMNS)]


def _norm(x_ND: NDArray[np.float32], y_ND: NDArray[np.float32]) -> float:
    cross_DD = np.zeros((x_ND.shape[1], y_ND.shape[1]))
    for start in range(0, len(x_ND), _ROWS):
        cross_DD += x_ND[start : start + _ROWS].T @ y_ND[start : start + _ROWS]
    return float(np.einsum("de,de->", cross_DD, cross_DD))


def threads(step: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as workers:
        return list(workers.map(step, items))
