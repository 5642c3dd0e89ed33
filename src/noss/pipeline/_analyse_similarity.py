"""How alike models are: linear CKA between all of their layers, on the clips that every one of them has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from noss import __version__
from noss.errors import DataError, Failure
from noss.pipeline._analyse_request import Analysed, Request
from noss.pipeline._bootstrap import clusters
from noss.pipeline._embed_done import Embedded
from noss.pipeline._models import Model
from noss.pipeline._plan import Corpus
from noss.pipeline._similarity_cka import MIN_CLIPS, Estimator, Read
from noss.pipeline._similarity_file import NAME, read_similarities, write_similarities
from noss.pipeline._similarity_table import Cells, measured
from noss.pipeline.embed import embed_clips
from noss.reports._similarity import Compared, Similarity
from noss.reports._similarity_tables import as_text, write_csv
from noss.runs import signature


def analyse(request: Request) -> Analysed:
    """Compare all layers of all models on every dataset of the tasks; known comparisons of other models stay in the file.

    Raises:
        DataError: There is one model with one layer, or models share fewer than four clips.
    """
    models = request.plan.models
    if sum(model.card.layers for model in models) < 2:
        raise DataError(f"similarity compares two models, and {models[0].name} is one: name another, or several layers")
    path = request.out / NAME
    known = {_key(one): one for one in (read_similarities(path) if path.is_file() else [])}
    found, failures = [], list[Failure]()
    for corpus in request.plan.corpora:
        embedded = [_embed(request, model, corpus) for model in models]
        failures += [one for done in embedded for one in done.failures if one not in failures]
        found.append(_compare(request, corpus, embedded, known=list(known.values())))
    together = list((known | {_key(one): one for one in found}).values())
    write_similarities(path, together)
    write_csv(together, path.with_suffix(".csv"))
    notes = [f"{one.title}: {note}" for one in found for note in one.notes]
    return Analysed(path=path, text="\n\n".join(map(as_text, found)), notes=notes, failures=failures)


def _key(one: Similarity) -> tuple[str, ...]:
    return (one.title, *(model.name for model in one.models))


def _embed(request: Request, model: Model, corpus: Corpus) -> Embedded:
    how: dict[str, Any] = {"workers": request.workers, "device": request.device, "strict": request.strict}
    return embed_clips(model, corpus.clips, ids=corpus.ids, cache=request.plan.cache, **how)


def _compare(
    request: Request, corpus: Corpus, embedded: Sequence[Embedded], *, known: Sequence[Similarity]
) -> Similarity:
    """The comparison of the models on a dataset; one that is known already if nothing about it has changed."""
    models = request.plan.models
    ids = _shared(request, corpus, embedded)
    estimator: Estimator = request.own.get("estimator") or "unbiased"
    standardise = bool(request.own.get("standardise"))
    revisions = [[model.name, model.revision] for model in models]
    key = signature([revisions, ids, estimator, standardise, request.seed, __version__])
    earlier = [one for one in known if one.signature == key and one.dataset == corpus.name]
    if earlier:
        return earlier[0]
    speaker_of = {name: clip.speaker for clip, name in zip(corpus.clips, corpus.ids, strict=True)}
    speakers = [speaker_of[name] for name in ids]
    cluster_N, unit = clusters(speakers)
    start = time.perf_counter()
    read = _reader(embedded, ids)
    cells = measured(read, len(ids), estimator=estimator, standardise=standardise, cluster_N=cluster_N, unit=unit)
    found = _record(request, corpus, ids=ids, cells=cells)
    return replace(
        found,
        estimator=estimator,
        standardised=standardise,
        num_speakers=len({speaker for speaker in speakers if speaker is not None}) or None,
        signature=key,
        seconds=round(time.perf_counter() - start, 3),
        notes=[*_left_out(corpus, models, embedded), *_undefined(found)],
    )


def _shared(request: Request, corpus: Corpus, embedded: Sequence[Embedded]) -> list[str]:
    """Identities of the clips that every model has, each once, in an order that the seed draws."""
    sets = [{name for name in done.ids if name is not None} for done in embedded]
    shared = sorted(set.intersection(*sets))
    few = min(len(shared), request.max_clips or len(shared))
    if few < MIN_CLIPS:
        counts = ", ".join(f"{m.name} has {len(own)}" for m, own in zip(request.plan.models, sets, strict=True))
        what = f"{few} clips of {corpus.name} are there for all of the models ({counts})"
        raise DataError(f"{what}, and CKA needs {MIN_CLIPS}: give more clips, or leave a model out")
    order_N = np.random.default_rng(request.seed).permutation(len(shared))
    return [shared[place] for place in order_N[: request.max_clips]]


def _reader(embedded: Sequence[Embedded], ids: Sequence[str]) -> Read:
    def read(rows: slice) -> list[Any]:
        found = [done.store.lookup(ids[rows]) for done in embedded]
        return [x_NLD[:, layer] for x_NLD in found for layer in range(x_NLD.shape[1])]

    return read


def _record(request: Request, corpus: Corpus, *, ids: Sequence[str], cells: Cells) -> Similarity:
    models, clips = request.plan.models, signature(sorted(ids))
    readable = {name for name in corpus.ids if isinstance(name, str)}
    unread = sum(not isinstance(name, str) for name in corpus.ids)
    return Similarity(
        dataset=corpus.name,
        estimator="unbiased",
        standardised=False,
        models=[
            Compared(
                name=model.name,
                revision=model.revision,
                layers=model.card.layers,
                dim=model.card.dim,
                num_clips=len(ids),
                clips=clips,
            )
            for model in models
        ],
        layers=[[place, layer] for place, model in enumerate(models) for layer in range(model.card.layers)],
        cka=cells.cka,
        low=cells.low,
        high=cells.high,
        interval=cells.interval,
        num_clips=len(ids),
        num_left_out=len(readable) + unread - len(ids),
        num_speakers=None,
        seed=request.seed,
        signature="",
        noss_version=__version__,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
    )


def _left_out(corpus: Corpus, models: Sequence[Model], embedded: Sequence[Embedded]) -> list[str]:
    """A line a model that lacks clips, which are then left out for all of them."""
    lacking = [sum(name is None for name in done.ids) for done in embedded]
    return [
        f"{model.name} has no vector of {count} of {len(corpus.clips)} clips: they are left out for every model"
        for model, count in zip(models, lacking, strict=True)
        if count
    ]


def _undefined(found: Similarity) -> list[str]:
    names = [name for row, name in enumerate(found.names) if found.cka[row][row] is None]
    return [f"{name} gives every clip the same vector: CKA with it is not defined" for name in names]
