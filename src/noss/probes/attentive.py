"""Attentive pooling of frames with a linear classifier: a small network says how much each frame counts.

The weight of a frame x is the softmax, over the frames of its clip, of v . tanh(U x + b), and the clip's vector is the
weighted mean of its frames. It starts as the plain mean.

Source: Lin et al., A Structured Self-attentive Sentence Embedding (2017), eq. 5, with one head; Okabe et al., Attentive
Statistics Pooling for Deep Speaker Embedding (2018), eq. 1 to 3.
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

_HIDDEN = 64


class Probe:
    """A linear classifier on the frames' weighted mean; `l2` holds both back, trained for `steps`."""

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
        """Scaling, attention, and the head: weight (K, D) and bias (K,)."""
        return {**self.scaling.arrays(), **self.weights, "l2": np.array(self.l2)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: scaling, attention and head (K, D)."""
        probe = cls(l2=float(arrays["l2"]))
        probe.scaling = Scaling.from_arrays(arrays)
        probe.weights = {name: np.asarray(arrays[name]) for name in ("key", "shift", "query", "weight", "bias")}
        return probe


def _start(dim: int, generator: Generator) -> dict[str, Tensor]:
    import torch

    key_HD = torch.randn(_HIDDEN, dim, generator=generator) / dim**0.5
    return {"key": key_HD, "shift": torch.zeros(_HIDDEN), "query": torch.zeros(_HIDDEN)}


def _weigh(frames_BSD: Tensor, there_BS: Tensor, parameters: dict[str, Tensor]) -> Tensor:
    import torch

    hidden_BSH = torch.tanh(frames_BSD @ parameters["key"].T + parameters["shift"])
    energy_BS = (hidden_BSH @ parameters["query"]).masked_fill(~there_BS, -torch.inf)
    return energy_BS.softmax(dim=1)[..., None]


def _pool(frames_SD: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    energy_S = np.tanh(frames_SD @ weights["key"].T + weights["shift"]) @ weights["query"]
    raised_S = np.exp(energy_S - energy_S.max())
    pooled_D: NDArray[np.float64] = raised_S @ frames_SD / raised_S.sum()
    return pooled_D


POOLING = Pooling(start=_start, weigh=_weigh, held=("key", "query"), pool=_pool)
