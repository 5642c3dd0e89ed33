"""`noss fetch` beside `curl` plus `tar`, from a local server, side by side in every round.

    python benchmarks/fetch.py --rounds 3

Archives of a gigabyte with the same made recordings, which shrink as speech does: 32 kB each (a second at 16 kHz), bare,
in gzip and as zip; and 1 MB each, bare. Every round runs both sides in turn, each after a `sync`, and takes its ratio, so
that a machine that gets busier or quieter favours nobody. `noss fetch` includes the start of Python, checks a stated SHA-256
and unpacks into a folder that it renames; the other side is one shell: `curl -sS -o FILE URL && tar -xf FILE` (or `unzip`).

Seconds of the wall and of the CPU, the server's not counted. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any

KINDS = {
    "many.tar.gz": (32_044, "w:gz"),
    "many.zip": (32_044, "zip"),
    "many.tar": (32_044, "w:"),
    "few.tar": (1_000_044, "w:"),
}
OWN = """
from noss.datasets import Clip, Dataset, Download

DATASET = Dataset(
    title="Made", source="made", licence="CC0-1.0", targets={{"x": ("y",)}}, metric="uar", num_clips=1, hours=0.0,
    downloads=(Download(url={url!r}, checksum={checksum!r}, size={size}),),
)

def clips(root):
    return iter(())
"""


def recordings(num_bytes: int) -> Iterator[bytes]:
    """Noise in the low byte of each sample, which gzip shrinks to two thirds."""
    rng, pool = random.Random(0), os.urandom(4 << 20)
    while True:
        start = rng.randrange(len(pool) - num_bytes)
        data = bytearray(num_bytes)
        data[44::2] = pool[start : start + len(data[44::2])]
        yield bytes(data)


def make(path: Path, *, each: int, mode: Any, size: int) -> None:
    """An archive of about `size` bytes."""
    sounds, row = recordings(each), 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) if mode == "zip" else tarfile.open(path, mode) as archive:
        while row % 100 or path.stat().st_size < size:
            name, data = f"made/s{row % 40:02}/{row:06}.wav", next(sounds)
            if isinstance(archive, zipfile.ZipFile):
                archive.writestr(name, data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
            row += 1


def serve(folder: Path, port: Queue[int]) -> None:
    """Serve a folder, with `sendfile`, so that the server takes as little of the machine as it can."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with (folder / self.path.lstrip("/")).open("rb") as file:
                self.send_response(200)
                self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
                self.end_headers()
                self.wfile.flush()
                self.connection.sendfile(file)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of the wall and of the CPU of a command, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.sync()
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(name: str, *, each: int, mode: str, size: int, rounds: int, work: Path, address: str) -> str:
    """A row of the table."""
    archive = work / "served" / name
    make(archive, each=each, mode=mode, size=size)
    with archive.open("rb") as file:
        checksum = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    own = work / f"{archive.name.replace('.', '_')}.py"
    own.write_text(OWN.format(url=f"{address}/{name}", checksum=checksum, size=archive.stat().st_size))
    unpack = f"unzip -q {name}" if mode == "zip" else f"tar -xf {name}"
    ours = [sys.executable, "-m", "noss", "fetch", str(own), "--to", str(work / "out" / "corpus")]
    theirs = ["sh", "-c", f"curl -sS -o {name} {address}/{name} && {unpack} && rm {name}"]
    seen = []
    for row in range(rounds):
        sides = [(0, ours), (1, theirs)]
        times = {side: timed(command, work / "out") for side, command in (sides if row % 2 else sides[::-1])}
        seen.append((*times[0], *times[1], os.getloadavg()[0]))
    archive.unlink()
    ratios = [row[2] / row[0] for row in seen]
    middle = [statistics.median(column) for column in zip(*seen, strict=True)]
    listed = ", ".join(f"{100 * ratio:.0f}" for ratio in ratios)
    return (
        f"| {name} | {middle[0]:.1f} | {middle[2]:.1f} | **{100 * statistics.median(ratios):.0f} %** ({listed}) "
        f"| {middle[1]:.1f} | {middle[3]:.1f} | {min(row[4] for row in seen):.1f} to {max(row[4] for row in seen):.1f} |"
    )


def main() -> None:
    """Run every kind of archive and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=10**9, help="bytes of an archive")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--work", type=Path, default=None, help="where to write; some 5 GB")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.work) as work_text:
        work, port = Path(work_text), Queue()
        (work / "served").mkdir()
        server = Process(target=serve, args=(work / "served", port), daemon=True)
        server.start()
        address = f"http://127.0.0.1:{port.get()}"
        print(
            "| archive | noss, wall s | curl + tar, wall s | speed of noss, median (all) | noss, CPU s | theirs | load |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name in given.kinds:
            each, mode = KINDS[name]
            facts = {"size": given.size, "rounds": given.rounds, "work": work, "address": address}
            print(compare(name, each=each, mode=mode, **facts), flush=True)
        server.kill()


if __name__ == "__main__":
    main()
