"""A peer in a process of its own: loads its model once, then embeds the corpus each time it is told to.

    python benchmarks/_peer.py WAY MODEL WEIGHTS FOLDER

`FOLDER/paths.txt` lists the clips. Answers one line `{}` when it is ready, and for every line on its standard input one
line of JSON: wall seconds and CPU seconds to embed all clips, imports and loading left out. The vectors of the last
time lie in `FOLDER/WAY.npy`. It imports nothing of this project that its way does not need.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import _peer_ways
import numpy as np


def main() -> None:
    """Load, try the first clip, and answer."""
    sys.path.append(sys.path.pop(0))  # the folder of benchmarks holds a datasets.py, which is not the package
    way, model, weights, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a package prints is no answer
    paths = [Path(line) for line in (folder / "paths.txt").read_text(encoding="utf-8").splitlines()]
    embed = getattr(_peer_ways, way)(model, weights, folder)
    embed(paths[:1])
    answers.write("{}\n")
    answers.flush()
    for _ in sys.stdin:
        began, spent = time.perf_counter(), _cpu_s()
        rows_ND = embed(paths)
        taken = {"wall": time.perf_counter() - began, "CPU": _cpu_s() - spent}
        np.save(folder / f"{way}.npy", np.asarray(rows_ND, dtype=np.float32).reshape(len(paths), -1))
        answers.write(json.dumps(taken) + "\n")
        answers.flush()


def _cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
