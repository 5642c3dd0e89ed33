"""What a Ray cluster costs over the local engine, for parcels of several sizes and jobs of a minute and of an hour.

Both engines embed the same clips of noise with the same untrained model, with as many workers of one thread as there are
cores, two jobs in turn: a short and a longer one. What the longer one takes more, over what it has more to do, is the cost of
work once an engine is running; what is left of the short one is what it takes to start and to stop. From these follow jobs
of a minute and of an hour. Times are medians.

    python benchmarks/engines.py --repeats 3
    python benchmarks/engines.py --repeats 1 --short-s 6 --long-s 18 --parcels 1
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch  # noqa: F401  forks find it loaded, as in a run

from noss.engines import local, ray
from noss.engines._ray_join import joined
from noss.pipeline._embed_machine import cores, device_name
from noss.pipeline._embed_plan import Job
from noss.pipeline._embed_worker import make_worker
from noss.pipeline._models import open_model

MODEL = "audiontt/512"
CLIP_S = 4.0
BATCH = 4
HOUR_S, MINUTE_S = 3600.0, 60.0


def jobs(folder: Path, num: int) -> Iterator[tuple[Job, ...]]:
    """Batches of clips, the same few files again and again."""
    for first in range(0, num, BATCH):
        yield tuple(
            Job(place, folder / f"{place % 16}.wav", 0.0, None, CLIP_S) for place in range(first, first + BATCH)
        )


def write_clips(folder: Path) -> None:
    """Sixteen clips of noise."""
    for number in range(16):
        waveform_T = np.random.default_rng(number).normal(0, 0.1, round(16_000 * CLIP_S))
        soundfile.write(folder / f"{number}.wav", waveform_T.astype(np.float32), 16_000)


def seconds(engine: str, folder: Path, num: int) -> float:
    """Wall time of a job, with start and stop of its workers."""
    make = functools.partial(make_worker, open_model(MODEL), "cpu", 60.0, None)
    run = {"local": local.run, "ray": ray.run}[engine]
    began = time.perf_counter()
    assert sum(1 for _ in run(make, jobs(folder, num), workers=cores(), threads=1)) == -(-num // BATCH)
    return time.perf_counter() - began


def rate(folder: Path) -> float:
    """Clips a second on the local engine, roughly."""
    few, many = (seconds("local", folder, num) for num in (200, 600))
    return 400 / max(many - few, 1e-3)


def measured(folder: Path, sizes: tuple[int, int], repeats: int, parcel_s: float) -> dict[str, tuple[float, float]]:
    """Seconds of the short and the longer job on each engine, medians of turns."""
    ray.PARCEL_S = parcel_s
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for engine in ("local", "ray"):
            for num in sizes:
                times.setdefault((engine, num), []).append(seconds(engine, folder, num))
    return {engine: (_middle(times[engine, sizes[0]]), _middle(times[engine, sizes[1]])) for engine in ("local", "ray")}


def _middle(values: list[float]) -> float:
    return statistics.median(values)


def line(times: dict[str, tuple[float, float]], sizes: tuple[int, int], parcel_s: float) -> str:
    """A row of the table."""
    slope = {name: (long_s - short_s) / (sizes[1] - sizes[0]) for name, (short_s, long_s) in times.items()}
    start = {name: max(0.0, times[name][0] - slope[name] * sizes[0]) for name in times}

    def over(job_s: float) -> float:
        num = (job_s - start["local"]) / slope["local"]
        return (start["ray"] + slope["ray"] * num) / job_s - 1

    running = slope["ray"] / slope["local"] - 1
    return (
        f"| {parcel_s:g} s | {start['local']:.1f} s | {start['ray']:.1f} s | {100 * running:.1f} % | "
        f"{100 * over(MINUTE_S):.0f} % | {100 * over(HOUR_S):.1f} % |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--short-s", type=float, default=15.0)
    parser.add_argument("--long-s", type=float, default=60.0)
    parser.add_argument("--parcels", type=float, nargs="+", default=[0.1, 0.5, 1.0, 4.0])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clips(folder)
        clips_a_second = rate(folder)
        sizes = (round(given.short_s * clips_a_second), round(given.long_s * clips_a_second))
        began = time.perf_counter()
        with joined(None):
            print(
                f"{device_name('cpu')}; {MODEL}, {clips_a_second:.0f} clips of {CLIP_S:g} s a second on the local engine"
            )
            print(f"a cluster of this machine alone is up in {time.perf_counter() - began:.1f} s, not counted below\n")
        print("| parcel | local starts in | ray starts in | ray over local, running | job of 1 min | job of 1 h |")
        print("| --: | --: | --: | --: | --: | --: |")
        for parcel_s in given.parcels:
            print(line(measured(folder, sizes, given.repeats, parcel_s), sizes, parcel_s), flush=True)


if __name__ == "__main__":
    main()
