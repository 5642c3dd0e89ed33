"""How alike the layers of models are: what an analysis found on the clips of one dataset, and how a cell of it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A model that was compared: its name and revision, its layers, and the clips, as many and with which identities."""

    name: str
    revision: str
    layers: int
    dim: int
    num_clips: int
    clips: str


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Linear CKA of all layers of some models on the clips of a dataset.

    Attributes:
        dataset: Name of the dataset, as given, without a target.
        estimator: How HSIC was estimated; `unbiased` is 0 in the mean for embeddings with nothing in common.
        standardised: Whether each dimension was divided by its deviation first.
        models: The models, in the order given.
        layers: What each row and column is, as a place in `models` and a layer of that model.
        cka: A row a layer, of a value a layer; None where it is not defined.
        low: Lower ends of the 95 % intervals, laid out as `cka`; empty where none were made.
        high: Upper ends.
        interval: How the intervals were made, in words, or why there are none.
        num_clips: Clips that every model has.
        num_left_out: Clips of the dataset that some model lacks.
        num_speakers: Speakers among the clips; None where unknown.
        seed: The seed of the order of clips, which minibatches follow.
        signature: Hash over everything that determines the values.
        noss_version: The version that made it.
        date: UTC, ISO 8601.
        seconds: Wall time of the comparison, embedding left out.
        notes: What is to be known beside the values, a line each.
    """

    dataset: str
    estimator: Literal["unbiased", "plain", "minibatch"]
    standardised: bool
    models: list[Compared]
    layers: list[list[int]]
    cka: list[list[float | None]]
    low: list[list[float | None]]
    high: list[list[float | None]]
    interval: str
    num_clips: int
    num_left_out: int
    num_speakers: int | None
    seed: int
    signature: str
    noss_version: str
    date: str
    seconds: float
    notes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """What each row and column is called: the model, and its layer where it has several."""
        return [layer_name(self.models[model], layer) for model, layer in self.layers]

    @property
    def title(self) -> str:
        """The dataset, and the kind of estimate where it is not the default one."""
        words: list[str] = [self.estimator] if self.estimator != "unbiased" else []
        words += ["standardised"] if self.standardised else []
        return f"{self.dataset} ({', '.join(words)})" if words else self.dataset

    @property
    def neighbours(self) -> list[tuple[str, int, float | None]]:
        """Each layer but a model's first: the model's name, the layer, and CKA with the layer before it."""
        return [
            (self.models[model].name, layer, self.cka[row][row - 1])
            for row, ((before, _), (model, layer)) in enumerate(pairwise(self.layers), start=1)
            if before == model
        ]

    def interval_of(self, row: int, column: int) -> str:
        """The interval of a cell as `0.61, 0.70`; empty where there is none, or the two are the same."""
        if not self.low or row == column:
            return ""
        low, high = self.low[row][column], self.high[row][column]
        return "" if low is None or high is None else f"{in_words(low)}, {in_words(high)}"


def layer_name(model: Compared, layer: int) -> str:
    """`MODEL@3` for layer 3 of a model with several; else its name alone."""
    if model.layers == 1:
        return model.name
    body, at, tail = model.name.rpartition("@all")
    if not at:
        return f"{model.name}, layer {layer}"
    return f"{body}@{layer}{tail}"


def in_words(value: float | None, *, digits: int = 2) -> str:
    """A value with so many decimals and a true minus sign; a dash where it is not defined."""
    if value is None:
        return "–"
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
