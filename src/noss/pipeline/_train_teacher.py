"""What teachers say of a crop, and of the recording that it was cut from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noss.errors import Failure, ModelError
from noss.identity import clip_ids
from noss.objectives import Batch
from noss.pipeline._loaded import LoadedModel
from noss.pipeline._models import Model, open_model
from noss.pipeline._train_batches import Loaded
from noss.pipeline._train_corpus import Corpus
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_recording import Recording
from noss.pipeline.embed import embed_clips


class Teachers:
    """Targets for batches: embeddings of crops made on the fly, or of whole recordings from the store.

    Several teachers' vectors stand one behind the other, as do the layers of a teacher that has several.

    Args:
        models: The teachers.
        recipe: The run's settings.
        sample_rate: Of the crops, in Hz; a teacher of another rate gets them resampled.

    Raises:
        ModelError: A teacher gives several layers and its name does not ask for all.
    """

    def __init__(self, models: Sequence[Model], recipe: Recipe, *, sample_rate: int) -> None:
        self._teachers = [_Teacher(model, recipe.targets) for model in models]
        self._targets, self._seed, self._sample_rate = recipe.targets, recipe.seed, sample_rate

    @property
    def dim(self) -> int:
        """Numbers in a target, D."""
        return sum(one.dim for one in self._teachers)

    def prepare(self, corpus: Corpus, *, cache: Path) -> Corpus:
        """Embed whole recordings where they are wanted; the corpus comes back without those that a teacher failed on."""
        if self._targets == "local":
            return corpus
        ids = clip_ids(corpus.clips, cache=cache)
        for teacher in self._teachers:
            lost = teacher.prepare(corpus, ids=ids, cache=cache)
            corpus = replace(
                corpus,
                train=_with(corpus.train, teacher.whole.__contains__),
                held_out=_with(corpus.held_out, teacher.whole.__contains__),
                broken={**lost, **corpus.broken},
            )
        return corpus

    def targets(self, loaded: Loaded, number: int) -> Tensor:
        """The targets (B, V, D) of batch `number`, before augmentation where there was some.

        Raises:
            ModelError: A teacher cannot be built, or fails on a crop.
        """
        shape = tuple(loaded.clean[0].shape[:2])
        whole_BV1 = (np.random.default_rng((self._seed, 4, number)).random(shape) < 0.5)[..., None]
        targets = []
        for teacher in self._teachers:
            if self._targets == "global":
                target_BVD = teacher.of_recordings(loaded.source_B, num_views=shape[1])
            else:
                target_BVD = teacher.of_crops(*loaded.clean, sample_rate=self._sample_rate)
            if self._targets == "both":
                whole_BVD = teacher.of_recordings(loaded.source_B, num_views=shape[1])
                target_BVD = np.where(whole_BV1, whole_BVD, target_BVD)
            targets.append(target_BVD)
        return torch.from_numpy(np.concatenate(targets, axis=2))


class _Teacher:
    """One of them: `whole` holds its vectors (L D,) of recordings, by their numbers."""

    def __init__(self, model: Model, targets: str) -> None:
        if model.card.layers != 1 and not model.name.endswith("@all"):
            name = model.name.partition("@")[0]
            raise ModelError(
                f"the teacher {model.name} gives {model.card.layers} layers: name one, as in {name}@0, or ask for {name}@all"
            )
        self.dim = model.card.layers * model.card.dim
        self.whole: dict[int, NDArray[np.float32]] = {}
        self._model, self._targets = model, targets
        self._loaded: LoadedModel | None = None

    def prepare(self, corpus: Corpus, *, ids: Sequence[str | Failure], cache: Path) -> dict[str, str]:
        """Embed whole recordings, some of them without a teacher's vector then: why, by file."""
        done = embed_clips(self._model, corpus.clips, ids=ids, cache=cache)
        there = [(number, name) for number, name in enumerate(done.ids) if name is not None]
        rows_ND = done.store.lookup([name for _, name in there]).reshape(len(there), -1)
        self.whole = {number: row_D for (number, _), row_D in zip(there, rows_ND, strict=True)}
        return {failure.file: f"its teacher failed: {failure.reason}" for failure in done.failures}

    def of_recordings(self, source_B: Tensor, *, num_views: int) -> NDArray[np.float32]:
        """The vector of each recording, once a view: (B, V, D)."""
        whole_BD = np.stack([self.whole[number] for number in source_B.tolist()])
        return whole_BD[:, None].repeat(num_views, axis=1)

    def of_crops(self, crops_BVT: Tensor, lengths_BV: Tensor, *, sample_rate: int) -> NDArray[np.float32]:
        """The vectors (B, V, D) of crops (B, V, T)."""
        if self._loaded is None:
            self._loaded = LoadedModel(self._model)
        pieces = [
            crop_T[:length].numpy()
            for crop_T, length in zip(crops_BVT.flatten(0, 1), lengths_BV.flatten().tolist(), strict=True)
        ]
        vectors = self._loaded.embed(pieces, sample_rate=sample_rate)
        return vectors.reshape(*lengths_BV.shape, self.dim)


def open_teachers(recipe: Recipe, *, wanted: bool, sample_rate: int, cache: Path) -> Teachers | None:
    """The teachers of a recipe, where its objective wants some.

    Raises:
        ModelError: The objective wants a teacher and the recipe names none, or the other way round.
    """
    if wanted and not recipe.teachers:
        raise ModelError(f"{recipe.objective} learns from a teacher and the recipe names none: set teacher to a model")
    if not wanted and recipe.teachers:
        raise ModelError(f"{recipe.objective} has no use for the teacher {recipe.teachers[0]}: leave it out")
    if not recipe.teachers:
        return None
    return Teachers([open_model(name, cache=cache) for name in recipe.teachers], recipe, sample_rate=sample_rate)


def with_targets(loaded: Loaded, teachers: Teachers | None, number: int) -> Batch:
    """A batch with its targets, if there is a teacher."""
    batch = loaded.batch()
    return batch if teachers is None else replace(batch, target_BVD=teachers.targets(loaded, number))


def _with(sources: Sequence[Sequence[Recording]], known: Callable[[int], bool]) -> list[list[Recording]]:
    return [[one for one in source if known(one.number)] for source in sources]
