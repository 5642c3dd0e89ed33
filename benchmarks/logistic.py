"""The probe `logistic` against scikit-learn's cold path, side by side in one run.

    python benchmarks/logistic.py --clips 10000 --dim 1024 --classes 20 --runs 5 --reference-runs 3

The embeddings are made: 128 latent factors, classes apart in them, noise in every dimension. Both sides standardise
and solve the same regularisation values. scikit-learn solves each from zero (lbfgs, its default tolerance 1e-4, as many
iterations as it takes). Objectives are compared in double precision. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.probes.logistic import Probe

PATH: list[dict[str, Any]] = [dict(setting) for setting in Probe.SETTINGS]


def embeddings(
    num_clips: int, *, dim: int, num_classes: int, latent: int = 128
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Embeddings (N, D) with labels (N,) that lie in `latent` factors."""
    rng = np.random.default_rng(0)
    y_N = rng.integers(0, num_classes, num_clips)
    inner_NF = 0.6 * rng.standard_normal((num_classes, latent))[y_N] + rng.standard_normal((num_clips, latent))
    x_ND = inner_NF @ rng.standard_normal((latent, dim)) / np.sqrt(latent) + rng.standard_normal((num_clips, dim))
    return x_ND.astype(np.float32), y_N


def ours(x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Weights (K, D + 1) for every regularisation value, by the probe."""
    return [probe.weights_KE for probe in Probe.fit_all(x_ND, y_N, settings=PATH)]


def theirs(x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Weights (K, D + 1) for every regularisation value, by scikit-learn from zero."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaled_ND = StandardScaler().fit_transform(x_ND)
    fitted = [LogisticRegression(C=s["c"], max_iter=10_000).fit(scaled_ND, y_N) for s in PATH]
    return [np.concatenate([model.coef_, model.intercept_[:, None]], axis=1) for model in fitted]


def objective(x_ND: NDArray[np.float64], y_N: NDArray[np.int64], weights_KE: NDArray[np.float64], c: float) -> float:
    """What both minimise, on standardised embeddings (N, D)."""
    logits_NK = x_ND @ weights_KE[:, :-1].T + weights_KE[:, -1]
    loss_N = np.logaddexp.reduce(logits_NK, axis=1) - logits_NK[np.arange(len(y_N)), y_N]
    return float(c * loss_N.sum() + 0.5 * (weights_KE[:, :-1] ** 2).sum())


def timed(solve: Callable[..., Any], x_ND: NDArray[np.float32], y_N: NDArray[np.int64]) -> tuple[float, Any]:
    """Seconds, and what came out."""
    start = time.perf_counter()
    solved = solve(x_ND, y_N)
    return time.perf_counter() - start, solved


def main() -> None:
    """Run both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    for name, value in (("clips", 10_000), ("dim", 1024), ("classes", 20), ("runs", 5), ("reference-runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    x_ND, y_N = embeddings(options.clips, dim=options.dim, num_classes=options.classes)
    unseen_ND, answer_N = x_ND[: options.clips // 5], y_N[: options.clips // 5]
    timed(ours, unseen_ND, answer_N)
    own_s, reference_s = [], []
    for run in range(options.runs):
        seconds, own = timed(ours, x_ND, y_N)
        own_s.append(seconds)
        if run < options.reference_runs:
            seconds, reference = timed(theirs, x_ND, y_N)
            reference_s.append(seconds)
    show(own_s, reference_s)
    compare(x_ND, y_N, own, reference)


def show(own_s: list[float], reference_s: list[float]) -> None:
    """Print the times."""
    print("| solver | runs | median s | all s |\n| --- | --- | --- | --- |")
    for name, all_s in (("scikit-learn, cold path", reference_s), ("noss logistic", own_s)):
        print(f"| {name} | {len(all_s)} | {statistics.median(all_s):.2f} | {', '.join(f'{s:.2f}' for s in all_s)} |")
    print(f"\nRatio of medians: {statistics.median(reference_s) / statistics.median(own_s):.1f}\n")


def compare(
    x_ND: NDArray[np.float32],
    y_N: NDArray[np.int64],
    own: list[NDArray[np.float64]],
    reference: list[NDArray[np.float64]],
) -> None:
    """Print the relative difference of objectives and the share of training clips answered alike."""
    scaled_ND = (x_ND - x_ND.mean(axis=0, dtype=np.float64)) / x_ND.std(axis=0, dtype=np.float64)
    print("| c | objective | ours / scikit-learn - 1 | answered alike |\n| --- | --- | --- | --- |")
    for setting, a_KE, b_KE in zip(PATH, own, reference, strict=True):
        a, b = (objective(scaled_ND, y_N, weights_KE, setting["c"]) for weights_KE in (a_KE, b_KE))
        answers = [(scaled_ND @ weights_KE[:, :-1].T + weights_KE[:, -1]).argmax(axis=1) for weights_KE in (a_KE, b_KE)]
        print(f"| {setting['c']:g} | {a:.6g} | {a / b - 1:+.1e} | {np.mean(answers[0] == answers[1]):.4f} |")


if __name__ == "__main__":
    main()
