"""Random forest, grown by scikit-learn and evaluated from plain arrays.

Source: Breiman, Random forests (2001); scikit-learn's `RandomForestClassifier`, whose probabilities it reproduces.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from noss.errors import ProbeError
from noss.probes import Settings
from noss.probes._scaling import check_classes

_LEAF = -1
_PARTS = ("left", "right", "feature", "threshold", "shares")


class Probe:
    """Random forest of `trees` trees, the square root of the dimensions tried at each split.

    Balanced, a clip counts by `N / (K N_k)`, so that every class weighs the same.
    """

    TARGET: ClassVar[Literal["classes", "numbers"]] = "classes"
    PROBABILITIES: ClassVar[bool] = True
    SETTINGS: ClassVar[Settings] = ({"trees": 100},)

    nodes: dict[str, NDArray[Any]]

    def __init__(self, *, seed: int = 0, trees: int = 100, balanced: bool = False) -> None:
        self.seed = seed
        self.trees = trees
        self.balanced = balanced

    def fit(self, x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> Self:
        """Fit on embeddings (N, D) and class indices (N,)."""
        from sklearn.ensemble import RandomForestClassifier

        check_classes(x_ND, y_N)
        weights = "balanced" if self.balanced else None
        forest = RandomForestClassifier(self.trees, class_weight=weights, random_state=self.seed, n_jobs=-1)
        with warnings.catch_warnings():  # few clips of each of many classes are no mistake here
            warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%", UserWarning)
            grown = forest.fit(x_ND, y_N)
        self.nodes = _flatten([tree.tree_ for tree in grown.estimators_], dim=x_ND.shape[1])
        return self

    def scores(self, x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (N, K) of embeddings (N, D): the mean of the leaves' class shares."""
        dim = int(self.nodes["dim"])
        if x_ND.ndim != 2 or x_ND.shape[1] != dim:
            raise ProbeError(
                f"embeddings have shape {x_ND.shape} and the probe was fitted on {dim} dimensions: "
                "use the model it was fitted with"
            )
        x_ND = x_ND.astype(np.float32, copy=False)
        shares_NK = np.zeros((len(x_ND), self.nodes["shares"].shape[1]))
        for root in self.nodes["roots"]:
            shares_NK += self.nodes["shares"][self._leaves(x_ND, int(root))]
        shares_NK /= shares_NK.sum(axis=1, keepdims=True)
        return shares_NK

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All nodes of all trees, an array (N,) a property, and their class shares (N, K); N counts nodes here."""
        return {**self.nodes, "trees": np.array(self.trees)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Rebuild a fitted probe from `arrays()`: node properties (N,) and class shares (N, K)."""
        probe = cls(trees=int(arrays["trees"]))
        probe.nodes = {name: np.asarray(arrays[name]) for name in (*_PARTS, "roots", "dim")}
        return probe

    def _leaves(self, x_ND: NDArray[np.float32], root: int) -> NDArray[np.int64]:
        left, right, feature = self.nodes["left"], self.nodes["right"], self.nodes["feature"]
        node_N = np.full(len(x_ND), root, dtype=np.int64)
        moving = np.arange(len(x_ND))
        while len(moving := moving[left[node_N[moving]] != _LEAF]):
            at = node_N[moving]
            goes_left = x_ND[moving, feature[at]] <= self.nodes["threshold"][at]
            node_N[moving] = np.where(goes_left, left[at], right[at])
        return node_N


def _flatten(trees: list[Any], *, dim: int) -> dict[str, NDArray[Any]]:
    """All trees in one set of arrays, their children renumbered."""
    sizes = np.array([tree.node_count for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def children(side: str) -> NDArray[np.int64]:
        own = [getattr(tree, f"children_{side}") for tree in trees]
        return np.concatenate([np.where(c == _LEAF, _LEAF, c + root) for c, root in zip(own, roots, strict=True)])

    return {
        "left": children("left"),
        "right": children("right"),
        "feature": np.concatenate([tree.feature for tree in trees]),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "shares": np.concatenate([tree.value[:, 0, :] for tree in trees]),
        "roots": roots,
        "dim": np.array(dim),
    }
