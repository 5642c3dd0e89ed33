"""A simulated catalogue: what planning, resuming and looking up cost against the number of clips.

`python benchmarks/scale.py --sizes 10_000 100_000 1_000_000` makes, for each size, a Parquet manifest of segments (ten a
file; files are hard links of a few, so that there are as many names as a corpus would have), puts random embeddings of 99 in
100 clips into a store, and measures each step on its own and `noss embed MANIFEST --out TABLE` whole: with one clip in 100
left, and with none. Audio is 10 ms a clip, so that decoding, which does not depend on the catalogue's size, weighs little.
It prints a Markdown table of CPU seconds, of all threads and processes, since they do not depend on who else is at work; and in
the last column the slope between the two largest sizes: 1.0 is linear.

Ten million clips take about 8 GB of `--folder` and ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import soundfile

PER_FILE = 10
LINKS = 20_000  # names of one file: file systems bound them
PART_ROWS = 4096
MODEL = """
from noss.models import Card

CARDS = {"": Card(sample_rate=16_000, frame_rate=0.0, dim=DIM, source="", licence="", weights=None)}


def build(choice):
    import torch

    def embed(waveform_BT, lengths_B):
        vectors_BD = waveform_BT.abs().mean(dim=1, keepdim=True).expand(-1, DIM)
        return vectors_BD[:, None, None], torch.ones(len(lengths_B), dtype=torch.int64)

    return embed
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder if it is left out")
    options = parser.parse_args()
    columns = [_measured(size, options.dim, options.folder) for size in options.sizes]
    _print(options.sizes, columns)


def _measured(size: int, dim: int, parent: Path | None) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="noss-scale-", dir=parent))
    steps = [lambda: _alone(_fill, folder), lambda: _alone(_steps, folder)]
    steps += [lambda: _embed(folder, "1 in 100 left"), lambda: _embed(folder, "none left")]
    try:
        (folder / "model.py").write_text(MODEL.replace("DIM", str(dim)), encoding="utf-8")
        _make(folder, size)
        facts: dict[str, float] = {"files": size / PER_FILE}
        for step in steps:
            facts |= step()
            sys.stderr.write(f"{facts}\n")
    finally:
        shutil.rmtree(folder)
    return facts


def _alone(step: Callable[[Path], dict[str, float]], folder: Path) -> dict[str, float]:
    """A step in a process of its own, whose memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(step, folder).result()


def _make(folder: Path, size: int) -> None:
    names = [f"{number // 1000:05d}/{number:08d}.wav" for number in range(math.ceil(size / PER_FILE))]
    for number, name in enumerate(names):
        path = folder / name
        if number % 1000 == 0:
            path.parent.mkdir()
        if number % LINKS == 0:
            first = path
            noise_T = np.random.default_rng(number).uniform(-0.1, 0.1, 1600)
            soundfile.write(path, noise_T, 16_000, subtype="PCM_16")
        else:
            os.link(first, path)
    schema = pa.schema([("file", pa.string()), ("start", pa.duration("ns")), ("end", pa.duration("ns"))])
    with pyarrow.parquet.ParquetWriter(folder / "manifest.parquet", schema) as writer:
        for row in range(0, size, 100_000):
            rows_N = np.arange(row, min(row + 100_000, size))
            starts_N = rows_N % PER_FILE * 8_000_000 + rows_N  # a nanosecond apart: no two clips are one
            columns = [[names[row // PER_FILE] for row in rows_N.tolist()], starts_N, starts_N + 10_000_000]
            arrays = [pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))


def _fill(folder: Path) -> dict[str, float]:
    """Identities for the first time, and random embeddings of all but one clip in 100."""
    from noss.identity import clip_ids
    from noss.pipeline._manifest import Manifest
    from noss.pipeline._models import open_model
    from noss.store import Store

    facts: dict[str, float] = {}
    store = Store.open(folder / "cache", open_model(str(folder / "model.py"), cache=folder / "cache").facts)
    generator = np.random.default_rng(0)
    for clips in Manifest(folder / "manifest.parquet"):
        with _timed(facts, "identities, first time"):
            ids = [str(name) for name in clip_ids(clips, cache=folder / "cache")]
        kept = [name for place, name in enumerate(ids) if place % 100]
        for first in range(0, len(kept), PART_ROWS):
            some = kept[first : first + PART_ROWS]
            rows_NLD = generator.normal(size=(len(some), 1, store.dim)).astype(np.float32)
            with _timed(facts, "append to the store"):
                store.append(some, rows_NLD, durations_s=[0.01] * len(some), seconds=1.0, device="simulated")
    return facts


def _steps(folder: Path) -> dict[str, float]:
    """Each step of a run that goes on, on its own."""
    from noss.identity import clip_ids
    from noss.pipeline._manifest import Manifest
    from noss.pipeline._models import open_model
    from noss.store import Store

    facts: dict[str, float] = {}
    model = open_model(str(folder / "model.py"), cache=folder / "cache")
    with _timed(facts, "first opening of the store"):
        Store.open(folder / "cache", model.facts)
    with _timed(facts, "later opening"):
        store = Store.open(folder / "cache", model.facts)
    facts["parts"] = len(list(store.folder.glob("part-*.arrow")))
    there: list[str] = []
    blocks = iter(Manifest(folder / "manifest.parquet"))
    while True:
        with _timed(facts, "manifest to clips"):
            clips = next(blocks, None)
        if clips is None:
            break
        with _timed(facts, "identities, again"):
            ids = [str(name) for name in clip_ids(clips, cache=folder / "cache")]
        with _timed(facts, "what is missing"):
            missing = set(store.missing(ids))
        there += [name for name in ids[:: max(1, len(ids) // 12_000)] if name not in missing]
    picked = np.random.default_rng(0).choice(np.array(there), 100_000)
    with _timed(facts, "look-up of 100,000 random rows"):
        store.lookup(picked.tolist())
    return facts | {"peak memory of these, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def _embed(folder: Path, state: str) -> dict[str, float]:
    name = f"`noss embed`, {state}"
    began = time.perf_counter()
    command = [sys.executable, "-m", "noss", "embed", str(folder / "model.py"), str(folder / "manifest.parquet")]
    with subprocess.Popen(
        [*command, "--out", str(folder / "out.parquet"), "--cache", str(folder / "cache")], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        sys.stderr.write(process.stdout.read().decode())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    seconds = {name: used.ru_utime + used.ru_stime, f"{name}, wall clock": time.perf_counter() - began}
    return seconds | {f"{name}, peak memory, MB": used.ru_maxrss / 1000}


@contextmanager
def _timed(facts: dict[str, float], name: str) -> Iterator[None]:
    began = time.process_time()
    yield
    facts[name] = facts.get(name, 0.0) + time.process_time() - began


def _print(sizes: list[int], columns: list[dict[str, float]]) -> None:
    slopes = len(sizes) > 1
    print("| CPU seconds |", " | ".join(f"{size:,}" for size in sizes), "| slope |" if slopes else "|")
    print("|:--|", " | ".join("--:" for _ in sizes), "| --: |" if slopes else "|")
    for name in columns[0]:
        values = [column[name] for column in columns]
        cells = [f"{value:,.0f}" if value >= 100 else f"{value:.2f}" for value in values]
        slope = math.log(values[-1] / values[-2]) / math.log(sizes[-1] / sizes[-2]) if slopes else 0.0
        print(f"| {name} |", " | ".join(cells), f"| {slope:.2f} |" if slopes else "|")


if __name__ == "__main__":
    main()
