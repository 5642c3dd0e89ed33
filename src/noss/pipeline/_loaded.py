"""A built model in this process, for use from Python: files, pieces of files or arrays in, an array out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from noss.audio import read
from noss.datasets import Clip
from noss.errors import AudioError, ModelError
from noss.models import Card
from noss.pipeline._embed_done_batch import Broken
from noss.pipeline._embed_machine import spread
from noss.pipeline._embed_plan import Job, Lost, measure
from noss.pipeline._embed_timeline import Lister, Timeline
from noss.pipeline._embed_windows import in_windows
from noss.pipeline._embed_worker import Loaded, Worker, make_worker
from noss.pipeline._models import Model

Sound = str | os.PathLike[str] | Clip | NDArray[np.floating] | NDArray[np.integer]
_FULL_SCALE = {"int8": 2.0**7, "int16": 2.0**15, "int32": 2.0**31}
_LOUDEST = 128.0  # floats 42 dB above full scale are integers in disguise


class LoadedModel:
    """A model with its weights; made by `noss.load_model`.

    Args:
        model: The model, not yet built.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        how = spread(model.card, workers=0, device=None, batch_s=None)
        self._batch_s = how.batch_s
        self._worker = make_worker(model, how.device, how.batch_s)

    @property
    def name(self) -> str:
        """The model's name, as it was given."""
        return self._model.name

    @property
    def card(self) -> Card:
        """The model's facts."""
        return self._model.card

    def embed(self, sounds: Sequence[Sound], *, sample_rate: int | None = None) -> NDArray[np.float32]:
        """Embeddings (N, D) of files, clips or waveforms (T,), in their order; (N, L, D) for a model with L > 1 layers.

        Args:
            sounds: Paths, clips, or arrays (T,), in any mixture: of floats with full scale 1, or of integers (int8, int16,
                int32, uint8), which are scaled as files of that type are.
            sample_rate: Of the arrays, in Hz.

        Raises:
            AudioError: A file cannot be read, or an array is no waveform; the message says which.
            ModelError: The model cannot be built, or fails on a sound.
        """
        if isinstance(sounds, str | os.PathLike):
            raise AudioError(f"{os.fspath(sounds)} is one path and a list is needed: write embed([path])")
        jobs = [self._job(place, sound, sample_rate) for place, sound in enumerate(sounds)]
        outcome = self._worker(jobs)
        if isinstance(outcome, Broken):
            raise ModelError(outcome.reason)
        if outcome.lost:
            raise _error(outcome.lost[0])
        embeddings_NLD = np.empty((len(jobs), self.card.layers, self.card.dim), dtype=np.float32)
        embeddings_NLD[outcome.places] = outcome.embeddings_NLD
        return embeddings_NLD[:, 0] if self.card.layers == 1 else embeddings_NLD

    def timeline(
        self,
        sound: Sound,
        *,
        window_s: float | None = None,
        hop_s: float | None = None,
        sample_rate: int | None = None,
    ) -> Timeline:
        """A vector for every window of a file, clip or waveform (T,), with its start and end.

        Args:
            sound: A path, a clip, or an array (T,) as `embed` takes it.
            window_s: Length of a window in seconds; None for the model's own.
            hop_s: From the start of one window to that of the next; None puts them side by side.
            sample_rate: Of an array, in Hz.

        Raises:
            AudioError: The file cannot be read, or the array is no waveform.
            ModelError: The model takes no such windows, cannot be built, or fails on one.
        """
        if not isinstance(self._worker, Worker):
            raise ModelError(self._worker([]).reason)
        cut = in_windows(self._model, window_s=window_s, hop_s=hop_s)
        start_s = sound.start_s if isinstance(sound, Clip) else 0.0
        lister = Lister(cut, batch_s=self._batch_s, forward=self._worker.forward)
        outcome = lister([self._job(0, sound, sample_rate)])
        if isinstance(outcome, Broken):
            raise ModelError(outcome.reason)
        if outcome.lost:
            raise _error(outcome.lost[0])
        return lister.timeline(start_s)

    def _job(self, place: int, sound: Sound, sample_rate: int | None) -> Job | Loaded:
        if isinstance(sound, np.ndarray):
            return Loaded(Job(place, Path(f"array {place}"), 0.0, None), self._waveform(sound, place, sample_rate))
        clip = sound if isinstance(sound, Clip) else Clip(path=Path(sound), labels={})
        measured = measure(Job(place, clip.path, clip.start_s, clip.end_s))
        if isinstance(measured, Lost):
            raise _error(measured)
        return measured

    def _waveform(self, sound: NDArray[np.number], place: int, sample_rate: int | None) -> NDArray[np.float32]:
        if sample_rate is None:
            raise AudioError(f"sound {place} is an array whose sample rate is not known: pass sample_rate= in Hz")
        if sample_rate < read.MIN_SAMPLE_RATE:
            raise AudioError(
                f"sample_rate is {sample_rate} and at least {read.MIN_SAMPLE_RATE} Hz are needed: correct it"
            )
        waveform_T = _scaled(sound)
        if waveform_T is None or sound.ndim != 1 or not len(sound):
            found = f"sound {place} is an array {sound.shape} of {sound.dtype}"
            raise AudioError(
                f"{found} and a waveform (T,) of floats in [-1, 1], int16 or int32 is needed: mix it down or convert it"
            )
        if not np.isfinite(waveform_T).all():
            raise AudioError(f"sound {place} holds NaN or infinite samples and numbers are needed: record it again")
        if (peak := float(np.abs(waveform_T).max())) > _LOUDEST:
            raise AudioError(
                f"sound {place} holds floats up to {peak:.4g} and full scale is 1: divide them (int16 by 32768), or pass integers"
            )
        if sample_rate == self.card.sample_rate:
            return waveform_T
        resampled_T: NDArray[np.float32] = soxr.resample(waveform_T, sample_rate, self.card.sample_rate, quality="HQ")
        return resampled_T


def _scaled(sound: NDArray[np.number]) -> NDArray[np.float32] | None:
    """Samples with full scale 1: floats as they are, integers as files of their type are read; None of other types."""
    if np.issubdtype(sound.dtype, np.floating):
        return sound.astype(np.float32)
    if sound.dtype == np.uint8:  # as in WAV files of 8 bits, silence is 128
        return ((sound.astype(np.float32) - 128.0) / 128.0).astype(np.float32)
    full_scale = _FULL_SCALE.get(sound.dtype.name)
    return None if full_scale is None else (sound / full_scale).astype(np.float32)


def _error(lost: Lost) -> AudioError | ModelError:
    return AudioError(lost.reason) if lost.stage == "read" else ModelError(f"sound {lost.place}: {lost.reason}")
