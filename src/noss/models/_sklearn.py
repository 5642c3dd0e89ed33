"""A scikit-learn transformer as a runner, and log-mel as the front end of one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models._card_file import CardFile, FrontEnd
from noss.models._graph import Shape

SAMPLE_RATE, BANDS, WINDOW, HOP = 16_000, 64, 400, 160
MIN_S = 0.5  # what a transformer of any length is padded to
BREAKS = (ValueError, TypeError, AttributeError, IndexError, RuntimeError, NotImplementedError)


class SklearnRunner:
    """A fitted transformer of rows of samples or of log-mel bands."""

    def __init__(self, transformer: Any, *, name: str, takes_logmel: bool) -> None:
        if not callable(getattr(transformer, "transform", None)):
            raise ModelError(
                f"{name} is a {type(transformer).__name__} and has no transform: name a fitted transformer"
            )
        self.name, self.takes_logmel, self._transformer = name, takes_logmel, transformer
        fitted = getattr(transformer, "n_features_in_", None)
        if takes_logmel and fitted is not None and fitted % BANDS:
            raise ModelError(
                f"{name} was fitted on rows of {fitted} numbers, no multiple of {BANDS} bands: leave @logmel out"
            )
        self.frames = (fitted or BANDS) // BANDS
        size = self.frames * BANDS if takes_logmel else fitted
        self.input_shape: Shape = (None, None, BANDS) if takes_logmel else (None, size)
        trial = np.random.default_rng(0).standard_normal((1, size or SAMPLE_RATE)).astype(np.float32)
        self.output_shape: Shape = (None, self(0.01 * trial).shape[1])

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """The transformer's rows (B, D) for rows (B, ...)."""
        rows = batch.reshape(len(batch), -1)
        try:
            found = self._transformer.transform(rows)
        except BREAKS as error:
            text = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(
                f"{self.name} fails on rows {rows.shape} ({text}): fit it, on rows of that size"
            ) from error
        dense = np.asarray(found.toarray() if hasattr(found, "toarray") else found)
        if dense.ndim != 2 or len(dense) != len(rows) or not np.issubdtype(dense.dtype, np.number):
            raise ModelError(
                f"{self.name} gives {dense.shape} of {dense.dtype} for rows {rows.shape}: a row of numbers each is needed"
            )
        return np.asarray(dense, dtype=np.float32)


class LogMelRunner:
    """Log-mel of one waveform (1, T): frames (1, S, M), as `logmel_stats` has them."""

    def __init__(self) -> None:
        from noss.audio.logmel import LogMel

        self.name = "log-mel"
        self.input_shape: Shape = (None, None)
        self.output_shape: Shape = (None, None, BANDS)
        self._logmel = LogMel(n_mels=BANDS)

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames (B, S, M) of waveforms (B, T)."""
        import torch

        waveform_BT = torch.from_numpy(np.ascontiguousarray(batch))
        with torch.inference_mode():
            frames_BSM, _ = self._logmel(waveform_BT, torch.full((len(batch),), batch.shape[1]))
        return np.asarray(frames_BSM.numpy())


def facts(run: SklearnRunner) -> CardFile:
    """How a transformer is fed, in the words of a card file."""
    dim = run.output_shape[1]
    assert dim is not None
    if run.takes_logmel:
        front = FrontEnd(model="log-mel", window=WINDOW, hop=HOP)
        return CardFile(sample_rate=SAMPLE_RATE, dim=dim, window=run.frames, hop=run.frames, front_end=front)
    fitted = run.input_shape[1]
    if fitted is not None:
        return CardFile(sample_rate=SAMPLE_RATE, dim=dim, window=fitted)
    return CardFile(sample_rate=SAMPLE_RATE, dim=dim, min_s=MIN_S)
