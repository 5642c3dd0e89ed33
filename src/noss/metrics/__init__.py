"""SHELF: numbers that say how good predictions are. One file a metric; this page is the contract.

A metric file defines `METRIC` and two functions::

    METRIC = Metric(title="Unweighted average recall", higher_is_better=True, takes="scores", best=1.0, source=...)

    def score(true_N, scores_NK) -> float: ...
    def draws(true_N, scores_NK, weights_RN) -> values_R: ...

`draws` gives the metric for R re-weightings of the clips at once: weight 2 counts a clip twice, weight 0 leaves it
out. It is what makes thousands of bootstrap draws cheap, and must equal `score` on the clips repeated that often.
`score` is `draws` with all weights one.

`true_N` holds class indices (int64) or numbers (float64); `scores_NK` scores of K classes, or (N, 1) numbers. A class
may be absent from `true_N`: a metric that averages over classes averages over those present. Where a draw leaves
nothing to measure (say, one class only), `draws` gives NaN for it and `score` raises `ValueError`.

A file may also define `shares(true_N, scores_NK) -> shares_N`, where the metric is a sum over clips of what each adds by
itself, the labels of all given: the shares sum to `score`. The paired test then swaps single answers of two models
exactly; of any other metric it swaps what leaving a speaker out takes away.

A file may also define `chance(true_N, num_classes) -> float`: the value of the best answer that is the same for every
clip (the most frequent class, the class shares, the median), to be shown beside a score. `num_classes` is K, and 0
for numbers. It is absent where such an answer tells nothing (a constant can be perfectly calibrated).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Facts about a metric.

    Attributes:
        title: Its full name.
        higher_is_better: Which end is good.
        best: Its value for perfect predictions.
        takes: `scores` (classes, any scores), `probabilities` (classes, rows sum to 1) or `numbers`.
        binary_only: Whether it is defined for two classes only (class 1 is the positive one).
        percent: Whether reports show it times 100.
        source: The paper or standard it follows.
    """

    title: str
    higher_is_better: bool
    best: float
    takes: Literal["scores", "probabilities", "numbers"]
    source: str
    binary_only: bool = False
    percent: bool = True
