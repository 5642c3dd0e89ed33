"""HEAR's probe: a network of one or two hidden layers of 1024, stopped when its metric on validation no longer grows.

The grid is the one the HEAR kit draws: its default seed shuffles sixteen points (layers, Xavier weights uniform or
normal, four learning rates) and it takes the first eight, always the same ones; they stand here in that order, because a
tie goes to the first. Embeddings are taken as they are, as the kit takes them: scaling them changes the result.

Where nobody serves a value on validation (`fit`), a fifth of each class is held back from the training rows, and accuracy
on it decides when to stop. Source: Turian et al., HEAR: Holistic Evaluation of Audio Representations (2022), and
heareval 2021.1.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.errors import ProbeError
from noss.probes import Settings
from noss.probes._linear import softmax
from noss.probes._mlp import Initialization, Layers, Recipe, forward, train
from noss.probes._scaling import check_classes

_HELD_OUT = 0.2
_DRAWN: tuple[tuple[int, Initialization, float], ...] = (
    (1, "xavier_normal", 1e-4),
    (2, "xavier_uniform", 1e-3),
    (1, "xavier_normal", 1e-3),
    (1, "xavier_normal", 3.2e-4),
    (2, "xavier_normal", 3.2e-4),
    (2, "xavier_uniform", 3.2e-4),
    (2, "xavier_normal", 3.2e-3),
    (2, "xavier_uniform", 3.2e-3),
)


class Probe:
    """A network of `hidden_layers` of `hidden_dim`, trained with learning rate `lr` for `max_epochs` at most."""

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = True
    UNITS_MATTER: ClassVar[bool] = True
    SETTINGS: ClassVar[Settings] = tuple(
        {"hidden_layers": layers, "initialization": how, "lr": lr, "hidden_dim": 1024, "max_epochs": 500}
        for layers, how, lr in _DRAWN
    )

    layers: Layers

    def __init__(
        self,
        *,
        seed: int = 0,
        hidden_layers: int = 1,
        hidden_dim: int = 1024,
        initialization: Initialization = "xavier_uniform",
        lr: float = 1e-3,
        max_epochs: int = 500,
    ) -> None:
        self.recipe = Recipe(
            hidden_layers=hidden_layers,
            hidden_dim=hidden_dim,
            initialization=initialization,
            lr=lr,
            max_epochs=max_epochs,
            seed=seed,
        )

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Self:
        """Fit on embeddings (N, D) and class indices (N,); a fifth of each class says when to stop."""
        check_classes(x_ND, y_N)
        held_N = _held_out(y_N, seed=self.recipe.seed)
        dev_N = held_N if held_N.any() else ~held_N

        def accuracy(probe: Self) -> float:
            return float((probe.scores(x_ND[dev_N]).argmax(axis=1) == y_N[dev_N]).mean())

        return self.fit_watched(x_ND[~held_N], y_N[~held_N], value=accuracy)

    def fit_watched(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64], *, value: Callable[[Self], float]) -> Self:
        """Fit on embeddings (N, D) and class indices (N,); `value` says how good the probe is at any moment."""
        check_classes(x_ND, y_N)

        def worth(layers: Layers) -> float:
            self.layers = layers
            return value(self)

        self.layers = train(np.ascontiguousarray(x_ND, dtype=np.float32), y_N, self.recipe, value=worth)
        return self

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, K) of embeddings (N, D)."""
        dim = self.layers[0][0].shape[1]
        if x_ND.ndim != 2 or x_ND.shape[1] != dim:
            raise ProbeError(
                f"embeddings have shape {x_ND.shape} and the probe was fitted on {dim} dimensions: "
                "use the model it was fitted with"
            )
        return softmax(forward(np.asarray(x_ND, dtype=np.float32), self.layers))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weight (H, D) and the bias (H,) of each layer, the normalisation worked in."""
        weights = {f"weight_{place}": weight_HD for place, (weight_HD, _) in enumerate(self.layers)}
        return weights | {f"bias_{place}": bias_H for place, (_, bias_H) in enumerate(self.layers)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: a weight (H, D) and a bias (H,) a layer."""
        num = sum(name.startswith("weight_") for name in arrays)
        layers = [(np.asarray(arrays[f"weight_{place}"]), np.asarray(arrays[f"bias_{place}"])) for place in range(num)]
        probe = cls(hidden_layers=num - 1, hidden_dim=len(layers[0][1]))
        probe.layers = layers
        return probe


def _held_out(y_N: NDArray[np.int64], *, seed: int) -> NDArray[np.bool_]:
    """Which rows (N,) to hold back: a fifth of each class, one at least, but never all of it."""
    rng = np.random.default_rng(seed)
    held_N = np.zeros(len(y_N), dtype=np.bool_)
    for label in np.unique(y_N):
        rows = rng.permutation(np.flatnonzero(y_N == label))
        held_N[rows[: max(1, round(_HELD_OUT * len(rows))) if len(rows) > 1 else 0]] = True
    return held_N
