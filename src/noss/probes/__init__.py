"""SHELF: small learners on frozen embeddings. One file a learner; this page is the contract.

A probe file defines a class `Probe`::

    class Probe:
        TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
        PROBABILITIES: ClassVar[bool] = True            # are the scores probabilities?
        SETTINGS: ClassVar[Settings] = ({"c": 0.01}, {"c": 0.1}, ...)   # candidates, simplest first

        def __init__(self, *, seed: int = 0, c: float = 1.0) -> None: ...
        def fit(self, x_ND, y_N) -> Self
        def scores(self, x_ND) -> scores_NK
        def arrays(self) -> dict[str, np.ndarray]                       # all of its state, for saving without pickle
        @classmethod
        def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self

and may define `fit_all(cls, x_ND, y_N, *, settings, seed) -> list[Probe]`, a class method that fits every candidate
at once where that is faster; `noss.probes.fit_all` uses it, and a loop where there is none.

A probe never sees validation or test clips: the pipeline picks among the fitted candidates by their metric on
validation. Scaling and centring are a probe's own business, learned on its training rows; one that reproduces a published
protocol without them declares `UNITS_MATTER: ClassVar[bool] = True`.

A learner that trains in rounds may define `fit_watched(self, x_ND, y_N, *, value) -> Self` beside `fit`: while it trains it
asks `value(self)` how good it is now, a number, higher is better, stops when that no longer grows, and keeps its best
moment. A protocol that says so works the number out on validation clips, which the probe still never sees. Everywhere
else `fit` is called, and holds rows of its own back if it needs them.

A probe that learns from frames, and not from one vector a clip, declares `FRAMES: ClassVar[bool] = True`. In the place of
x_ND it is given N arrays (S, D), the frames of each clip, as many as the clip has: nothing is padded. They may be mapped
from disk, and more than memory holds, so it reads them a batch at a time and never writes to them. The pipeline keeps frames
for it, which other probes do without; all else is as for any probe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Settings = tuple[Mapping[str, float | int | str | None], ...]
Frames = Sequence[NDArray[np.float32]]


class Probe(Protocol):
    """A learner on frozen embeddings.

    Embeddings are (N, D) float32. Labels are (N,): class indices 0..K-1 as int64, every class present, or float64
    numbers. Scores are (N, K), higher is likelier, rows summing to 1 where `PROBABILITIES` says so; (N, 1) for numbers.
    """

    TARGET: ClassVar[Literal["classes", "numbers"]]
    PROBABILITIES: ClassVar[bool]
    SETTINGS: ClassVar[Settings]

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[Any]) -> Self:
        """Fit on embeddings (N, D) and labels (N,); the same seed gives the same result."""
        ...

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores (N, K) of new embeddings (N, D)."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything `from_arrays` needs to rebuild the fitted probe."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`."""
        ...


def fit_all(
    probe: type[Any], x_ND: NDArray[np.float32], y_N: NDArray[Any], *, settings: Sequence[Mapping[str, Any]], seed: int
) -> list[Probe]:
    """Fit one probe a setting on embeddings (N, D) and labels (N,), all at once where the probe knows how."""
    at_once = getattr(probe, "fit_all", None)
    if at_once is not None:
        fitted: list[Probe] = at_once(x_ND, y_N, settings=settings, seed=seed)
        return fitted
    return [probe(seed=seed, **setting).fit(x_ND, y_N) for setting in settings]
