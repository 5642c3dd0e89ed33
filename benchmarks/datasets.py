"""How long it takes to list the clips of a large corpus and to check one, and the memory that this takes.

    python benchmarks/datasets.py --folder /somewhere/large --rounds 3

The corpus is made once, below `--folder`, in the layout of VoxCeleb1: 150,000 short files of noise, all of other bytes,
in a folder a speaker and video, with the published list's form. The same files are listed as `voxceleb1`, `folder` and
`csv`; the check reads 100,000 of them. Each run is a process of its own and starts with nothing remembered but the
operating system's own cache of files, which one run before warms. Seconds are those of the call; the process's start
is told apart. Memory is the process's largest resident set. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NUM_SPEAKERS = 1_251
CLIPS_A_VIDEO = 8
SAMPLE_RATE = 16_000


def make(folder: Path, num_clips: int, num_checked: int) -> None:
    """Write the corpus, unless it is there."""
    vox, part, table = folder / "vox", folder / "part", folder / "table"
    names = list(_names(num_clips))
    if (folder / "done").is_file() and (folder / "done").read_text() == f"{num_clips} {num_checked}":
        return
    for number, name in enumerate(names):
        path = vox / "wav" / name
        if number % CLIPS_A_VIDEO == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_wav(name, num_samples=1_600 + number % 1_600))
    for root, some in ((vox, names), (part, names[:num_checked])):
        root.mkdir(exist_ok=True)
        rows = (f"{1 + (number % 20 > 16) + (number % 20 > 18)} {name}\n" for number, name in enumerate(some))
        (root / "iden_split.txt").write_text("".join(rows))
    if not (part / "wav").exists():
        (part / "wav").symlink_to(vox / "wav")
    table.mkdir(exist_ok=True)
    for name, some in (("all.csv", names), ("part.csv", names[:num_checked])):
        lines = (f"../vox/wav/{file},{file[:7]}\n" for file in some)
        (table / name).write_text("file,speaker\n" + "".join(lines))
    (folder / "done").write_text(f"{num_clips} {num_checked}")


def _names(num_clips: int) -> Iterator[str]:
    """Speakers in turn, a video of each at a time."""
    for number in range(num_clips):
        video, clip = divmod(number, CLIPS_A_VIDEO)
        digest = hashlib.sha256(str(video).encode()).hexdigest()[:11]
        yield f"id{10_001 + video % NUM_SPEAKERS}/{digest}/{clip + 1:05d}.wav"


def _wav(name: str, *, num_samples: int) -> bytes:
    noise = (hashlib.sha512(name.encode()).digest() * (num_samples // 32 + 1))[: 2 * num_samples]
    riff = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(noise), b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE,
                       2 * SAMPLE_RATE, 2, 16)  # fmt: skip
    return riff + struct.pack("<4sI", b"data", len(noise)) + noise


def measured(what: str, name: str, root: str) -> dict[str, Any]:
    """One run in this process: seconds, clips, and the largest resident set in MB."""
    roots = {name: Path(root)} if root else {}
    with tempfile.TemporaryDirectory() as cache:
        if what == "list":
            from noss.pipeline._clips import open_dataset

            start = time.perf_counter()
            found = len(open_dataset(name, roots=roots, cache=Path(cache))[1])
        else:
            from noss.pipeline._check_dataset import check_dataset

            start = time.perf_counter()
            verdicts = {v.name: v for v in check_dataset(name, roots=roots, cache=Path(cache))}
            found = int(verdicts["clips"].detail.split()[0].replace(",", ""))
        seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    return {"seconds": seconds, "clips": found, "peak": peak / 1e3}


def main() -> None:
    """Make the corpus, run everything in turn, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "noss-datasets")
    for name, value in (("clips", 150_000), ("checked", 100_000), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--one", nargs=3, metavar=("WHAT", "NAME", "ROOT"), help="one run in this process, as JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(*options.one)))
        return
    make(options.folder, options.clips, options.checked)
    runs = [
        ("list", "voxceleb1", f"{options.folder}/vox"),
        ("list", f"folder/{options.folder}/vox/wav", ""),
        ("list", f"csv/{options.folder}/table/all.csv", ""),
        ("check", "voxceleb1", f"{options.folder}/part"),
        ("check", f"csv/{options.folder}/table/part.csv", ""),
    ]
    results = {run: [one(*run) for _ in range(options.rounds + 1)][1:] for run in runs}
    show(results, folder=options.folder)


def one(*run: str) -> dict[str, Any]:
    """One run in a process of its own."""
    command = [sys.executable, __file__, "--one", *run]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    result["process"] = time.perf_counter() - start
    print(f"{' '.join(run)}: {result}, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    return result


def show(results: dict[tuple[str, str, str], list[dict[str, Any]]], *, folder: Path) -> None:
    """Print medians, and every time."""
    print("| step | dataset | clips | s, median | s, all | process s, median | memory MB, most |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for (what, name, _), rounds in results.items():
        seconds = [result["seconds"] for result in rounds]
        process = statistics.median(result["process"] for result in rounds)
        every, peak = ", ".join(f"{value:.2f}" for value in seconds), max(result["peak"] for result in rounds)
        shown, clips = name.replace(f"/{folder}", "").split("/")[0], rounds[0]["clips"]
        print(
            f"| {what} | `{shown}` | {clips:,} | {statistics.median(seconds):.2f} | {every} | {process:.2f} | {peak:.0f} |"
        )


if __name__ == "__main__":
    main()
