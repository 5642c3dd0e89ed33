"""The twenty fits of the protocol `paper` beside the same grid in scikit-learn: seconds, ratio, scores.

    python benchmarks/paper_protocol.py --clips 2000 --dim 512 --classes 8 [--even]

Made embeddings with speakers; the splits are given. Each grid reads the same arrays, normalises, fits, and scores dev and
test. scikit-learn's is the original's: its estimators as they come, in turn, in the precision that the papers had. `--threads 1`
gives its BLAS one thread, which on a busy machine is the fairer comparison.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from noss import shelf
from noss.datasets import Clip, Dataset
from noss.pipeline._clips import Task
from noss.pipeline._predictions_data import Data
from noss.pipeline._protocol_paper_grid import Sides, by_speaker, grid, settings, unit_rows

MAKERS = {
    "LogisticRegression": lambda: LogisticRegression(C=1e5),
    "LogisticRegression_balanced": lambda: LogisticRegression(C=1e5, class_weight="balanced"),
    "LDA_LSQR_AUTO": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "Forest_unbalanced_100": lambda: RandomForestClassifier(100, random_state=0),
    "Forest_balanced_100": lambda: RandomForestClassifier(100, class_weight="balanced", random_state=0),
}


def made(num: int, dim: int, num_classes: int, *, even: bool) -> tuple[Data, np.ndarray, Sides]:
    """Classes in clusters, speakers with offsets; 60 % train, 20 % dev, 20 % test by speaker."""
    generator = np.random.default_rng(0)
    shares = np.ones(num_classes) if even else np.linspace(1, 2, num_classes)
    y_N = np.arange(num) // 50 % num_classes if even else generator.choice(num_classes, num, p=shares / shares.sum())
    speaker_N = np.arange(num) % 50
    directions_rD = generator.standard_normal((dim // 4, dim)) / 8
    x_ND = generator.standard_normal((num, dim // 4)) * 2 @ directions_rD + generator.standard_normal((num, dim)) / 2
    x_ND += (
        0.25 * generator.standard_normal((num_classes, dim))[y_N] + generator.standard_normal((50, dim))[speaker_N] / 2
    )
    classes = tuple(f"c{k:02d}" for k in range(num_classes))
    clips = [
        Clip(path=Path(f"{row}.wav"), labels={"c": classes[y]}, speaker=f"s{s}")
        for row, (y, s) in enumerate(zip(y_N, speaker_N, strict=True))
    ]
    card = Dataset(title="", source="", licence="", targets={"c": classes}, metric="accuracy", num_clips=num, hours=1.0)
    task = Task(
        card=card, classes=classes, metric="accuracy", clips=clips, name="made/c", dataset="made", target="c",
        speakers="disjoint", root=Path(),
    )  # fmt: skip
    data = Data(task=task, clips=clips, ids=[str(row) for row in range(num)], rows_N=np.arange(num), y_N=y_N)
    sides = Sides(*(np.flatnonzero(np.isin(speaker_N % 5, part)) for part in ((0, 1, 2), (3,), (4,))))
    return data, x_ND.astype(np.float32), sides


def ours(data: Data, x_ND: np.ndarray, sides: Sides) -> dict[tuple[str, bool, bool], tuple[float, float]]:
    """Dev and test accuracy by setting."""
    accuracy = shelf.load("metrics", "accuracy")
    tried = grid(data, x_ND, sides, settings=settings(True), metric=accuracy, seed=0)
    return {
        (one.setting.classifier, one.setting.l2, one.setting.speaker_normalisation != "none"): (
            one.dev,
            accuracy.score(data.y_N[sides.test_N], one.scores_NK.astype(float)),
        )
        for one in tried
        if one.setting.speaker_normalisation != "inductive"
    }


def theirs(
    data: Data, x_ND: np.ndarray, sides: Sides, seconds: dict[str, float]
) -> Iterator[tuple[tuple[str, bool, bool], tuple[float, float]]]:
    """The same with scikit-learn's estimators, one after the other; the seconds of each family are added up."""
    speakers = [clip.speaker for clip in data.clips]
    for l2 in (False, True):
        for by_voice in (False, True):
            start = time.perf_counter()
            z_ND = unit_rows(x_ND) if l2 else x_ND
            z_ND = by_speaker(z_ND, speakers, sides=sides) if by_voice else z_ND
            seconds["normalise"] += time.perf_counter() - start
            for name, make in MAKERS.items():
                start = time.perf_counter()
                rows_ND = z_ND if "Forest" in name else z_ND.astype(np.float64)
                with warnings.catch_warnings(action="ignore"):
                    fitted = make().fit(rows_ND[sides.fit_N], data.y_N[sides.fit_N])
                right = [np.mean(fitted.predict_proba(rows_ND[side]).argmax(1) == data.y_N[side]) for side in sides[1:]]
                seconds[name.split("_")[0]] += time.perf_counter() - start
                yield (name, l2, by_voice), (float(right[0]), float(right[1]))


def main() -> None:
    """Time both sides, round by round, and print a line a round."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("clips", 2000), ("dim", 512), ("classes", 8), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--even", action="store_true")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    data, x_ND, sides = made(given.clips, given.dim, given.classes, even=given.even)
    for _ in range(given.rounds):
        load, start, cpu = os.getloadavg()[0], time.perf_counter(), time.process_time()
        mine = ours(data, x_ND, sides)
        mine_s, mine_cpu_s = time.perf_counter() - start, time.process_time() - cpu
        seconds: dict[str, float] = defaultdict(float)
        start, cpu = time.perf_counter(), time.process_time()
        with threadpool_limits(given.threads):
            other = dict(theirs(data, x_ND, sides, seconds))
        other_s, other_cpu_s = time.perf_counter() - start, time.process_time() - cpu
        apart = max(abs(a - b) for key in other for a, b in zip(mine[key], other[key], strict=True))
        parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
        print(
            f"load {load:.1f}: ours {mine_s:.1f} s (CPU {mine_cpu_s:.1f}), scikit-learn {other_s:.1f} s "
            f"(CPU {other_cpu_s:.1f}; {parts}), ratio {other_s / mine_s:.1f}, furthest apart {100 * apart:.2f} points"
        )


if __name__ == "__main__":
    main()
