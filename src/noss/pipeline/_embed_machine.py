"""The machine that embeds: its cores, memory and device, and how a model is spread over them."""

from __future__ import annotations

import multiprocessing
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from noss.errors import AudioError, ModelError
from noss.models import Card
from noss.pipeline._embed_plan import Job

_WORKER_BYTES = 600e6
_BYTES_A_PARAMETER = 6.0
_BIG_PARAMETERS = 10e6
_CUDA_BATCH_S = 960.0  # at most: a worker asks what the GPU has room for
_COPIES = 4  # of a waveform that is taken whole: as decoded, resampled, in a batch, and what the model makes of it


@dataclass(frozen=True)
class Spread:
    """How a model runs: worker processes, threads in each, decoding threads ahead of each, seconds in a batch."""

    device: str
    workers: int
    threads: int
    prefetch: int
    batch_s: float


def spread(card: Card, *, workers: int | None, device: str | None, batch_s: float | None) -> Spread:
    """How to run a model on this machine; what is None is chosen.

    Raises:
        ModelError: The device asked for is not here, or the model cannot use it.
    """
    chosen = _device(card, device)
    if chosen == "cuda":
        threads = _threads(max(1, cores() - 1))
        return Spread(
            chosen, 1 if workers is None else min(workers, 1), threads, min(8, threads), batch_s or _CUDA_BATCH_S
        )
    many = _workers(card) if workers is None else workers
    threads = _threads(max(1, cores() // many) if many else cores())
    big = (card.num_parameters or 0) > _BIG_PARAMETERS
    return Spread(chosen, many, threads, 0, batch_s or (20.0 if big else 60.0))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _threads(share: int) -> int:
    """A worker's share of the cores, or fewer where `OMP_NUM_THREADS` says so: beside other work, threads that wait spin."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, min(share, int(said))) if said.isdecimal() else share


def device_name(device: str) -> str:
    """The machine in words: `AMD EPYC 7B13, 2 cores`, or the name of the accelerator."""
    if device == "cuda":
        import torch

        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or platform.machine()}, {cores()} cores"


def _device(card: Card, device: str | None) -> str:
    if device not in (None, "cpu", "cuda"):
        raise ModelError(f"no device {device!r}: choose cpu or cuda")
    if device == "cuda" and "cuda" not in card.devices:
        raise ModelError("this model runs on cpu only: leave --device out")
    if device == "cpu" or "cuda" not in card.devices:
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        raise ModelError(
            "no CUDA device is here: leave --device out, or check the driver and that torch is built for CUDA"
        )
    return "cpu"


def _workers(card: Card) -> int:
    if multiprocessing.current_process().daemon:
        return 0  # a daemonic process may not start others
    needed = _WORKER_BYTES + _BYTES_A_PARAMETER * (card.num_parameters or 0)
    free = available_bytes()
    return max(1, cores() if free is None else min(cores(), int(free / needed)))


def check_room(job: Job, *, card: Card) -> None:
    """Make sure that a clip which a model takes whole fits in memory.

    Raises:
        AudioError: It does not.
    """
    if card.window_s is not None:
        return
    needed, free = _COPIES * 4 * card.sample_rate * job.duration_s, available_bytes()
    if free is not None and needed > free:
        found = f"{job.path} is {job.duration_s / 3600:.1f} h long and this model takes audio whole"
        raise AudioError(
            f"{found}: {needed / 1e9:.1f} GB of memory are needed and {free / 1e9:.1f} GB are free; cut it into segments"
        )


def available_bytes() -> float | None:
    """Bytes of memory that are free, or could be at once; None where this machine does not say."""
    info = Path("/proc/meminfo")
    if not info.is_file():
        return None
    sizes = [
        line.split()[1] for line in info.read_text(encoding="utf-8").splitlines() if line.startswith("MemAvailable")
    ]
    return float(sizes[0]) * 1024 if sizes else None
