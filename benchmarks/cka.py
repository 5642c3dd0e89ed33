"""CKA of all layers of two 13-layer models of 768 dimensions: time and memory against clips, beside bare multiplication.

    python benchmarks/cka.py             1,000, 2,000, 5,000 and 10,000 clips, two minutes and 800 MB of disk
    python benchmarks/cka.py 500 1000    these numbers of clips

Embeddings are drawn, with a spectrum that falls off and a part that models share, and lie in files, as in a store. Smaller
sizes are the first clips of the largest. Every measurement is a process of its own. *Exact* is the unbiased estimate of all
clips (the plain one takes as long), *minibatch* that of batches of 256. *Bare* is what the exact one's N^2 P D / 2
multiplications, each with an addition, take in products of 1,024 x 768 matrices, on as many threads. *Above* is the largest
resident memory less that before the start; *data* are the embeddings in single precision. *Difference* is the largest between
minibatch and exact over all 169 pairs of layers.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from noss.pipeline._similarity_cka import Layers, similarities

LAYERS, DIM, MODELS = 13, 768, 2
SIZES = (1000, 2000, 5000, 10_000)
_BLOCK = 500


def main() -> None:
    """Draw the embeddings, measure each size in a process of its own, print the table."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    print(
        "| Clips | Exact, s | Bare, s | Minibatch, s | Difference | Data, MB | Exact above, MB | Minibatch above, MB |"
    )
    print("| --: | --: | --: | --: | --: | --: | --: | --: |", flush=True)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        draw(folder, max(sizes))
        for size in sizes:
            exact_s, bare_s, exact_mb = measure(folder, size, "unbiased")
            minibatch_s, _, minibatch_mb = measure(folder, size, "minibatch")
            exact, minibatch = (np.load(folder / f"{name}.npy")[:LAYERS, LAYERS:] for name in ("unbiased", "minibatch"))
            data_mb = MODELS * LAYERS * DIM * size * 4 / 1e6
            cells = [f"{size:,}", f"{exact_s:.1f}", f"{bare_s:.1f}", f"{minibatch_s:.1f}"]
            cells += [f"{np.abs(exact - minibatch).max():.3f}"]
            cells += [f"{value:,.0f}" for value in (data_mb, exact_mb, minibatch_mb)]
            print(f"| {' | '.join(cells)} |", flush=True)


def draw(folder: Path, num_clips: int) -> None:
    """Write a file (N, 13, 768) a model."""
    falling_D = (1 / np.arange(1, DIM + 1)).astype(np.float32)
    for model in range(MODELS):
        own = np.random.default_rng(model + 1)
        turns = [np.linalg.qr(own.standard_normal((DIM, DIM), dtype=np.float32))[0] for _ in range(LAYERS)]
        common = np.random.default_rng(99)
        with (folder / f"{model}.f32").open("wb") as file:
            for start in range(0, num_clips, _BLOCK):
                count = min(_BLOCK, num_clips - start)
                common_ND = common.standard_normal((count, DIM), dtype=np.float32)
                rows = [
                    (falling_D * (common_ND + layer / 4 * own.standard_normal((count, DIM), dtype=np.float32))) @ turn
                    for layer, turn in enumerate(turns)
                ]
                file.write(np.stack(rows, axis=1).tobytes())


def measure(folder: Path, num_clips: int, estimator: str) -> tuple[float, float, float]:
    """Seconds, seconds of bare multiplication, and MB above the imports, from a process of its own."""
    command = [sys.executable, __file__, "--one", str(folder), str(num_clips), estimator]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(found[0]), float(found[1]), float(found[2])


def one(folder: Path, num_clips: int, estimator: str) -> None:
    """Measure one size, print the numbers and leave the values."""
    row = LAYERS * DIM

    def read(rows: slice) -> Layers:
        count, offset = (rows.stop - rows.start) * row, rows.start * row * 4
        files = [np.fromfile(folder / f"{m}.f32", dtype=np.float32, count=count, offset=offset) for m in range(MODELS)]
        return [x.reshape(-1, LAYERS, DIM)[:, layer] for x in files for layer in range(LAYERS)]

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    before = pages * resource.getpagesize() / 1e6
    start = time.perf_counter()
    found_PP = similarities(read, num_clips, estimator=estimator)  # type: ignore[arg-type]
    seconds, above = time.perf_counter() - start, _peak_mb() - before
    np.save(folder / f"{estimator}.npy", found_PP)
    bare = bare_s(num_clips**2 * MODELS * LAYERS * DIM / 2) if estimator == "unbiased" else 0.0
    print(seconds, bare, above)


def bare_s(multiplications: float) -> float:
    """Seconds that so many multiplications take in products of matrices, on a thread a core."""
    a_ND = np.random.default_rng(0).standard_normal((1024, DIM), dtype=np.float32)
    b_ND, count = a_ND[::-1].copy(), 100
    out = [np.empty((1024, 1024), dtype=np.float32) for _ in range(os.cpu_count() or 1)]

    def product(place: int) -> NDArray[np.float32]:
        return np.matmul(a_ND, b_ND.T, out=out[place % len(out)])

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(len(out)) as workers:
        start = time.perf_counter()
        list(workers.map(product, range(count)))
        seconds = time.perf_counter() - start
    return seconds * multiplications / (count * 1024**2 * DIM)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    else:
        main()
