"""A 3-hour file against the same audio as clips of 10 s: time, and the memory of the largest process.

Run as `python benchmarks/long_audio.py` with `NOSS_DATA` set to a folder that holds `train/clips.csv` (real speech, one
clip after the other); without it, noise. Every figure is of a fresh process with all cores, the median of `--repeats`;
identities of the clips are known before the clock starts. The goal is 1.05 times the time of the clips, and the memory of
ten minutes.

    python benchmarks/long_audio.py --models logmel_stats byol_s --formats wav flac opus
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from noss.audio import read

RATE = 16_000
FORMATS = {"wav": {"subtype": "PCM_16"}, "flac": {}, "opus": {"format": "OGG", "subtype": "OPUS"}}
_CHILD = """
import json, resource, sys, tempfile, time
from pathlib import Path
import torch
from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._models import open_model
from noss.pipeline.embed import embed_clips
model, folder = sys.argv[1:]
clips = [Clip(path=path, labels={}) for path in sorted(Path(folder).iterdir())]
with tempfile.TemporaryDirectory() as cache:
    opened = open_model(model, cache=Path(cache))
    ids = clip_ids(clips, cache=Path(cache))
    began = time.perf_counter()
    done = embed_clips(opened, clips, ids=ids, cache=Path(cache), progress=False)
    seconds = time.perf_counter() - began
assert not done.failures, done.failures[0]
peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps([seconds, max(peaks)]))
"""


def speech() -> Iterator[NDArray[np.float32]]:
    """Blocks of 10 s (T,) without end."""
    size, held_T = 10 * RATE, np.empty(0, np.float32)
    generator = np.random.default_rng(0)
    if "NOSS_DATA" not in os.environ:
        while True:
            yield generator.normal(0, 0.1, size).astype(np.float32)
    root = Path(os.environ["NOSS_DATA"]) / "train"
    with (root / "clips.csv").open(encoding="utf-8") as file:
        paths = [root / row["file"] for row in csv.DictReader(file)]
    for path in itertools.cycle(paths):
        held_T = np.concatenate([held_T, read.read(path, sample_rate=RATE)[0]])
        while len(held_T) >= size:
            yield held_T[:size]
            held_T = held_T[size:]


def corpora(folder: Path, *, hours: float, kind: str) -> dict[str, Path]:
    """The audio as one file, its first ten minutes, and clips of 10 s: a folder each."""
    folders = {name: folder / kind / name for name in ("file", "minutes", "clips")}
    for one in folders.values():
        one.mkdir(parents=True)
    suffix = "ogg" if kind == "opus" else kind
    options = {"samplerate": RATE, "channels": 1, **FORMATS[kind]}
    with (
        soundfile.SoundFile(folders["file"] / f"a.{suffix}", "w", **options) as long,
        soundfile.SoundFile(folders["minutes"] / f"a.{suffix}", "w", **options) as short,
    ):
        for number, block_T in enumerate(itertools.islice(speech(), round(hours * 360))):
            long.write(block_T)
            if number < 60:
                short.write(block_T)
            soundfile.write(folders["clips"] / f"{number:06d}.{suffix}", block_T, RATE, **FORMATS[kind])
    return folders


def measured(model: str, folder: Path, *, repeats: int) -> tuple[float, float]:
    """Seconds and megabytes, medians."""
    command = [sys.executable, "-c", _CHILD, model, str(folder)]
    found = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(repeats)
    ]
    return statistics.median(one[0] for one in found), statistics.median(one[1] for one in found)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["logmel_stats"])
    parser.add_argument("--formats", nargs="+", default=["wav", "opus"], choices=list(FORMATS))
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    print(
        f"| Model | Format | {given.hours:g} h, one file, s | Clips of 10 s, s | Ratio | Peak, MB | Peak of 10 min, MB |"
    )
    print("| :-- | :-- | --: | --: | --: | --: | --: |")
    with tempfile.TemporaryDirectory() as folder:
        for kind in given.formats:
            folders = corpora(Path(folder), hours=given.hours, kind=kind)
            for model in given.models:
                clips_s, _ = measured(model, folders["clips"], repeats=given.repeats)
                file_s, peak = measured(model, folders["file"], repeats=given.repeats)
                _, short = measured(model, folders["minutes"], repeats=given.repeats)
                figures = f"{file_s:.1f} | {clips_s:.1f} | {file_s / clips_s:.2f} | {peak:.0f} | {short:.0f}"
                print(f"| {model} | {kind} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
