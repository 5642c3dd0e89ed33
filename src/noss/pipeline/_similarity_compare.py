"""Models compared on the clips of one dataset: which clips they share, CKA of all of their layers, and a record of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from noss import __version__
from noss.errors import DataError
from noss.pipeline._bootstrap import clusters
from noss.pipeline._embed_done import Embedded
from noss.pipeline._models import Model
from noss.pipeline._plan import Corpus
from noss.pipeline._similarity_cka import MIN_CLIPS, Estimator, Layers, Read
from noss.pipeline._similarity_file import read_similarities, write_similarities
from noss.pipeline._similarity_table import measured
from noss.reports._similarity import Compared, Similarity
from noss.reports._similarity_tables import write_csv
from noss.runs import signature


@dataclass(frozen=True, kw_only=True)
class How:
    """How models are compared: the estimate, the scale of dimensions, and the seed of the order of clips."""

    estimator: Estimator = "unbiased"
    standardise: bool = False
    seed: int = 0


def compare(
    models: Sequence[Model],
    corpus: Corpus,
    embedded: Sequence[Embedded],
    *,
    how: How,
    known: Sequence[Similarity],
    notes: Sequence[str] = (),
) -> Similarity:
    """CKA of all layers of models on the clips that all of them have; one that is known, if nothing about it has changed.

    Args:
        models: The models.
        corpus: The clips.
        embedded: What came of embedding them, a model each.
        how: How they are compared.
        known: Comparisons made before.
        notes: What is to be known of the clips.

    Raises:
        DataError: They share fewer than four clips.
    """
    ids = _shared(embedded, seed=how.seed)
    if len(ids) < MIN_CLIPS:
        counts = ", ".join(f"{m.name} has {len(_found(done))}" for m, done in zip(models, embedded, strict=True))
        what = f"{len(ids)} clips of {corpus.name} are there for all of the models ({counts})"
        raise DataError(f"{what}, and CKA needs {MIN_CLIPS}: give more clips, or leave a model out")
    revisions = [[model.name, model.revision] for model in models]
    key = signature([corpus.name, revisions, ids, how.estimator, how.standardise, __version__])
    earlier = [one for one in known if one.signature == key]
    if earlier:
        return earlier[0]
    speaker_of = dict(zip(map(str, corpus.ids), (clip.speaker for clip in corpus.clips), strict=True))
    speakers = [speaker_of[name] for name in ids]
    cluster_N, unit = clusters(speakers)
    start = time.perf_counter()
    cells = measured(
        _reader(embedded, ids),
        len(ids),
        estimator=how.estimator,
        standardise=how.standardise,
        cluster_N=cluster_N,
        unit=unit,
    )
    clips = signature(sorted(ids))
    found = Similarity(
        dataset=corpus.name,
        estimator=how.estimator,
        standardised=how.standardise,
        models=[_compared(model, num_clips=len(ids), clips=clips) for model in models],
        layers=[[place, layer] for place, model in enumerate(models) for layer in range(model.card.layers)],
        cka=cells.cka,
        low=cells.low,
        high=cells.high,
        interval=cells.interval,
        num_clips=len(ids),
        num_left_out=sum(any(done.ids[row] is None for done in embedded) for row in range(len(corpus.clips))),
        num_speakers=len({speaker for speaker in speakers if speaker is not None}) or None,
        seed=how.seed,
        signature=key,
        noss_version=__version__,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.perf_counter() - start, 3),
        notes=[*notes, *_notes(models, embedded)],
    )
    undefined = [name for row, name in enumerate(found.names) if found.cka[row][row] is None]
    found.notes.extend(f"{name} gives every clip the same vector: CKA with it is not defined" for name in undefined)
    return found


def put(path: Path, found: Sequence[Similarity]) -> None:
    """Write comparisons into a file, and beside it as a table; others that stand there stay.

    Raises:
        DataError: The file is there and broken.
        StoreError: The folder cannot be written.
    """
    known = {_key(one): one for one in (read_similarities(path) if path.is_file() else [])}
    together = list((known | {_key(one): one for one in found}).values())
    write_similarities(path, together)
    write_csv(together, path.with_suffix(".csv"))


def _key(one: Similarity) -> tuple[str, ...]:
    return (one.title, *(model.name for model in one.models))


def _found(done: Embedded) -> set[str]:
    return {name for name in done.ids if name is not None}


def _shared(embedded: Sequence[Embedded], *, seed: int) -> list[str]:
    """Identities of the clips that every model has, each once, in an order that the seed draws."""
    shared = sorted(set.intersection(*map(_found, embedded)))
    return [shared[place] for place in np.random.default_rng(seed).permutation(len(shared))]


def _reader(embedded: Sequence[Embedded], ids: Sequence[str]) -> Read:
    def read(rows: slice) -> Layers:
        found = [done.store.lookup(ids[rows]) for done in embedded]
        return [x_NLD[:, layer] for x_NLD in found for layer in range(x_NLD.shape[1])]

    return read


def _compared(model: Model, *, num_clips: int, clips: str) -> Compared:
    card = model.card
    return Compared(
        name=model.name, revision=model.revision, layers=card.layers, dim=card.dim, num_clips=num_clips, clips=clips
    )


def _notes(models: Sequence[Model], embedded: Sequence[Embedded]) -> list[str]:
    """A line a model that lacks clips, which are then left out for all of them, or that is not in float32."""
    drifts = [f"{model.name}: {model.drift}" for model in models if model.drift]
    lacking = [sum(name is None for name in done.ids) for done in embedded]
    return drifts + [
        f"{model.name} has no vector of {count} of {len(done.ids)} clips: they are left out for every model"
        for model, done, count in zip(models, embedded, lacking, strict=True)
        if count
    ]
