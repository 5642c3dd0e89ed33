"""What the teacher says of a crop, and of the recording that it was cut from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noss.errors import ModelError
from noss.identity import clip_ids
from noss.objectives import Batch
from noss.pipeline._loaded import LoadedModel
from noss.pipeline._models import Model, open_model
from noss.pipeline._train_batches import Loaded
from noss.pipeline._train_corpus import Corpus
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_recording import Recording
from noss.pipeline.embed import embed_clips


class Teacher:
    """Targets for batches: embeddings of crops made on the fly, or of whole recordings from the store.

    Args:
        model: The teacher; one layer.
        recipe: The run's settings.
        sample_rate: Of the crops, in Hz; a teacher of another rate gets them resampled.
    """

    def __init__(self, model: Model, recipe: Recipe, *, sample_rate: int) -> None:
        if model.card.layers != 1:
            raise ModelError(
                f"the teacher {model.name} gives {model.card.layers} layers and one is needed: name it, as in {model.name.partition('@')[0]}@0"
            )
        self.dim = model.card.dim
        self._model, self._targets, self._seed = model, recipe.targets, recipe.seed
        self._sample_rate = sample_rate
        self._loaded: LoadedModel | None = None
        self._whole: dict[int, NDArray[np.float32]] = {}

    def prepare(self, corpus: Corpus, *, cache: Path) -> Corpus:
        """Embed whole recordings where they are wanted; the corpus comes back without those that the teacher failed on."""
        if self._targets == "local":
            return corpus
        done = embed_clips(self._model, corpus.clips, ids=clip_ids(corpus.clips, cache=cache), cache=cache)
        there = [(number, name) for number, name in enumerate(done.ids) if name is not None]
        rows_ND = done.store.lookup([name for _, name in there])[:, 0]
        self._whole = {number: row_D for (number, _), row_D in zip(there, rows_ND, strict=True)}
        lost = {failure.file: f"its teacher failed: {failure.reason}" for failure in done.failures}
        return replace(
            corpus,
            train=_with(corpus.train, self._whole.__contains__),
            held_out=_with(corpus.held_out, self._whole.__contains__),
            broken={**lost, **corpus.broken},
        )

    def targets(self, loaded: Loaded, number: int) -> Tensor:
        """The targets (B, V, D) of batch `number`, before augmentation where there was some.

        Raises:
            ModelError: The teacher cannot be built, or fails on a crop.
        """
        crops_BVT, lengths_BV = loaded.clean
        shape = (*crops_BVT.shape[:2], self.dim)
        whole_BVD = np.zeros(shape, dtype=np.float32)
        if self._targets != "local":
            whole_BVD[:] = np.stack([self._whole[number] for number in loaded.source_B.tolist()])[:, None]
        if self._targets == "global":
            return torch.from_numpy(whole_BVD)
        local_BVD = self._embedded(crops_BVT, lengths_BV)
        if self._targets == "both":
            chosen_BV = np.random.default_rng((self._seed, 4, number)).random(shape[:2]) < 0.5
            local_BVD = np.where(chosen_BV[..., None], whole_BVD, local_BVD)
        return torch.from_numpy(local_BVD)

    def _embedded(self, crops_BVT: Tensor, lengths_BV: Tensor) -> NDArray[np.float32]:
        if self._loaded is None:
            self._loaded = LoadedModel(self._model)
        pieces = [
            crop_T[:length].numpy()
            for crop_T, length in zip(crops_BVT.flatten(0, 1), lengths_BV.flatten().tolist(), strict=True)
        ]
        vectors_ND = self._loaded.embed(pieces, sample_rate=self._sample_rate)
        return vectors_ND.reshape(*lengths_BV.shape, self.dim)


def open_teacher(recipe: Recipe, *, wanted: bool, sample_rate: int, cache: Path) -> Teacher | None:
    """The teacher of a recipe, where its objective wants one.

    Raises:
        ModelError: The objective wants a teacher and the recipe names none, or the other way round.
    """
    if wanted and recipe.teacher is None:
        raise ModelError(f"{recipe.objective} learns from a teacher and the recipe names none: set teacher to a model")
    if not wanted and recipe.teacher is not None:
        raise ModelError(f"{recipe.objective} has no use for the teacher {recipe.teacher}: leave it out")
    if recipe.teacher is None:
        return None
    return Teacher(open_model(recipe.teacher, cache=cache), recipe, sample_rate=sample_rate)


def with_targets(loaded: Loaded, teacher: Teacher | None, number: int) -> Batch:
    """A batch with its targets, if there is a teacher."""
    batch = loaded.batch()
    return batch if teacher is None else replace(batch, target_BVD=teacher.targets(loaded, number))


def _with(sources: Sequence[Sequence[Recording]], known: Callable[[int], bool]) -> list[list[Recording]]:
    return [[one for one in source if known(one.number)] for source in sources]
