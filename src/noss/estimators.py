"""noss in scikit-learn: audio to embeddings as a transformer, for use in a `Pipeline`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from noss.datasets import Clip
from noss.identity import clip_ids
from noss.pipeline._loaded import LoadedModel, Sound
from noss.pipeline._models import open_model
from noss.pipeline.embed import embed_clips
from noss.runs import cache_folder


class SpeechEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn carries no types
    """Sounds to embeddings (N, D): `make_pipeline(SpeechEmbedder("yamnet"), LogisticRegression())`.

    Files and clips go through the store, so that cross-validation embeds each of them once. It learns nothing: `fit`
    only hands it back.

    Args:
        model: Name of the model.
        sample_rate: Of sounds that are arrays, in Hz; files state their own.
        cache: Where embeddings of files are kept; None for `NOSS_CACHE` or the platform's cache folder.
        workers: Processes that embed files; None for one a core, 0 for none beside this one.
        device: Where the model runs; None for the best there is.
    """

    def __init__(
        self,
        model: str = "logmel_stats",
        *,
        sample_rate: int | None = None,
        cache: Path | str | None = None,
        workers: int | None = None,
        device: str | None = None,
    ) -> None:
        self.model = model
        self.sample_rate = sample_rate
        self.cache = cache
        self.workers = workers
        self.device = device

    def fit(self, X: Sequence[Sound], y: Any = None) -> Self:
        """Give the embedder back: there is nothing to learn.

        Args:
            X: Paths, clips or waveforms (T,); not looked at.
            y: Not looked at.
        """
        return self

    def transform(self, X: Sequence[Sound]) -> NDArray[np.float32]:
        """Embeddings (N, D) of paths, clips or waveforms (T,); layers of a model with L > 1 stand in one row (N, L*D).

        Args:
            X: Paths, clips, or arrays (T,): floats with full scale 1, or integers, which are scaled as files of their type are.

        Raises:
            AudioError: A sound cannot be read; the message says which.
        """
        sounds = list(X)
        clips = [_clip(sound) for sound in sounds if not isinstance(sound, np.ndarray)]
        if len(clips) == len(sounds):
            embeddings = self._from_store(clips)
        else:
            loaded = LoadedModel(open_model(self.model, cache=cache_folder(self.cache)))
            embeddings = loaded.embed(sounds, sample_rate=self.sample_rate)
        return embeddings.reshape(len(sounds), self._num_features())

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the embedding's numbers: `yamnet_0`, `yamnet_1`, ...

        Args:
            input_features: Not looked at.
        """
        return np.array([f"{self.model}_{number}" for number in range(self._num_features())], dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True
        return tags

    def _num_features(self) -> int:
        card = open_model(self.model, cache=cache_folder(self.cache)).card
        return card.layers * card.dim

    def _from_store(self, clips: Sequence[Clip]) -> NDArray[np.float32]:
        folder = cache_folder(self.cache)
        model = open_model(self.model, cache=folder)
        ids = clip_ids(clips, cache=folder)
        done = embed_clips(
            model, clips, ids=ids, cache=folder, workers=self.workers, device=self.device, strict=True, progress=False
        )
        return done.store.lookup([str(name) for name in done.ids])


def _clip(sound: str | os.PathLike[str] | Clip) -> Clip:
    return sound if isinstance(sound, Clip) else Clip(path=Path(sound), labels={})
