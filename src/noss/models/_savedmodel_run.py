"""A converted SavedModel as an embedder: clip by clip, in ONNX Runtime or in TensorFlow."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models import Embedder, _graph
from noss.models._card_file import CardFile
from noss.models._graph import Shape
from noss.models._savedmodel import Converted

RATE = 16_000


class TensorFlowRunner:
    """A SavedModel in TensorFlow, one clip (T,) to its frames (S, D)."""

    def __init__(self, facts: Converted, *, threads: int = 1) -> None:
        from noss.models import _savedmodel_tf

        self.name = str(facts.folder)
        self.input_shape: Shape = (facts.window,)
        self.output_shape: Shape = (None, facts.dim)
        self._run = _savedmodel_tf.run
        self._opened = _savedmodel_tf.load(facts.folder, key=facts.key, threads=threads)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the model on one clip (T,)."""
        return self._run(self._opened, batch)


def embedder(facts: Converted, *, threads: int, runtime: Literal["onnx", "tensorflow"] | None) -> Embedder:
    """An embedder of a converted SavedModel.

    Args:
        facts: What its conversion found.
        threads: Of the processor.
        runtime: None for ONNX where its graph agrees, and TensorFlow where none does.

    Raises:
        ModelError: ONNX is asked for, and there is no graph that agrees.
    """
    if runtime == "onnx" and facts.graph is None:
        raise ModelError(f"{facts.folder} has no ONNX graph to run: {facts.refused}; leave out runtime='onnx'")
    how = CardFile(sample_rate=RATE, dim=facts.dim, window=facts.window, frame_rate=facts.frame_rate)
    if facts.graph is None or runtime == "tensorflow":
        return _graph.embedder(TensorFlowRunner(facts, threads=threads), how)
    from noss.models._onnx import OnnxRunner

    return _graph.embedder(OnnxRunner(facts.graph, input_name=None, output=None, threads=threads), how)


def runs_in(facts: Converted) -> str:
    """Where it runs, and how that is known to be right, as a sentence."""
    if facts.graph is None:
        return f"Runs in TensorFlow: {facts.refused}."
    return f"Runs in ONNX Runtime; differs from TensorFlow by at most {facts.difference:.1e}."
