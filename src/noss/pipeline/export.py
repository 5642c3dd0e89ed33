"""Write a torch model to a file for phones, browsers and servers, and prove that it gives the same.

The file takes a waveform and gives its embedding; `onnx/FILE` and `litert/FILE` embed and score with it as with any model.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from noss import shelf
from noss.errors import ModelError, NossError, StoreError
from noss.pipeline._request import words
from noss.runs import settle, write_json

if TYPE_CHECKING:
    from noss.exporters import Graph
    from noss.pipeline._export_proof import Compared

CARD, PROOF = ".card.json", ".proof.json"
DEFAULT_WINDOW_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A written file, and the proof that stands beside it.

    Attributes:
        path: The file.
        name: Under which it embeds as a model.
        source: The model it was made from.
        precision: What it was written in.
        size_mb: Of the file, in 10^6 bytes.
        compared: How far it is from its model, sound by sound.
        ms: Milliseconds of the model and of the file for a window, or for a second.
    """

    path: Path
    name: str
    source: str
    precision: str
    size_mb: float
    compared: Sequence[Compared]
    ms: tuple[float, float]

    def __str__(self) -> str:
        lines = [f"{self.source} to {self.path}: {self.precision}, {self.size_mb:.2f} MB; use it as {self.name}"]
        lines += ["sound       seconds  difference    cosine  heard whole, cosine"]
        for one in self.compared:
            whole = "" if one.windowed is None else f"{one.windowed:.6f}"
            lines.append(
                f"{one.sound[:11]:<11} {one.seconds:7.2f}  {one.difference:10.1e}  {one.cosine:8.6f}  {whole}".rstrip()
            )
        return "\n".join([*lines, f"one thread, one sound: {self.ms[0]:.1f} ms in PyTorch, {self.ms[1]:.1f} ms here"])


def export(
    model: str,
    *,
    to: str,
    out: Path | str,
    precision: Literal["fp32", "fp16", "int8"] = "fp32",
    window_s: float | None = None,
    frames: bool = False,
    clips: Sequence[str] = (),
) -> Exported:
    """Write a model to a file, read it back as a model, and compare both on sounds of several lengths.

    In fp32 the largest difference must be within 1e-4 of the largest value, of 1 if that is larger; or nothing is written. In
    fp16 and int8 the drift is measured, and a cosine of less than 0.9 refused. The proof and a card, which says how to feed the file, are written beside it.

    Args:
        model: A torch model by its name (`byol_s`, `trained/RUN`, `./mine.py`); of one with layers, one (`NAME@6`).
        to: The format: a name on the shelf of exporters, or the path of a Python file.
        out: The file to write, `small.onnx`.
        precision: Of weights, and in int8 of arithmetic.
        window_s: Fix the file to windows of so many seconds; None for any length, or for 1 s where the format has one length.
        frames: Give frames in place of one vector a sound; only at any length.
        clips: Recordings to compare on too; in int8, every second one helps to set ranges instead.

    Returns:
        Where the file is, and how far it is from the model.

    Raises:
        ModelError: It is no torch model, cannot be converted, or does not give the same.
        MissingExtraError: The format needs a package that is not here.
        StoreError: The file cannot be written.
    """
    exporter, path = shelf.load("exporters", to), Path(out)
    _check_request(exporter, path, to=to, precision=precision, window_s=window_s, frames=frames)
    from noss.pipeline._export_made import Made

    if window_s is None and not exporter.ANY_LENGTH:
        window_s = DEFAULT_WINDOW_S
    made = Made(model, window_s=window_s, frames=frames, clips=words(clips), ranges=precision == "int8")
    with _folder(path) as folder:
        file = folder / path.name
        _write(exporter, made.graph(), file, to=to, precision=precision)
        write_json(folder / f"{path.name}{CARD}", made.card_file(precision))
        compared, ms = made.compare(f"{exporter.MODEL}/{file}", within=_tolerance(precision))
        exported = Exported(
            path=path,
            name=f"{exporter.MODEL}/{path}",
            source=model,
            precision=precision,
            size_mb=file.stat().st_size / 1e6,
            compared=compared,
            ms=ms,
        )
        write_json(folder / f"{path.name}{PROOF}", made.proof(exported, file, to=to))
        _move(folder, path)
    return exported


def _tolerance(precision: str) -> float:
    from noss.exporters import TOLERANCE

    return TOLERANCE if precision == "fp32" else float("inf")


def _check_request(exporter: Any, path: Path, *, to: str, precision: str, window_s: float | None, frames: bool) -> None:
    if path.suffix != exporter.SUFFIX:
        raise ModelError(f"{path} is asked for and files of {to} end in {exporter.SUFFIX}: name it so")
    if precision not in exporter.PRECISIONS:
        raise ModelError(f"{to} has no precision {precision!r}: it has {', '.join(exporter.PRECISIONS)}")
    if window_s is not None and not 0.0 < window_s < math.inf:
        raise ModelError(f"window_s is {window_s:g} and must be above 0 s: give the length of a window")
    if frames and (window_s is not None or not exporter.ANY_LENGTH):
        raise ModelError(
            "frames are asked for and a file of one window gives one vector: leave frames or the window out"
        )


def _write(exporter: Any, graph: Graph, file: Path, *, to: str, precision: str) -> None:
    from noss.pipeline._embed_caught import Caught, one_line

    with Caught() as caught:
        exporter.write(graph, file, precision=precision)
    if isinstance(caught.error, NossError | OSError):
        raise caught.error
    if caught.error is not None:
        told = f"{graph.name} cannot be converted to {to} ({one_line(caught.error)[:300]})"
        raise ModelError(f"{told}: try --window-s, another format, or another model") from caught.error


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """A folder beside a file that holds what is being written; it goes, and what is in it, whatever happens."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; free some space or choose another folder") from error


def _move(folder: Path, path: Path) -> None:
    """Put the file, its card and then its proof, which holds the file's checksum, where they belong."""
    settle(folder)
    for suffix in ("", CARD, PROOF):
        os.replace(folder / f"{path.name}{suffix}", f"{path}{suffix}")  # noqa: PTH105
