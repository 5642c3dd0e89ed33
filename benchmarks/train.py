"""How much of a step of training is the model's: the whole loop against forward, backward and step on ready tensors.

    NOSS_DATA=DIR python benchmarks/train.py [--steps 10] [--repeats 3] [--students mobilenet_v3/small-2.0 ...]

`DIR/train` holds recordings; without it, noises are made. Blocks of steps of the loop (workers load, augment and decode; targets
come from the store; curves are logged) take turns with blocks of the same steps on one ready batch, so that other work on the
machine slows both. Beside wall time stand CPU seconds of all processes, which it hardly changes, and the share of the loop's
time that it waits for data. The first steps of a block, in which workers start, are not counted. Five minutes a student on two idle cores.

    python benchmarks/train.py --loading

times loading alone: files, shards here, and shards on a local S3-compatible server that takes its time (extras: `noss[s3]`, and
`moto[s3] flask flask-cors`), members of a batch together, one by one, and by the whole shard.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile
import torch
from accelerate import Accelerator

from noss.pipeline import _train_loop
from noss.pipeline._train_batches import Batches, Crop, Loaded
from noss.pipeline._train_corpus import Draws, open_corpus
from noss.pipeline._train_log import Log
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_setup import make_optimizer
from noss.pipeline._train_start import start
from noss.pipeline._train_teacher import with_targets
from noss.places import store
from noss.shards import write_shards

SKIPPED = 4
STUDENTS = ("mobilenet_v3/small-2.0", "efficientnet_v2/b0")
AUGMENT: dict[str, dict[str, Any]] = {"gain": {}, "noise": {}, "room": {}, "speed": {}}
CASES: dict[str, dict[str, Any]] = {
    "match_teacher": {"objective": "match_teacher", "teacher": "logmel_stats", "targets": "global"},
    "match_teacher, augmented": {
        "objective": "match_teacher",
        "teacher": "logmel_stats",
        "targets": "global",
        "augment": AUGMENT,
    },
    "triplet": {"objective": "triplet"},
    "triplet, augmented": {"objective": "triplet", "augment": AUGMENT},
}


def _cpu_s() -> float:
    """CPU seconds of this process and its workers."""
    own = psutil.Process()
    found = [own, *own.children(recursive=True)]
    return float(sum(sum(process.cpu_times()[:2]) for process in found))


@dataclass
class Clock:
    """What one way took, a block after the other: wall and CPU seconds a step, and seconds that it waited for data."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)

    def add(self, marks: list[tuple[float, float, float]]) -> None:
        """Count a block from its marks (time before a batch, time when it was there, CPU seconds), a mark a step."""
        (began, _, cpu_began), (ended, _, cpu_ended) = marks[0], marks[-1]
        steps = len(marks) - 1
        self.wall_s.append((ended - began) / steps)
        self.cpu_s.append((cpu_ended - cpu_began) / steps)
        self.waited.append(sum(there - before for before, there, _ in marks[:-1]) / (ended - began))


def _watched(waiting: Iterator[Loaded], marks: list[tuple[float, float, float]]) -> Iterator[Loaded]:
    while True:
        before, cpu_s = time.perf_counter(), _cpu_s()
        loaded = next(waiting)
        marks.append((before, time.perf_counter(), cpu_s))
        yield loaded


def _loop_block(loop: Any, folder: Path, steps: int) -> list[tuple[float, float, float]]:
    marks: list[tuple[float, float, float]] = []
    loader = _train_loop.loader
    loop._recipe = replace(loop._recipe, steps=loop.step + steps)
    _train_loop.loader = lambda *given, **options: _watched(loader(*given, **options), marks)
    try:
        with Log(folder, step=loop.step, steps=loop.step + steps) as log:
            loop.run(folder, log)
    finally:
        _train_loop.loader = loader
    return marks[SKIPPED:]


