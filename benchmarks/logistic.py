"""The probe `logistic` against scikit-learn's cold path, side by side in one run.

    python benchmarks/logistic.py --rounds 5 --matched-rounds 3
    OMP_NUM_THREADS=1 python benchmarks/logistic.py --rounds 5 --matched-rounds 3

Run both: BLAS threads that wait for a busy core can cost scikit-learn more than its arithmetic does.

The embeddings are made: 128 latent factors, classes apart in them, noise in every dimension. All sides standardise and
solve the same regularisation values. scikit-learn (lbfgs, each value from zero, as many iterations as it takes) runs
twice: at its default tolerance, which stops short of the optimum where regularisation is weak, and at equal objective:
for each value the loosest power of ten whose objective is within 1e-4 of the probe's, found before and not timed.

Every round runs all sides one after the other, and a ratio is taken within a round, so that a machine that gets busier
or quieter between rounds favours nobody. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.probes.logistic import Probe

DEFAULT_TOLERANCE = 1e-4
Seconds = tuple[float, float]
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


def theirs(x_ND: NDArray[np.float32], y_N: NDArray[np.int64], tolerances: Sequence[float]) -> list[NDArray[np.float64]]:
    """Weights (K, D + 1) for every regularisation value, by scikit-learn from zero."""
    from sklearn.preprocessing import StandardScaler

    scaled_ND = StandardScaler().fit_transform(x_ND)
    return [one(scaled_ND, y_N, setting["c"], tol) for setting, tol in zip(PATH, tolerances, strict=True)]


def one(scaled_ND: NDArray[Any], y_N: NDArray[np.int64], c: float, tolerance: float) -> NDArray[np.float64]:
    """scikit-learn's weights (K, D + 1) for one value."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, tol=tolerance, max_iter=100_000).fit(scaled_ND, y_N)
    return np.concatenate([model.coef_, model.intercept_[:, None]], axis=1)


def matched_tolerances(
    x_ND: NDArray[np.float32], y_N: NDArray[np.int64], own: list[NDArray[np.float64]]
) -> list[float]:
    """For each value the loosest tolerance that brings scikit-learn within 1e-4 of our objective."""
    scaled_ND, found = standardised(x_ND), []
    single_ND = scaled_ND.astype(np.float32)
    for setting, weights_KE in zip(PATH, own, strict=True):
        c, tolerance = setting["c"], DEFAULT_TOLERANCE
        goal = objective(scaled_ND, y_N, weights_KE, c) * (1 + 1e-4)
        while tolerance > 1e-11 and objective(scaled_ND, y_N, one(single_ND, y_N, c, tolerance), c) > goal:
            tolerance /= 10
        found.append(tolerance)
        print(f"c {c:g} needs tolerance {tolerance:g}", file=sys.stderr, flush=True)
    return found


def standardised(x_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    """Embeddings (N, D) in double precision, for comparing objectives."""
    scaled_ND: NDArray[np.float64] = (x_ND - x_ND.mean(axis=0, dtype=np.float64)) / x_ND.std(axis=0, dtype=np.float64)
    return scaled_ND


def objective(x_ND: NDArray[np.float64], y_N: NDArray[np.int64], weights_KE: NDArray[np.float64], c: float) -> float:
    """What both minimise, on standardised embeddings (N, D)."""
    logits_NK = x_ND @ weights_KE[:, :-1].T + weights_KE[:, -1]
    loss_N = np.logaddexp.reduce(logits_NK, axis=1) - logits_NK[np.arange(len(y_N)), y_N]
    return float(c * loss_N.sum() + 0.5 * (weights_KE[:, :-1] ** 2).sum())


def timed(solve: Callable[..., Any], *arguments: Any) -> tuple[Seconds, Any]:
    """Seconds on the wall and of all cores, and what came out."""
    wall, cpu = time.perf_counter(), time.process_time()
    solved = solve(*arguments)
    return (time.perf_counter() - wall, time.process_time() - cpu), solved


def main() -> None:
    """Run all sides in turn and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    for name, value in (("clips", 10_000), ("dim", 1024), ("classes", 20), ("rounds", 5), ("matched-rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--tolerances", type=float, nargs=len(PATH), help="those found by an earlier run")
    options = parser.parse_args()
    x_ND, y_N = embeddings(options.clips, dim=options.dim, num_classes=options.classes)
    default, own = [DEFAULT_TOLERANCE] * len(PATH), ours(x_ND, y_N)
    matched = options.tolerances or (matched_tolerances(x_ND, y_N, own) if options.matched_rounds else default)
    own_s, default_s, matched_s = [], [], []
    for turn in range(options.rounds):
        own_s.append(timed(ours, x_ND, y_N)[0])
        seconds, reference = timed(theirs, x_ND, y_N, default)
        default_s.append(seconds)
        if turn < options.matched_rounds:
            seconds, reference_matched = timed(theirs, x_ND, y_N, matched)
            matched_s.append(seconds)
        walls = ", ".join(f"{runs[-1][0]:.2f}" for runs in (own_s, default_s, matched_s) if runs)
        print(f"round {turn + 1}, load {os.getloadavg()[0]:.1f}, last wall s {walls}", file=sys.stderr, flush=True)
    show(own_s, {"scikit-learn, default tolerance": default_s, "scikit-learn, equal objective": matched_s})
    references = {"default tolerance": (default, reference)}
    if matched_s:
        references["equal objective"] = (matched, reference_matched)
    compare(x_ND, y_N, references, own=own)


def show(own_s: list[Seconds], references: dict[str, list[Seconds]]) -> None:
    """Print the times, and the ratio to ours of the same round."""
    print("| solver | rounds | wall s, median | wall s, all | CPU s, median | wall ratio, median | all |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, runs in {"noss logistic": own_s, **references}.items():
        if runs:
            wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
            ratios = [run[0] / own[0] for run, own in zip(runs, own_s, strict=False)]
            walls, shown = ", ".join(f"{r[0]:.2f}" for r in runs), ", ".join(f"{ratio:.1f}" for ratio in ratios)
            print(
                f"| {name} | {len(runs)} | {wall:.2f} | {walls} | {cpu:.2f} | {statistics.median(ratios):.1f} | {shown} |"
            )


def compare(
    x_ND: NDArray[np.float32],
    y_N: NDArray[np.int64],
    references: dict[str, tuple[list[float], list[NDArray[np.float64]]]],
    *,
    own: list[NDArray[np.float64]],
) -> None:
    """Print the relative difference of objectives and the share of training clips answered alike."""
    scaled_ND = standardised(x_ND)
    for name, (tolerances, weights) in references.items():
        print(f"\nAgainst scikit-learn, {name}:\n")
        print(
            "| c | its tolerance | our objective | ours / its - 1 | answered alike |\n| --- | --- | --- | --- | --- |"
        )
        for setting, tol, a_KE, b_KE in zip(PATH, tolerances, own, weights, strict=True):
            a, b = (objective(scaled_ND, y_N, w_KE, setting["c"]) for w_KE in (a_KE, b_KE))
            answers = [(scaled_ND @ w_KE[:, :-1].T + w_KE[:, -1]).argmax(axis=1) for w_KE in (a_KE, b_KE)]
            alike = np.mean(answers[0] == answers[1])
            print(f"| {setting['c']:g} | {tol:g} | {a:.6g} | {a / b - 1:+.1e} | {alike:.4f} |")


if __name__ == "__main__":
    main()
