"""A run of training, put together from its recipe: student, corpus, teacher, objective, batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from noss.errors import DataError
from noss.objectives import Needs
from noss.pipeline._embed_machine import cores
from noss.pipeline._request import roots
from noss.pipeline._train_augment import Chain, Masks
from noss.pipeline._train_batches import Augment, Batches, Crop
from noss.pipeline._train_compress import Compression
from noss.pipeline._train_compress_settings import read_compress
from noss.pipeline._train_corpus import Corpus, Draws, open_corpus
from noss.pipeline._train_files import write_model
from noss.pipeline._train_lengths import check_whole, ordered
from noss.pipeline._train_loop import Loop
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_setup import make_objective, needs_of, open_student
from noss.pipeline._train_teacher import open_teachers

if TYPE_CHECKING:
    from accelerate import Accelerator


def start(
    recipe: Recipe, folder: Path, *, accelerator: Accelerator, root: Sequence[str], cache: Path, workers: int | None
) -> Loop:
    """The loop of a recipe before its first step.

    Raises:
        NossError: A part of it is not there, or the parts do not fit each other.
    """
    needs, parts = needs_of(recipe), recipe.accumulate * accelerator.num_processes
    _check(recipe, needs, parts)
    student = open_student(recipe, cache=cache)
    rate, dim = student.model.card.sample_rate, student.model.frames_card.dim
    teachers = open_teachers(recipe, wanted=needs.teacher, sample_rate=rate, cache=cache)
    corpus = open_corpus(recipe, roots=roots([*recipe.root, *root]), cache=cache)
    if teachers is not None:
        corpus = teachers.prepare(corpus, cache=cache)
    teacher_dim = None if teachers is None else teachers.dim
    compression = _compression(recipe, student.module, accelerator)
    objective = make_objective(recipe, student.module, dim=dim, teacher_dim=teacher_dim, classes=corpus.classes)
    if compression is not None:
        compression.check()
    if accelerator.is_main_process:
        made = None if compression is None else compression.record
        write_model(
            folder,
            recipe,
            student.model,
            student.options,
            start_revision=student.start_revision,
            classes=corpus.classes,
            compressed=made,
        )
    crop, size = Crop.of(needs, sample_rate=rate, crop_s=recipe.longest_s), recipe.batch_size // parts
    augment = Chain(recipe, sample_rate=rate, cache=cache) if recipe.augment else None
    masks = None if recipe.spec_augment is None else Masks(recipe.spec_augment, student.module)
    return Loop(
        recipe,
        objective.train(),
        accelerator=accelerator,
        train=_train_batches(recipe, corpus, crop, size=size, augment=augment),
        held_out=_held_out_batches(recipe, corpus, crop, size=size),
        teachers=teachers,
        masks=masks,
        compression=compression,
        num_recordings=corpus.num_recordings + len(corpus.broken),
        broken=dict(corpus.broken),
        workers=min(8, max(1, cores() - 1)) if workers is None else workers,
    )


def _compression(recipe: Recipe, student: nn.Module, accelerator: Accelerator) -> Compression | None:
    if recipe.compress is None:
        return None
    if accelerator.distributed_type == "FSDP":
        raise DataError(
            "compress needs whole weights and FSDP spreads them over processes: launch with DDP, or leave it out"
        )
    return Compression(student, read_compress(recipe.compress, steps=recipe.steps))


def _check(recipe: Recipe, needs: Needs, parts: int) -> None:
    if needs.labels and recipe.target is None:
        raise DataError(f"{recipe.objective} learns from labels and the recipe names no target: set target to a column")
    check_whole(recipe, needs)
    if recipe.batch_size % parts:
        raise DataError(
            f"batch_size is {recipe.batch_size} and is shared by {parts} parts: make it a multiple of {parts}"
        )


def _train_batches(recipe: Recipe, corpus: Corpus, crop: Crop, *, size: int, augment: Augment | None) -> Batches:
    crop_s = recipe.longest_s if recipe.by == "second" else None
    draws = Draws(corpus.train, corpus.shares, seed=recipe.seed, crop_s=crop_s)
    return Batches(ordered(draws, recipe), crop=crop, size=size, seed=recipe.seed, augment=augment)


def _held_out_batches(recipe: Recipe, corpus: Corpus, crop: Crop, *, size: int) -> Batches | None:
    """Held-out recordings, each once before any comes again; none are sorted, so that the first batches hold what others do."""
    draws = Draws(corpus.held_out, corpus.shares, seed=recipe.seed)
    return Batches(draws, crop=crop, size=size, seed=recipe.seed + 1) if len(draws) else None