def _bare_block(objective: Any, optimizer: Any, batch: Any, steps: int) -> list[tuple[float, float, float]]:
    marks = []
    for _ in range(steps):
        now = time.perf_counter()
        marks.append((now, now, _cpu_s()))
        objective(batch)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(objective.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    return marks[SKIPPED:]


def measure(student: str, case: str, *, data: Path, steps: int, repeats: int, batch_size: int) -> str:
    """A row of the table."""
    given: dict[str, Any] = {"student": student, "data": [str(data)], "steps": 10**6, "validate_every": 10**6}
    recipe = Recipe(**given, **CASES[case], validation=0.0, batch_size=batch_size)
    clocks = {"loop": Clock(), "bare": Clock()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loop = start(recipe, folder, accelerator=Accelerator(cpu=True), root=(), cache=folder / "cache", workers=None)
        objective = copy.deepcopy(loop._plain)
        optimizer = make_optimizer(objective, recipe)
        batch = with_targets(loop._train[0], loop._teachers, 0)
        for _ in range(repeats):
            clocks["bare"].add(_bare_block(objective, optimizer, batch, steps))
            clocks["loop"].add(_loop_block(loop, folder, steps))
    whole, bare = clocks["loop"], clocks["bare"]
    middle = statistics.median
    wall = middle(mine / its for mine, its in zip(whole.wall_s, bare.wall_s, strict=True))
    cpu = middle(mine / its for mine, its in zip(whole.cpu_s, bare.cpu_s, strict=True))
    waited = middle(whole.waited)
    return (
        f"| {student} | {case} | {batch_size / middle(bare.wall_s):.1f} | {batch_size / middle(whole.wall_s):.1f} | "
        f"{wall:.2f} | {middle(bare.cpu_s):.2f} | {middle(whole.cpu_s):.2f} | {cpu:.2f} | {100 * waited:.1f} % |"
    )


def _data(folder: Path, most: int) -> Path:
    """A folder of links to real recordings, as many as are wanted, or of noises."""
    there = Path(os.environ.get("NOSS_DATA", "nowhere")) / "train"
    files = [path for path in sorted(there.rglob("*")) if path.suffix in {".wav", ".flac", ".ogg", ".opus"}]
    for number, path in enumerate(files[:: max(1, len(files) // most)][:most]):
        (folder / f"{number:05d}{path.suffix}").symlink_to(path.resolve())
    generator = np.random.default_rng(0)
    for number in range(0 if files else most):
        noise = 0.1 * generator.standard_normal(int(generator.uniform(1, 6) * 16_000))
        soundfile.write(folder / f"{number:05d}.flac", noise, 16_000)
    return folder


def loading(data: Path, *, delay_ms: int = 20, batches: int = 6, size: int = 32) -> None:
    """Print what a batch of crops costs to load, from each place."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["NOSS_CACHE"] = str(folder / "cache")
        write_shards([str(data)], out=folder / "shards", megabytes=8.0)
        with _Server(delay_ms) as endpoint:
            _upload(folder / "shards", endpoint)
            ways: dict[str, tuple[str, Callable[..., Any]]] = {
                "files": (str(data), store.read_ranges),
                "shards here": (f"shards/{folder}/shards", store.read_ranges),
                f"shards on a store, {delay_ms} ms an answer": ("shards/s3://voices/shards", store.read_ranges),
                "the same, one member after the other": ("shards/s3://voices/shards", _one_by_one),
            }
            sys.stdout.write("\n| from | ms a crop | CPU ms a crop |\n| :-- | --: | --: |\n")
            for way, (source, ranges) in ways.items():
                _time_loading(way, source, ranges, cache=folder / "cache", batches=batches, size=size)
            began = time.perf_counter()
            shards = sorted((folder / "shards").glob("*.tar"))
            for shard in shards:
                store.bring(f"s3://voices/shards/{shard.name}", folder / "copy.tar")
            took_s = time.perf_counter() - began
            told = sum(shard.stat().st_size for shard in shards) / 1e6
            sys.stdout.write(f"\nWhole shards: {len(shards)} of {told:.0f} MB together in {took_s:.2f} s\n")


def _time_loading(way: str, source: str, ranges: Callable[..., Any], *, cache: Path, batches: int, size: int) -> None:
    given: dict[str, Any] = {"student": "audiontt/512", "objective": "triplet", "data": [source], "steps": 1}
    corpus = open_corpus(Recipe(**given, validation=0.0), roots={}, cache=cache)
    made = Batches(
        Draws(corpus.train, corpus.shares, seed=0), crop=Crop(sample_rate=16_000, crop_s=2.0), size=size, seed=0
    )
    kept, store.read_ranges = store.read_ranges, ranges
    try:
        made[0]
        began, cpu_s = time.perf_counter(), time.process_time()
        for number in range(1, batches + 1):
            made[number]
        took_s, took_cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
    finally:
        store.read_ranges = kept
    crops = batches * size
    sys.stdout.write(f"| {way} | {1e3 * took_s / crops:.2f} | {1e3 * took_cpu_s / crops:.2f} |\n")


_together = store.read_ranges


def _one_by_one(ranges: Any) -> list[bytes]:
    return [content for one in ranges for content in _together([one])]


class _Server:
    """A local server that speaks S3, and answers late."""

    def __init__(self, delay_ms: int) -> None:
        script = Path(__file__).parent.parent / "tests" / "s3_server.py"
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(delay_ms)], stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        endpoint = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
        os.environ.update(keys, AWS_ENDPOINT_URL=endpoint)
        return endpoint

    def __exit__(self, *_: Any) -> None:
        self._process.kill()
        self._process.wait()


def _upload(folder: Path, endpoint: str) -> None:
    import requests

    requests.put(f"{endpoint}/voices", timeout=60).raise_for_status()
    for path in folder.iterdir():
        requests.put(f"{endpoint}/voices/shards/{path.name}", data=path.read_bytes(), timeout=60).raise_for_status()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Training throughput.")
    parser.add_argument("--loading", action="store_true")
    parser.add_argument("--students", nargs="*", default=STUDENTS)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data = _data(Path(name), 200)
        if given.loading:
            loading(data)
            return
        sys.stdout.write(f"{torch.get_num_threads()} threads, crops of 2 s, batches of {given.batch_size}\n\n")
        heads = "| student | objective | bare crops/s | loop crops/s | wall, of bare | bare CPU s | loop CPU s | CPU, of bare | waits |"
        sys.stdout.write(f"{heads}\n| :-- | :-- | --: | --: | --: | --: | --: | --: | --: |\n")
        for student in given.students:
            for case in given.cases:
                row = measure(
                    student, case, data=data, steps=given.steps, repeats=given.repeats, batch_size=given.batch_size
                )
                sys.stdout.write(f"{row}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
