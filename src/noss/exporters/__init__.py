"""SHELF: files that leave the house. One file a format; this page is the contract.

A format defines what its files are called, what reads them, and how one is written::

    SUFFIX = ".onnx"                          # of its files
    MODEL = "onnx"                            # the part on the shelf of models that embeds with such a file
    PRECISIONS = ("fp32", "fp16", "int8")     # what it can be written in
    ANY_LENGTH = True                         # whether one file takes sound of any length, or a window alone

    def write(graph: Graph, path: Path, *, precision: Precision) -> None: ...

A written file takes a waveform (B, T) and gives its embedding, front end and all. It is read back through the shelf of models,
so that what is proved and scored is what ships; in fp32 it must give what the module gives, to `TOLERANCE` of the largest value
(of 1 if that is larger). The card file beside it, the proof and the writing of whole files are the pipeline's.

Drift in half precision and int8 is measured, shown and kept; a vector that lies below `LEAST_COSINE` of its model's is another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

Precision = Literal["fp32", "fp16", "int8"]
TOLERANCE = 1e-4
LEAST_COSINE = 0.9


@dataclass(frozen=True, kw_only=True)
class Graph:
    """What is written.

    Attributes:
        module: In evaluation mode; maps waveforms (B, T) to vectors (B, D), or to frames (B, S, D).
        name: Of the model, for messages.
        min_samples: The shortest waveform it bears.
        window: The one number of samples that the file shall take; None for any.
        sounds: Waveforms (T,) to set the ranges of whole numbers by, each of `window` samples where there is a window.
    """

    module: nn.Module
    name: str
    min_samples: int
    window: int | None
    sounds: Sequence[NDArray[np.float32]]

    @property
    def example(self) -> int:
        """Samples of a waveform to trace the module with: the window, or well above the shortest."""
        return self.window or max(24_000, 2 * self.min_samples)
