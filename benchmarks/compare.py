"""How long `noss compare` takes: 20 models on 10 tasks of 2,000 clips, 10,000 permutations, 2,000 draws, from files on disk.

Run as `python benchmarks/compare.py`. The bar is 60 s on two cores. Metrics are mixed: those that are sums over clips, whose
answers are swapped, and others, of which what a speaker adds is swapped. Beside it stands one pair of one task tested
by swapping the answers themselves, weighting by weighting, as a test without the sums would have to.
"""

from __future__ import annotations

import platform
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss import __version__, shelf
from noss.pipeline._predictions import Predictions, predictions_path, write_predictions
from noss.pipeline.compare import compare

MODELS, CLIPS, SPEAKERS, PERMUTATIONS = 20, 2000, 100, 10_000
METRICS = {"uar": (4, 8, 20, 4), "accuracy": (8, 12), "macro_f1": (6,), "eer": (2,), "auc": (2,), "ccc": (0,)}


def answers(num_classes: int, model: int, *, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Labels (N,) and scores (N, K) of a model on a task; models differ by speaker."""
    truth, own = np.random.default_rng(seed), np.random.default_rng([seed, model])
    ease_N = (0.8 + 0.02 * model + own.normal(0, 0.5, SPEAKERS))[np.arange(CLIPS) % SPEAKERS]
    if not num_classes:
        true_N = truth.normal(size=CLIPS)
        return true_N, (ease_N * true_N + own.normal(size=CLIPS))[:, None]
    true_N = truth.integers(num_classes, size=CLIPS)
    return true_N, ease_N[:, None] * np.eye(num_classes)[true_N] + own.normal(size=(CLIPS, num_classes))


def write(run: Path, metric: str, num_classes: int, place: int) -> None:
    """Predictions of every model on a task; two tasks share a corpus."""
    for model in range(MODELS):
        true_N, scores_NK = answers(num_classes, model, seed=place)
        facts = {
            "model": f"model{model}", "model_revision": "1", "dataset": f"corpus{place // 2}", "target": f"target{place}",
            "classes": [f"class{k}" for k in range(num_classes)] or None, "protocol": "clean", "splits": "", "metric": metric,
            "probe": "logistic", "ranked": True, "seed": 0, "signature": "1", "noss_version": __version__, "root": "",
        }  # fmt: skip
        predictions = Predictions(
            facts=facts,
            ids=[f"{row:032x}" for row in range(CLIPS)],
            files=[f"{row}.wav" for row in range(CLIPS)],
            start_s=np.zeros(CLIPS),
            end_s=[None] * CLIPS,
            speakers=[f"s{row % SPEAKERS}" for row in range(CLIPS)],
            folds=[None] * CLIPS,
            true_N=true_N,
            scores_NK=scores_NK,
        )
        path = predictions_path(run, model=f"model{model}", task=f"corpus{place // 2}/target{place}", probe="logistic")
        write_predictions(path, predictions)


def plain_pair(permutations: int) -> float:
    """Seconds to test one pair by weighting each model's answers in or out, one row a permutation."""
    metric = shelf.load("metrics", "uar")
    true_N, a_NK = answers(8, 0, seed=1)
    b_NK, both_N = answers(8, 1, seed=1)[1], np.concatenate([true_N, true_N])
    start = time.perf_counter()
    generator = np.random.default_rng(0)
    for _ in range(permutations // 500):
        kept_RN = generator.integers(2, size=(500, SPEAKERS))[:, np.arange(CLIPS) % SPEAKERS].astype(np.float32)
        for side_RN in (kept_RN, 1 - kept_RN):
            metric.draws(both_N, np.concatenate([a_NK, b_NK]), np.concatenate([side_RN, 1 - side_RN], axis=1))
    return time.perf_counter() - start


def main() -> None:
    """Print the seconds of each task alone, and of all together."""
    tasks = [(metric, num) for metric, sizes in METRICS.items() for num in sizes]
    print(f"{platform.processor() or platform.machine()}: {MODELS} models, {CLIPS} clips, {SPEAKERS} speakers a task")
    with tempfile.TemporaryDirectory() as folder:
        for place, (metric, num) in enumerate(tasks):
            write(Path(folder), metric, num, place)
        for place, (metric, num) in enumerate(tasks):
            start = time.perf_counter()
            compare([folder], tasks=[f"corpus{place // 2}/target{place}"], permutations=PERMUTATIONS)
            print(f"{metric:<10} {num:>3} classes {time.perf_counter() - start:>8.2f} s", flush=True)
        start, started = time.perf_counter(), time.process_time()
        compare([folder], permutations=PERMUTATIONS)
        print(
            f"all {len(tasks)} tasks and the suite {time.perf_counter() - start:.1f} s, {time.process_time() - started:.1f} s of processor"
        )
    pairs = MODELS * (MODELS - 1) // 2 * len(tasks)
    taken = plain_pair(1000) * PERMUTATIONS / 1000
    print(f"one pair by its answers {taken:.2f} s: {pairs} pairs would take {pairs * taken / 60:.0f} min")


if __name__ == "__main__":
    main()
