"""How alike models are: linear CKA between all of their layers, on the clips that every one of them has."""

from __future__ import annotations

from dataclasses import replace

from noss.errors import DataError, Failure
from noss.pipeline._analyse_request import Analysed, Request
from noss.pipeline._analyse_sample import sampled
from noss.pipeline._plan import Corpus
from noss.pipeline._similarity_compare import How, compare, put
from noss.pipeline._similarity_file import NAME, read_similarities
from noss.reports._similarity_tables import as_text


def analyse(request: Request) -> Analysed:
    """Compare all layers of all models on every dataset of the tasks; comparisons of other models stay in the file.

    Raises:
        DataError: There is one model with one layer, or models share fewer than four clips.
    """
    models, path = request.plan.models, request.out / NAME
    if sum(model.card.layers for model in models) < 2:
        raise DataError(f"similarity compares two models or more and {models[0].name} is one: name another beside it")
    known = read_similarities(path) if path.is_file() else []
    how = How(
        estimator=request.own.get("estimator") or "unbiased",
        standardise=bool(request.own.get("standardise")),
        seed=request.seed,
    )
    found, failures = [], list[Failure]()
    for whole in request.plan.corpora:
        corpus, drawn = _fewer(request, whole), f"{request.max_clips} of {len(whole.clips):,} clips were drawn"
        embedded = [request.embed(model, corpus.clips, corpus.ids) for model in models]
        failures += [one for done in embedded for one in done.failures if one not in failures]
        found.append(
            compare(models, corpus, embedded, how=how, known=known, notes=[drawn] if corpus is not whole else [])
        )
    put(path, found)
    notes = [f"{one.title}: {note}" for one in found for note in one.notes]
    return Analysed(path=path, text="\n\n".join(map(as_text, found)), notes=notes, failures=failures)


def _fewer(request: Request, corpus: Corpus) -> Corpus:
    """The dataset with no more clips than are asked for."""
    if request.max_clips is None or request.max_clips >= len(corpus.clips):
        return corpus
    found = sampled(corpus.tasks[0], most=request.max_clips, seed=request.seed, cache=request.plan.cache)
    return replace(corpus, clips=found.task.clips, ids=found.ids, tasks=[found.task])
