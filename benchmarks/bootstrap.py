"""How long intervals take: 2,000 draws on 10,000 clips, one metric and all, speakers drawn and clips drawn.

Run as `python benchmarks/bootstrap.py`. The bar is 2 s for one metric. The coverage of the intervals is measured by
`pytest tests/pipeline/test_bootstrap.py -m slow`.
"""

from __future__ import annotations

import platform
import statistics
import time
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.pipeline._bootstrap import interval

CLIPS, CLASSES, SPEAKERS, DRAWS, REPEATS = 10_000, 20, 200, 2000, 5


def clips(num_classes: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels (N,) and probabilities (N, K) that are right about half the time."""
    generator = np.random.default_rng(0)
    true_N = generator.integers(num_classes, size=CLIPS)
    logits_NK = generator.standard_normal((CLIPS, num_classes)) + 2 * np.eye(num_classes)[true_N]
    odds_NK = np.exp(logits_NK)
    return true_N, odds_NK / odds_NK.sum(1, keepdims=True)


def seconds(metric: ModuleType, cluster_N: NDArray[np.int64]) -> float:
    """Median wall time of one interval."""
    facts = metric.METRIC
    if facts.takes == "numbers":
        true_N, scores_NK = np.random.default_rng(0).standard_normal(CLIPS), np.random.default_rng(1).random((CLIPS, 1))
    else:
        true_N, scores_NK = clips(2 if facts.binary_only else CLASSES)
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        interval(metric, true_N, scores_NK, cluster_N, draws=DRAWS)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    """Print a row a metric."""
    print(f"{platform.processor() or platform.machine()}, {CLIPS} clips, {DRAWS} draws, median of {REPEATS}, seconds")
    print(f"{'metric':<12} {'200 speakers':>12} {'clips':>8}")
    speaker_N = np.random.default_rng(0).integers(SPEAKERS, size=CLIPS)
    for name in shelf.names("metrics"):
        metric = shelf.load("metrics", name)
        print(f"{name:<12} {seconds(metric, speaker_N):>12.2f} {seconds(metric, np.arange(CLIPS)):>8.2f}")


if __name__ == "__main__":
    main()
