"""Ridge regression for targets that are numbers, every strength from one eigendecomposition.

Minimises `||y - X w - b||^2 + alpha ||w||^2` on standardised embeddings, the bias free: scikit-learn's `Ridge`. It works
in the smaller of clips and dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.probes import Settings
from noss.probes._linear import logits
from noss.probes._scaling import Scaling, check_numbers


class Probe:
    """Ridge regression; `alpha` weighs the penalty against the summed squared error."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "numbers"
    PROBABILITIES: ClassVar[bool] = False
    SETTINGS: ClassVar[Settings] = tuple({"alpha": 10.0**power} for power in range(7, -2, -1))

    scaling: Scaling
    weights_E: NDArray[np.float64]

    def __init__(self, *, seed: int = 0, alpha: float = 1000.0) -> None:
        self.seed = seed
        self.alpha = alpha

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.float64]) -> Self:
        """Fit on embeddings (N, D) and numbers (N,)."""
        return self.fit_all(x_ND, y_N, settings=({"alpha": self.alpha},), seed=self.seed)[0]

    @classmethod
    def fit_all(
        cls,
        x_ND: NDArray[np.float32],
        y_N: NDArray[np.float64],
        *,
        settings: Sequence[Mapping[str, Any]],
        seed: int = 0,
    ) -> list[Self]:
        """Fit every setting on embeddings (N, D) and numbers (N,) at once."""
        check_numbers(x_ND, y_N)
        scaling = Scaling.learn(x_ND)
        mean = float(np.mean(y_N))
        solved = _solve(scaling.apply(x_ND), np.asarray(y_N, dtype=np.float64) - mean, [s["alpha"] for s in settings])
        pairs = zip(settings, solved, strict=True)
        return [cls(seed=seed, **setting)._with(scaling, np.append(weights_D, mean)) for setting, weights_D in pairs]

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predicted numbers (N, 1) of embeddings (N, D)."""
        return logits(x_ND, self.scaling, self.weights_E[None])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Scaling, and weights (E,), the bias last: E is D + 1."""
        return {**self.scaling.arrays(), "weights": self.weights_E, "alpha": np.array(self.alpha)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: scaling and weights (E,)."""
        return cls(alpha=float(arrays["alpha"]))._with(Scaling.from_arrays(arrays), np.asarray(arrays["weights"]))

    def _with(self, scaling: Scaling, weights_E: NDArray[np.float64]) -> Self:
        self.scaling, self.weights_E = scaling, weights_E
        return self


def _solve(
    x_ND: NDArray[np.float32], centred_N: NDArray[np.float64], alphas: Sequence[float]
) -> list[NDArray[np.float64]]:
    from scipy.linalg import eigh

    num_clips, dim = x_ND.shape
    x_ND = x_ND.astype(np.float64)
    if dim <= num_clips:
        squares_m, sides_Dm = eigh(x_ND.T @ x_ND, driver="evd", overwrite_a=True)
        along_m = sides_Dm.T @ (x_ND.T @ centred_N)
        return [sides_Dm @ (along_m / (np.maximum(squares_m, 0.0) + alpha)) for alpha in alphas]
    squares_m, sides_Nm = eigh(x_ND @ x_ND.T, driver="evd", overwrite_a=True)
    along_m = sides_Nm.T @ centred_N
    return [x_ND.T @ (sides_Nm @ (along_m / (np.maximum(squares_m, 0.0) + alpha))) for alpha in alphas]
