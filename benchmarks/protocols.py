"""CPU seconds of each protocol from embeddings to records, beside `clean` on the same embeddings.

    python benchmarks/protocols.py --clips 2000 --dim 256 --classes 8 --speakers 40

Made embeddings with speakers, in memory: nothing is embedded. `verify` asks who speaks, the others which class. Probing and
scoring (2,000 draws, every metric the protocol has) are told apart.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from noss.datasets import Clip, Dataset
from noss.models import Card
from noss.pipeline._clips import Task
from noss.pipeline._protocol import run_protocol
from noss.pipeline.embed import Embedded
from noss.pipeline.score import score_predictions

CARD = Card(sample_rate=16_000, frame_rate=0.0, dim=1, source="made", licence="CC0-1.0", weights=None)


class Memory:
    """A store that holds its rows in memory."""

    def __init__(self, x_ND: np.ndarray) -> None:
        self._x_NLD = x_ND[:, None]

    def lookup(self, ids: list[str]) -> np.ndarray:
        """Rows (N, 1, D) by identity."""
        return self._x_NLD[[int(name, 16) for name in ids]]

    def speed(self) -> tuple[float, float, str]:
        """Made up: nothing is embedded."""
        return 1.0, 3600.0, "made"


def made(num: int, dim: int, num_classes: int, num_speakers: int) -> tuple[Task, Task, Embedded]:
    """A task of classes, one of speakers, and embeddings in which both can be heard."""
    generator = np.random.default_rng(0)
    speaker_N, y_N = np.arange(num) % num_speakers, generator.integers(num_classes, size=num)
    x_ND = generator.standard_normal((num, dim)) + 0.25 * generator.standard_normal((num_classes, dim))[y_N]
    x_ND += 0.4 * generator.standard_normal((num_speakers, dim))[speaker_N]
    classes, speakers = ([f"{kind}{n:03d}" for n in range(k)] for kind, k in (("c", num_classes), ("s", num_speakers)))
    clips = [
        Clip(path=Path(f"{row:06d}.wav"), labels={"class": classes[y], "speaker": speakers[s]}, speaker=speakers[s])
        for row, (y, s) in enumerate(zip(y_N, speaker_N, strict=True))
    ]
    targets = {"class": tuple(classes), "speaker": tuple(speakers)}
    card = Dataset(title="", source="", licence="", targets=targets, metric="uar", num_clips=num, hours=1.0)
    task = Task(
        name="made/class", dataset="made", target="class", card=card, classes=targets["class"], metric="uar",
        clips=clips, speakers="disjoint", root=Path(),
    )  # fmt: skip
    who = replace(task, name="made/speaker", target="speaker", classes=targets["speaker"], speakers="shared")
    return task, who, Embedded(store=Memory(x_ND.astype(np.float32)), ids=[f"{row:032x}" for row in range(num)])


def timed(task: Task, embedded: Embedded, protocol: str) -> tuple[int, float, float]:
    """Numbers that a protocol gives, and CPU seconds to predict and to score all of them."""
    model = SimpleNamespace(name="made", card=CARD, revision="made", mixed=False)
    with tempfile.TemporaryDirectory() as out:
        start = time.process_time()
        paths = run_protocol(task, embedded, model=model, out=Path(out), protocol=protocol)
        middle = time.process_time()
        for path in paths:
            score_predictions(path)
        return len(paths), middle - start, time.process_time() - middle


def main() -> None:
    """Print a table, a row a protocol."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("clips", 2000), ("dim", 256), ("classes", 8), ("speakers", 40)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    task, who, embedded = made(given.clips, given.dim, given.classes, given.speakers)
    timed(task, embedded, "clean")
    base = sum(timed(task, embedded, "clean")[1:])
    print("| protocol | numbers | predict, CPU s | score, CPU s | x clean |\n| :-- | --: | --: | --: | --: |")
    for protocol in ("clean", "intra", "few", "verify"):
        num, predict_s, score_s = timed(who if protocol == "verify" else task, embedded, protocol)
        print(
            f"| {protocol} | {num} | {predict_s:.1f} | {score_s:.1f} | {(predict_s + score_s) / base:.1f} |", flush=True
        )


if __name__ == "__main__":
    main()
