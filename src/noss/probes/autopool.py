"""AutoPool of frames with a linear classifier: each dimension learns where it stands between mean and maximum.

Of dimension d, the weight of a frame is the softmax of alpha_d x_d over the frames of its clip: alpha 0 is the mean, a large one
the maximum, a large negative one the minimum. Dimensions are standardised, so that alphas can be compared; all start at 1.

Source: McFee, Salamon and Bello, Adaptive Pooling Operators for Weakly Labeled Sound Event Detection (2018), eq. 7, on the
dimensions of an embedding in place of frame-wise class scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.probes import Frames, Settings
from noss.probes._framed import Pooling, Weights, scores, train
from noss.probes._scaling import Scaling

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Probe:
    """A linear classifier on frames pooled by AutoPool; `l2` holds both back, trained for `steps`."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = True
    FRAMES: ClassVar[bool] = True
    SETTINGS: ClassVar[Settings] = tuple({"l2": l2, "steps": 400} for l2 in (0.1, 0.01, 0.001, 0.0001))

    scaling: Scaling
    weights: Weights

    def __init__(self, *, seed: int = 0, l2: float = 0.01, steps: int = 400) -> None:
        self.seed = seed
        self.l2 = l2
        self.steps = steps

    def fit(self, frames_N: Frames, y_N: NDArray[np.int64]) -> Self:
        """Fit on the frames (S, D) of each clip and class indices (N,)."""
        self.scaling, self.weights = train(frames_N, y_N, POOLING, l2=self.l2, steps=self.steps, seed=self.seed)
        return self

    def scores(self, frames_N: Frames) -> NDArray[np.float64]:
        """Probabilities (N, K) of clips by their frames (S, D)."""
        return scores(frames_N, self.scaling, self.weights, POOLING)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Scaling, alpha, and the head: weight (K, D) and bias (K,)."""
        return {**self.scaling.arrays(), **self.weights, "l2": np.array(self.l2)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: scaling, alpha and head (K, D)."""
        probe = cls(l2=float(arrays["l2"]))
        probe.scaling = Scaling.from_arrays(arrays)
        probe.weights = {name: np.asarray(arrays[name]) for name in ("alpha", "weight", "bias")}
        return probe


def _start(dim: int, generator: Generator) -> dict[str, Tensor]:
    import torch

    del generator
    return {"alpha": torch.ones(dim)}


def _weigh(frames_BSD: Tensor, there_BS: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    energy_BSD = (parameters["alpha"] * frames_BSD).masked_fill(~there_BS[..., None], -float("inf"))
    return energy_BSD.softmax(dim=1)


def _pool(frames_SD: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    energy_SD = weights["alpha"] * frames_SD
    raised_SD = np.exp(energy_SD - energy_SD.max(axis=0))
    pooled_D: NDArray[np.float64] = (raised_SD * frames_SD).sum(axis=0) / raised_SD.sum(axis=0)
    return pooled_D


POOLING = Pooling(start=_start, weigh=_weigh, held=("alpha",), pool=_pool)
