"""Any TensorFlow SavedModel for 16 kHz speech: `savedmodel/PATH`, or `savedmodel/PATH:KEY` for one of its outputs.

The model is a function or has one signature; it takes samples, alone or in a batch of one, with or without a sample rate,
as floats or 16-bit integers, or has a signature `waveform` with `paddings`. `KEY` is a key of the dictionary it gives, a
number where it gives several, or the name of an operation inside. On first use the model is converted to ONNX, and from
then on TensorFlow is not needed; a model that does not convert, or whose graph does not agree, is run in TensorFlow.
"""

from __future__ import annotations

from typing import Literal

from noss.models import Card, Embedder, _savedmodel, _savedmodel_run
from noss.models._files import megabytes

Runtime = Literal["onnx", "tensorflow"]


def card(choice: str) -> Card:
    """The facts of a SavedModel, which are read by running it when it is converted.

    Raises:
        ModelError: The path holds no such model, or it has no such output.
    """
    folder, key = _savedmodel.split(choice, family="savedmodel")
    facts = _savedmodel.converted(folder, key=key)
    files = _savedmodel.files(folder)
    fixed = f" Cut into windows of {facts.window} samples." if facts.window else ""
    return Card(
        sample_rate=_savedmodel_run.RATE,
        frame_rate=_savedmodel_run.RATE / facts.window if facts.window else facts.frame_rate,
        dim=facts.dim,
        source=str(folder),
        licence="unknown",
        weights=";".join(map(str, files)),
        min_s=facts.min_s,
        size_mb=megabytes(*files),
        notes=f"Called with {facts.form}. {_savedmodel_run.runs_in(facts)}{fixed}",
    )


def build(choice: str, *, threads: int = 1, runtime: Runtime | None = None) -> Embedder:
    """An embedder that runs the model in ONNX Runtime, or in TensorFlow where it must or `runtime` says so."""
    folder, key = _savedmodel.split(choice, family="savedmodel")
    return _savedmodel_run.embedder(_savedmodel.converted(folder, key=key), threads=threads, runtime=runtime)
