"""How well and how fast `noss check leaks` finds the same sound: recall, false alarms, seconds and memory.

    NOSS_DATA=DIR python benchmarks/leaks.py --folder /somewhere/large

`NOSS_DATA` holds `fsdd`, `ravdess`, `speechocean_test` and `train` (any folders of speech by these names). Copies of
some clips of each are made, one way of changing them at a time, and put beside all clips of the corpus; recall is the
share of copies that are found beside their originals. False alarms are pairs of different recordings that are said to
be the same, among all clips of a corpus. For speed, clips of 3 s are cut from `train`, to FLAC at 16 kHz; each number of
clips is a process of its own, told by its seconds and its largest resident set. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from noss.audio.read import read
from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._check_leaks import check_leaks
from noss.pipeline._leaks_twins import NEAR, Twins, hear

RATE = 16_000
Wave = np.ndarray[Any, Any]
Made = tuple[Wave, int, str, str, float]  # samples, rate, container, codec, compression from 0 to 1


def ways(generator: np.random.Generator) -> dict[str, Callable[[Wave], Made]]:
    """Every way of changing a clip (T,) at 16 kHz."""

    def crop(wave_T: Wave) -> Wave:
        share = generator.uniform(0.6, 0.8)
        start = int(generator.uniform(0, 1 - share) * len(wave_T))
        return wave_T[start : start + int(share * len(wave_T))]

    def pad(wave_T: Wave) -> Wave:
        before, after = (np.zeros(int(seconds * RATE), np.float32) for seconds in generator.uniform(0.1, 1.0, 2))
        return np.concatenate([before, wave_T, after])

    def at(wave_T: Wave, rate: int) -> Wave:
        return np.asarray(soxr.resample(wave_T, RATE, rate))

    return {
        "MP3, highest bit rate": lambda x: (x, RATE, "MP3", "MPEG_LAYER_III", 0.0),
        "MP3, lowest bit rate": lambda x: (x, RATE, "MP3", "MPEG_LAYER_III", 0.9),
        "Opus, middle bit rate": lambda x: (x, RATE, "OGG", "OPUS", 0.5),
        "Opus, lowest bit rate": lambda x: (x, RATE, "OGG", "OPUS", 0.95),
        "mu-law at 8 kHz": lambda x: (at(x, 8_000), 8_000, "WAV", "ULAW", 0.0),
        "resampled to 11,025 Hz": lambda x: (at(x, 11_025), 11_025, "WAV", "PCM_16", 0.0),
        "resampled to 44,100 Hz": lambda x: (at(x, 44_100), 44_100, "FLAC", "PCM_16", 0.5),
        "gain -20 dB": lambda x: (0.1 * x, RATE, "WAV", "PCM_16", 0.0),
        "gain +12 dB over peak, clipped": lambda x: (np.clip(4 * x / abs(x).max(), -1, 1), RATE, "WAV", "PCM_16", 0.0),
        "0.1 to 1 s of zeros at both ends": lambda x: (pad(x), RATE, "WAV", "PCM_24", 0.0),
        "cut to 60-80 %": lambda x: (crop(x), RATE, "WAV", "PCM_16", 0.0),
        "cut, -10 dB, Opus, middle bit rate": lambda x: (0.3 * crop(x), RATE, "OGG", "OPUS", 0.5),
        "cut, -10 dB, Opus, lowest bit rate": lambda x: (0.3 * crop(x), RATE, "OGG", "OPUS", 0.95),
        "noise at 20 dB": lambda x: (_noisy(x, generator), RATE, "WAV", "PCM_16", 0.0),
    }


def _noisy(wave_T: Wave, generator: np.random.Generator) -> Wave:
    noise_T = generator.standard_normal(len(wave_T)).astype(np.float32)
    return wave_T + 0.1 * float(np.sqrt(np.mean(wave_T**2))) * noise_T


def write(path: Path, made: Made) -> None:
    """Write a copy; what libsndfile encodes is checked by reading it again with `noss`."""
    wave_T, rate, container, codec, compression = made
    packed = {"compression_level": compression} if container in {"MP3", "OGG", "FLAC"} else {}
    buffer = io.BytesIO()
    soundfile.write(buffer, wave_T, rate, format=container, subtype=codec, **packed)
    path.with_suffix(f".{container.lower()}").write_bytes(buffer.getvalue())


def measure(data: Path, folder: Path, corpora: list[str], num_copies: int) -> None:
    """Recall by way and corpus, and false alarms by corpus."""
    found: dict[str, dict[str, str]] = {}
    alarms: list[str] = []
    for corpus in corpora:
        paths = sorted(path for path in (data / corpus).rglob("*") if path.suffix in {".wav", ".ogg", ".flac"})
        home = folder / corpus
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        originals = random.Random(0).sample(range(len(paths)), num_copies)
        made = list(_copies(paths, originals, home))
        clips = [Clip(path=path, labels={}) for path in [*paths, *(path for _, _, path in made)]]
        begun = time.monotonic()
        sound = hear(clips, clip_ids(clips, cache=folder / "cache"))
        seconds = time.monotonic() - begun
        pairs = {(pair.first, pair.second): pair for pair in sound.twins}
        own = {len(paths) + place: row for place, (_, row, _) in enumerate(made)}
        hits = [(way, (row, len(paths) + place) in pairs) for place, (way, row, _) in enumerate(made)]
        for way in dict(hits):
            share = np.mean([hit for name, hit in hits if name == way])
            found.setdefault(way, {})[corpus] = f"{100 * share:.1f}"
        alarms.append(_alarms(corpus, paths, sound.twins, own, seconds))
        print(f"{corpus}: {seconds:.0f} s", file=sys.stderr, flush=True)
    print("\n| copy | " + " | ".join(next(iter(found.values()))) + " |\n| --- |" + " --- |" * len(corpora))
    for way, by_corpus in found.items():
        print(f"| {way} | " + " | ".join(by_corpus.values()) + " |")
    print("\n| corpus | clips | pairs | found the same, not made here |\n| --- | --- | --- | --- |")
    print("\n".join(alarms))


def _copies(paths: list[Path], originals: list[int], home: Path) -> Iterator[tuple[str, int, Path]]:
    change = ways(np.random.default_rng(0))
    for number, row in enumerate(originals):
        wave_T, _ = read(paths[row], sample_rate=RATE)
        for place, (way, make) in enumerate(change.items()):
            path = home / f"{number}_{place}"
            write(path, make(wave_T))
            yield way, row, next(home.glob(f"{number}_{place}.*"))


def _alarms(corpus: str, paths: list[Path], twins: list[Twins], own: dict[int, int], seconds: float) -> str:
    """Pairs whose originals differ: among the corpus itself, and with the copies."""
    wrong = [pair for pair in twins if own.get(pair.first, pair.first) != own.get(pair.second, pair.second)]
    among = [pair for pair in wrong if pair.second < len(paths)]
    shown = "; ".join(f"{paths[p.first].name} and {paths[p.second].name}, {p.kind}, {p.how}" for p in among[:5])
    with_copies = f"{len(wrong) - len(among)} with copies of others"
    what = f"{len(among)} ({shown})" if among else "0"
    near = sum(pair.kind == NEAR for pair in twins)
    note = f"{what}; {with_copies}; {near:,} pairs in all, in {seconds:.0f} s"
    return f"| {corpus} | {len(paths):,} | {len(paths) * (len(paths) - 1) // 2:,} | {note} |"


def cut(data: Path, folder: Path, num_clips: int) -> Path:
    """Clips of 3 s from the recordings of `train`, one after the other, with a table; made once."""
    table = folder / "speed" / "clips.csv"
    if table.is_file() and table.read_text().count("\n") == num_clips + 1:
        return table
    (folder / "speed").mkdir(parents=True, exist_ok=True)
    held_T, made, rows = np.empty(0, np.float32), 0, ["file,speaker,label"]
    for path in sorted((data / "train").rglob("*.ogg")):
        held_T = np.concatenate([held_T, read(path, sample_rate=RATE)[0]])
        while len(held_T) >= 3 * RATE and made < num_clips:
            soundfile.write(folder / "speed" / f"{made}.flac", held_T[: 3 * RATE], RATE)
            rows.append(f"{made}.flac,s{made // 20},{'ab'[made // 20 % 2]}")
            held_T, made = held_T[3 * RATE :], made + 1
    assert made == num_clips, f"train holds {made} clips of 3 s"
    table.write_text("\n".join(rows) + "\n")
    return table


def speed(data: Path, folder: Path, nums: list[int]) -> None:
    """Seconds and memory by number of clips."""
    lines = cut(data, folder, max(nums)).read_text().splitlines()
    print("\n| clips of 3 s | hours | s | x real time | CPU s | MB, main | MB, a worker |" + "\n|" + " --- |" * 7)
    for num in nums:
        table = folder / "speed" / f"first_{num}.csv"
        table.write_text("\n".join(lines[: num + 1]) + "\n")
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(table)], capture_output=True, check=True, text=True
        )
        one = json.loads(done.stdout.splitlines()[-1])
        hours = num * 3 / 3_600
        print(
            f"| {num:,} | {hours:.2f} | {one['s']:.0f} | {3_600 * hours / one['s']:.0f} | {one['cpu']:.0f} | {one['main']:.0f} | {one['worker']:.0f} |",
            flush=True,
        )


def one(table: str) -> None:
    """Check one table in this process."""
    begun = time.monotonic()
    check_leaks(f"csv/{table}", roots={}, cache=Path(table).parent / "cache")
    own, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(use.ru_utime + use.ru_stime for use in (own, theirs))
    print(
        json.dumps(
            {"s": time.monotonic() - begun, "cpu": cpu, "main": own.ru_maxrss / 1e3, "worker": theirs.ru_maxrss / 1e3}
        )
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("leaks_benchmark"))
    parser.add_argument("--corpora", nargs="*", default=["fsdd", "ravdess", "speechocean_test"])
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--nums", type=int, nargs="*", default=[2_500, 5_000, 10_000])
    parser.add_argument("--only", choices=["recall", "speed"])
    parser.add_argument("--one")
    given = parser.parse_args()
    if given.one:
        one(given.one)
        return
    data = Path(os.environ["NOSS_DATA"])
    if given.only != "speed":
        measure(data, given.folder, given.corpora, given.copies)
    if given.only != "recall":
        speed(data, given.folder, given.nums)


if __name__ == "__main__":
    main()
