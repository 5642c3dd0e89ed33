"""Tasks with embeddings made from numbers: no audio, no model, everything else as in a real run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from noss.datasets import Clip, Dataset
from noss.errors import Failure
from noss.models import Card
from noss.pipeline._clips import Task
from noss.pipeline.embed import Embedded

CLASSES = ("calm", "happy", "sad")


class FakeStore:
    """Rows (L, D) by identity, in memory; remembers how often it was read."""

    def __init__(self, rows: dict[str, np.ndarray]) -> None:
        self.rows = rows
        self.num_lookups = 0

    def lookup(self, ids):
        self.num_lookups += 1
        return np.stack([self.rows[name] for name in ids]).astype(np.float32)

    def speed(self):
        return 2.0, 7200.0, "a machine"


def model(
    name: str = "made", *, revision: str = "r1", dim: int = 8, layers: int = 1, ranked: bool = True, mixed: bool = False
):
    card = Card(
        sample_rate=16_000, frame_rate=0.0, dim=dim, layers=layers, source="made", licence="CC0-1.0", weights=None,
        ranked=ranked, num_parameters=10, size_mb=0.1,
    )  # fmt: skip
    return SimpleNamespace(name=name, card=card, revision=revision, mixed=mixed, condition="", drift="")


def task(clips: list[Clip], *, classes: tuple[str, ...] | None = CLASSES, metric: str = "uar", **facts) -> Task:
    card = Dataset(
        title="Made", source="made", licence="CC0-1.0", targets={"mood": classes}, metric=metric,
        num_clips=len(clips), hours=0.1,
    )  # fmt: skip
    speakers = "disjoint" if all(clip.speaker for clip in clips) else "unknown"
    given = {"name": "made/mood", "dataset": "made", "target": "mood", "speakers": speakers, "root": Path("/data")}
    return Task(card=card, classes=classes, metric=metric, clips=clips, **{**given, **facts})


def clips(labels, *, num_speakers: int | None = 10, **columns) -> list[Clip]:
    """A clip a label, speakers in turn; further columns are lists as long as the labels."""
    return [
        Clip(
            path=Path(f"/data/clips/{row:05d}.wav"),
            labels={"mood": label},
            speaker=None if num_speakers is None else f"s{row % num_speakers:03d}",
            **{name: values[row] for name, values in columns.items()},
        )
        for row, label in enumerate(labels)
    ]


def embedded(given: Task, x_NLD: np.ndarray, *, failed: tuple[int, ...] = ()) -> Embedded:
    """Embeddings (N, L, D) of a task's clips; those of the rows in `failed` are lost."""
    ids = [None if row in failed else f"{row:032x}" for row in range(len(given.clips))]
    rows = {name: x_NLD[row] for row, name in enumerate(ids) if name is not None}
    failures = [
        Failure(file=str(given.clips[row].path), start_s=0.0, end_s=None, stage="read", reason="it is empty")
        for row in failed
    ]
    return Embedded(store=FakeStore(rows), ids=ids, failures=failures, newly_embedded=len(rows))


def mood_task(*, num: int = 240, noise: float = 1.0, seed: int = 0, dim: int = 8, **facts) -> tuple[Task, np.ndarray]:
    """A task of three moods in clusters `noise` wide, and its embeddings (N, 1, D)."""
    generator = np.random.default_rng(seed)
    y_N = generator.permutation(np.arange(num) % len(CLASSES))
    x_ND = np.eye(len(CLASSES), dim)[y_N] * 3 + noise * generator.standard_normal((num, dim))
    return task(clips([CLASSES[y] for y in y_N]), **facts), x_ND[:, None]
