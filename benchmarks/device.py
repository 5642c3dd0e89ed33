"""Audio-hours a second of each architecture in fp32, bf16 and compiled, and the share of the device's peak that is.

Run as `python benchmarks/device.py`: on CUDA where there is one, else on all cores in one process. The peak is measured
here, not read from a data sheet: the rate of a large matrix product in the same precision. Operations of a model are
counted by torch (`torch.utils.flop_counter`: matrix products, convolutions and attention, as torch runs them). Audio is
noise in batches of windows, ready in memory. Weights are random, which does not change the time.

    python benchmarks/device.py --models audiontt/512 resnet50 ast/base --compile
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from noss.errors import NossError
from noss.pipeline._embed_forward import Forward
from noss.pipeline._embed_machine import device_name
from noss.pipeline._embed_precision import in_bf16
from noss.pipeline._models import Model, open_model

MODELS = (
    "audiontt/512",
    "mobilenet_v1/yamnet",
    "mobilenet_v3/small-1.0",
    "efficientnet/b0",
    "resnet50",
    "conformer/5m",
    "ast/base",
)
_SIZE = 4096


def seconds(work: Callable[[], Any], *, device: str, least_s: float = 2.0) -> float:
    """Seconds that a call takes: the fastest of as many as fill two seconds, at least three."""
    times: list[float] = []
    work()
    while len(times) < 3 or sum(times) < least_s:
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)


def peak(dtype: torch.dtype, *, device: str) -> float:
    """Operations a second of a large matrix product."""
    size = _SIZE * 2 if device == "cuda" else _SIZE // 2
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b, device=device)


def ways(model: Model, *, compiled: bool) -> dict[str, Model]:
    """The model in every way that is measured."""
    found = {"fp32": model, "bf16": in_bf16(model)}
    if compiled:
        found |= {f"{name}, compiled": replace(one, compiled=True) for name, one in list(found.items())}
    return found


def batch(model: Model, *, batch_s: float) -> list[np.ndarray]:
    """Windows of noise that the model sees at once."""
    window_s = min(10.0, model.card.window_s or 10.0)
    size = round(window_s * model.card.sample_rate)
    generator = np.random.default_rng(0)
    return [generator.normal(0, 0.1, size).astype(np.float32) for _ in range(max(1, round(batch_s / window_s)))]


def operations(forward: Forward, pieces: Sequence[np.ndarray]) -> int:
    """Operations of one call."""
    with FlopCounterMode(display=False) as counter:
        forward(pieces)
    return int(counter.get_total_flops())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--batch-s", type=float, default=0.0, help="seconds in a batch; 0 for what suits the device")
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    device: Literal["cuda", "cpu"] = "cuda" if torch.cuda.is_available() else "cpu"
    batch_s = given.batch_s or (960.0 if device == "cuda" else 60.0)
    peaks = {"fp32": peak(torch.float32, device=device), "bf16": peak(torch.bfloat16, device=device)}
    told = ", ".join(f"{name} {rate / 1e12:.2f} TFLOP/s" for name, rate in peaks.items())
    print(
        f"{device_name(device)}, torch {torch.__version__}, {torch.get_num_threads()} threads; matrix products: {told}\n"
    )
    print(
        "| Model | Way | Audio h/s | Against fp32 | GFLOP per s of audio | Share of peak |\n| :-- | :-- | --: | --: | --: | --: |"
    )
    for name in given.models:
        rows(open_model(name), peaks=peaks, device=device, batch_s=batch_s, compiled=given.compile)


def cost(model: Model, *, device: str, batch_s: float) -> float:
    """Seconds that a second of audio takes."""
    forward, pieces = Forward(model, device=device), batch(model, batch_s=batch_s)
    if device == "cuda":
        pieces = pieces[: max(1, forward.room() // len(pieces[0]))]
    return seconds(lambda: forward(pieces), device=device) / (sum(map(len, pieces)) / model.card.sample_rate)


def rows(model: Model, *, peaks: dict[str, float], device: str, batch_s: float, compiled: bool) -> None:
    """Print a row for each way."""
    plain_s = 0.0
    flops = operations(Forward(model, device=device), batch(model, batch_s=min(batch_s, 20.0)))
    audio_s = sum(map(len, batch(model, batch_s=min(batch_s, 20.0)))) / model.card.sample_rate
    for way, one in ways(model, compiled=compiled).items():
        try:
            taken_s = cost(one, device=device, batch_s=batch_s)
        except NossError as error:
            sys.stderr.write(f"{model.name}, {way}: {error}\n")
            continue
        plain_s = plain_s or taken_s
        share = flops / audio_s / taken_s / peaks[way.partition(",")[0]]
        figures = (
            f"{1 / taken_s / 3600:.3f} | {plain_s / taken_s:.2f} | {flops / audio_s / 1e9:.2f} | {100 * share:.0f} %"
        )
        print(f"| {model.name} | {way} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
