"""Linear support vector machine, one class against the rest, the whole path of strengths in one sweep.

Minimises `c * sum_n max(0, 1 - s_n f_n)^2 + 0.5 (||w||^2 + b^2)` on standardised embeddings for every class: exactly the
objective of scikit-learn's `LinearSVC`, solved by the sweep of `logistic`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.probes import Settings
from noss.probes._linear import logits
from noss.probes._losses import squared_hinge
from noss.probes._path import follow, strengths
from noss.probes._scaling import Scaling, check_classes

_PATH = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)


class Probe:
    """Linear support vector machine with squared hinge loss; `c` weighs the summed loss against the penalty."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = False
    SETTINGS: ClassVar[Settings] = tuple({"c": c} for c in _PATH)

    scaling: Scaling
    weights_KE: NDArray[np.float64]

    def __init__(self, *, seed: int = 0, c: float = 0.001) -> None:
        self.seed = seed
        self.c = c

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Self:
        """Fit on embeddings (N, D) and class indices (N,), along the path that leads to this `c`."""
        return self.fit_all(x_ND, y_N, settings=({"c": self.c},), seed=self.seed)[0]

    @classmethod
    def fit_all(
        cls,
        x_ND: NDArray[np.float32],
        y_N: NDArray[np.int64],
        *,
        settings: Sequence[Mapping[str, Any]],
        seed: int = 0,
    ) -> list[Self]:
        """Fit every setting on embeddings (N, D) and class indices (N,) at once."""
        check_classes(x_ND, y_N)
        scaling = Scaling.learn(x_ND)
        cs = strengths([setting["c"] for setting in settings], _PATH)
        solved = follow(scaling.apply(x_ND), y_N, cs=cs, loss=squared_hinge, penalise_bias=True)
        by_c = dict(zip(cs, solved, strict=True))
        return [cls(seed=seed, **setting)._with(scaling, by_c[setting["c"]]) for setting in settings]

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Signed distances (N, K) of embeddings (N, D), in margins."""
        return logits(x_ND, self.scaling, self.weights_KE)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Scaling, and weights (K, E), the bias last: E is D + 1."""
        return {**self.scaling.arrays(), "weights": self.weights_KE, "c": np.array(self.c)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: scaling and weights (K, E)."""
        return cls(c=float(arrays["c"]))._with(Scaling.from_arrays(arrays), np.asarray(arrays["weights"]))

    def _with(self, scaling: Scaling, weights_KE: NDArray[np.float64]) -> Self:
        self.scaling, self.weights_KE = scaling, weights_KE
        return self
