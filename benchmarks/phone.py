"""A phone's terms: milliseconds for 1 s of speech on one thread, size and peak memory, in each runtime and precision.

    python benchmarks/phone.py [MODEL ...]        byol_s, and noss/small where there is one, unless models are named

Files are written by `noss export`, which measures their drift: the largest difference from PyTorch, and the least cosine. Each
runtime then runs in a process of its own, without PyTorch but for PyTorch's row, in turn with all others, five times; the
shortest call and the largest memory count. LiteRT needs the extra export-litert; formats that are not here are left out.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from noss import shelf
from noss.errors import MissingExtraError, NossError
from noss.pipeline.export import Exported, export

ROUNDS, CALLS = 5, 20
RUNTIMES = {"onnx": "ONNX Runtime", "litert": "LiteRT"}


@dataclass
class Row:
    """One runtime and precision of one model."""

    model: str
    runtime: str
    precision: str
    command: list[str]
    exported: Exported | None = None
    size_mb: float = 0.0
    ms: list[float] = field(default_factory=list)
    mb: list[float] = field(default_factory=list)

    def line(self) -> str:
        """The row in markdown."""
        drift = "–"
        if self.exported is not None:
            worst = max(one.difference for one in self.exported.compared)
            drift = f"{worst:.1e}, {min(one.cosine for one in self.exported.compared):.5f}"
        cells = [self.model, self.runtime, self.precision, f"{min(self.ms):.1f}", f"{self.size_mb:.2f}"]
        return f"| {' | '.join([*cells, f'{max(self.mb):.0f}', drift])} |"


def rows_of(model: str, folder: Path) -> list[Row]:
    """PyTorch, and every file that can be written here."""
    child = [sys.executable, __file__, "--child"]
    rows = [Row(model, "PyTorch", "fp32", [*child, "torch", model], size_mb=_weights_mb(model))]
    for to, runtime in RUNTIMES.items():
        part = shelf.load("exporters", to)
        for precision in part.PRECISIONS:
            path = folder / f"{len(rows)}-{precision}{part.SUFFIX}"
            try:
                made = export(model, to=to, out=path, precision=precision)
            except MissingExtraError as error:
                sys.stderr.write(f"left out: {error}\n")
                break
            rows.append(Row(model, runtime, precision, [*child, to, str(path)], made, made.size_mb))
    return rows


def _weights_mb(model: str) -> float:
    from noss.pipeline._models import open_model

    module: Any = open_model(model).build()
    return sum(weight.numel() * weight.element_size() for weight in module.state_dict().values()) / 1e6


def child(runtime: str, name: str) -> None:
    """Time one runtime in this process; print milliseconds and megabytes."""
    sound = (0.1 * np.random.default_rng(0).standard_normal((1, 16_000))).astype(np.float32)
    run = {"torch": _torch, "onnx": _onnx, "litert": _litert}[runtime](name, sound)
    spent = []
    for _ in range(CALLS + 3):
        began = time.perf_counter()
        run()
        spent.append(1e3 * (time.perf_counter() - began))
    print(json.dumps({"ms": min(spent[3:]), "mb": peak_mb()}))


def peak_mb() -> float:
    """The largest memory of this process, in 10^6 bytes; what `getrusage` tells on Linux is that of its parent, if larger."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _torch(name: str, sound: Any) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    from noss.pipeline._models import open_model

    module, wave = open_model(name).build(), torch.from_numpy(sound)
    lengths = torch.tensor([sound.shape[1]])

    def run() -> Any:
        with torch.inference_mode():
            return module(wave, lengths)

    return run


def _onnx(path: str, sound: Any) -> Callable[[], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"waveform": sound})


def _litert(path: str, sound: Any) -> Callable[[], Any]:
    from ai_edge_litert.interpreter import Interpreter

    graph = Interpreter(path, num_threads=1)
    graph.allocate_tensors()
    graph.set_tensor(graph.get_input_details()[0]["index"], sound)
    return graph.invoke


def _models() -> list[str]:
    known = ["byol_s"]
    return [*known, "noss/small"] if "noss" in shelf.names("models") else known


def main(models: list[str]) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        rows: list[Row] = []
        for number, model in enumerate(models):
            try:
                rows += rows_of(model, Path(folder) / str(number))
            except NossError as error:
                sys.stderr.write(f"left out: {error}\n")
        for _ in range(ROUNDS):
            for row in rows:
                answer = subprocess.run(row.command, check=True, capture_output=True, text=True).stdout
                told = json.loads(answer.splitlines()[-1])
                row.ms.append(told["ms"])
                row.mb.append(told["mb"])
    print(
        "| Model | Runtime | Precision | ms for 1 s, one thread | Size, MB | Peak memory, MB | Largest difference, least cosine |"
    )
    print("| :-- | :-- | :-- | --: | --: | --: | --: |")
    print("\n".join(row.line() for row in rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:4])
    else:
        main(sys.argv[1:] or _models())
