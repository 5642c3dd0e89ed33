"""What the explorer's page shows: a dataset's clips with their columns, and where each model places them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Column:
    """One thing known of every clip: names or numbers.

    Attributes:
        name: Its heading.
        words: Its values in order, where it holds names.
        codes_N: The value of each clip, counted from 1; 0 where it has none.
        numbers_N: The number of each clip, NaN where it has none; None where the column holds names.
    """

    name: str
    words: list[str] = field(default_factory=list)
    codes_N: NDArray[np.uint16] | None = None
    numbers_N: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class ModelMap:
    """Where one model places the clips.

    Attributes:
        model: Its name.
        dim: D of its embeddings.
        planes: Places of the clips (N, 2) from 0 to 65,535, by the name of the plane.
        share: The share of the variance that the main directions hold.
        near_NK: The nearest other clips of each, the nearest first.
        distances_NK: Their cosine distances, 0 to 2.
        columns: What the model said about the clips.
    """

    model: str
    dim: int
    planes: dict[str, NDArray[np.uint16]]
    share: float
    near_NK: NDArray[np.uint16]
    distances_NK: NDArray[np.float32]
    columns: list[Column]


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """The clips of one dataset, and their maps.

    Attributes:
        dataset: Its name.
        root: Where the files are.
        files: The file of each clip, below the root where it can be.
        starts_s: Where each clip starts in its file.
        ends_s: Where it ends; NaN for the end of the file.
        columns: What is known of the clips.
        models: Their places, the best model first.
        label: The column that clips are coloured by at first; None for none.
        notes: What is not shown, and why.
    """

    dataset: str
    root: Path
    files: list[str]
    starts_s: NDArray[np.float32]
    ends_s: NDArray[np.float32]
    columns: list[Column]
    models: list[ModelMap]
    label: str | None
    notes: list[str]
