"""Embedding from an object store against embedding from a folder: what latency costs, and how many requests a clip takes.

`python benchmarks/object_store.py [NUM_CLIPS] [DELAY_MS]` serves clips of a second from a local S3-compatible server that
takes its time (50 ms an answer), embeds them with `trivial`, which costs next to nothing, so that nothing hides behind the
model, and prints a table. Extras: `noss[s3]`, and `moto[s3] flask flask-cors` for the server. 400 clips take a minute.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import requests
import soundfile

SERVER = Path(__file__).parent.parent / "tests" / "s3_server.py"


def _wav(seed: int) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, np.random.default_rng(seed).normal(0, 0.1, 16_000), 16_000, format="WAV")
    return memory.getvalue()


def _counts(endpoint: str) -> int:
    found: dict[str, int] = requests.get(f"{endpoint}/_control/counts", timeout=60).json()
    return sum(found.values())


def _timed(endpoint: str, work: Callable[[], Any]) -> tuple[float, int]:
    before, began = _counts(endpoint), time.perf_counter()
    work()
    return time.perf_counter() - began, _counts(endpoint) - before


def measure(num_clips: int, delay_ms: int) -> None:
    """Print the table."""
    server = subprocess.Popen([sys.executable, str(SERVER), str(delay_ms)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            _measure(num_clips, delay_ms, endpoint, Path(folder))
    finally:
        server.kill()


def _measure(num_clips: int, delay_ms: int, endpoint: str, folder: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(keys, AWS_ENDPOINT_URL=endpoint, NOSS_CACHE=str(folder / "home"))
    from noss.places import store

    (folder / "wavs").mkdir()
    requests.put(f"{endpoint}/voices", timeout=60).raise_for_status()
    session = requests.Session()
    for number in range(num_clips):
        content = _wav(number)
        (folder / "wavs" / f"c{number:05d}.wav").write_bytes(content)
        session.put(f"{endpoint}/voices/wavs/c{number:05d}.wav", data=content, timeout=60).raise_for_status()

    def one_by_one() -> None:
        for number in range(min(num_clips, 100)):
            store.bring(f"s3://voices/wavs/c{number:05d}.wav", folder / "one.wav")

    _embed(str(folder / "wavs"), "s3://voices/warm.parquet", folder / "warm")  # imports, connections
    ways = {
        "a folder here": lambda: _embed(str(folder / "wavs"), str(folder / "a.parquet"), folder / "a"),
        "`s3://`, the first time": lambda: _embed("s3://voices/wavs", "s3://voices/b.parquet", folder / "b"),
        "`s3://`, again": lambda: _embed("s3://voices/wavs", "s3://voices/b.parquet", folder / "b"),
        "`s3://`, another model": lambda: _embed(
            "s3://voices/wavs", "s3://voices/c.parquet", folder / "b", "logmel_stats"
        ),
        "first 100 fetched one by one, for comparison": one_by_one,
    }
    sys.stdout.write(f"\n{num_clips} clips, {delay_ms} ms an answer\n\n| from | s | requests |\n| :-- | --: | --: |\n")
    for name, way in ways.items():
        seconds, num_requests = _timed(endpoint, way)
        sys.stdout.write(f"| {name} | {seconds:.2f} | {num_requests} |\n")


def _embed(source: str, out: str, cache: Path, model: str = "trivial") -> None:
    from noss.pipeline.embed import embed

    done = embed(model, [source], out=out, cache=cache)
    assert not done.failures


if __name__ == "__main__":
    measure(*(int(word) for word in sys.argv[1:]), *(400, 50)[len(sys.argv) - 1 :])
