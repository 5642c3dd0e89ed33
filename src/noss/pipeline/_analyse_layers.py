"""What every layer of a model is worth on a task, as `noss run` scores it, and how alike neighbouring layers are."""

from __future__ import annotations

from noss.errors import DataError
from noss.pipeline._analyse_request import Analysed, Request
from noss.pipeline._analyse_sample import Sampled
from noss.pipeline._analyse_study import Study
from noss.pipeline._leaderboard import leaderboard
from noss.pipeline._models import Model
from noss.pipeline._plan import Corpus
from noss.pipeline._probe_choice import check_pooled, probe_name
from noss.pipeline._protocol import run_protocol
from noss.pipeline._similarity_compare import How, compare, put
from noss.pipeline._similarity_file import LAYERS, NAME, read_similarities
from noss.pipeline.score import score_predictions
from noss.reports import Score
from noss.reports._layers import as_text
from noss.reports._similarity import Similarity


def analyse(request: Request) -> Analysed:
    """Score every layer of every model on every task, and compare the layers of each; what is known is not made again.

    A record is the one that `noss run` makes of the model under `clean`: the score of the layer that validation chose, with
    a row a layer.

    Raises:
        DataError: A model has one layer, or mixes its layers.
    """
    for model in request.plan.models:
        _check(model)
    study = Study(request.out / LAYERS, request)
    layers = _Layers(request, study)
    study.run(layers.scores)
    text = as_text(leaderboard(study.scores), layers.found)
    return Analysed(path=study.path, text=text, notes=study.notes, failures=study.failures)


def _check(model: Model) -> None:
    if model.mixed:
        raise DataError(f"{model.name} learns one mix of its layers: write @all in place of @mix")
    if model.card.layers == 1:
        raise DataError(
            f"{model.name} has one layer: name a model that has several, with @all behind it, or leave it out"
        )


class _Layers:
    """The records of layers, model by model and task by task, and their similarities, written as they come."""

    def __init__(self, request: Request, study: Study) -> None:
        self.found: list[Similarity] = []
        self._request, self._study = request, study
        self._path = request.out / NAME

    def scores(self, model: Model, given: Sampled) -> list[Score]:
        """The record of one model on one task."""
        request, task = self._request, given.task
        probe = probe_name(task, request.own.get("probe"))
        check_pooled(probe, what="noss analyse layers")
        embedded = request.embed(model, task.clips, given.ids)
        self._study.lose(*embedded.failures)
        path = run_protocol(task, embedded, model=model, out=request.out, probe=probe, seed=request.seed)[0]
        corpus = Corpus(name=task.dataset, clips=task.clips, ids=given.ids, tasks=[task])
        known = read_similarities(self._path) if self._path.is_file() else []
        drawn = [line for line in task.warnings if " drawn " in line]
        alike = compare([model], corpus, [embedded], how=How(seed=request.seed), known=known, notes=drawn)
        put(self._path, [alike])
        self.found = [one for one in self.found if one.signature != alike.signature] + [alike]
        return score_predictions(path, metrics=[], draws=request.draws, seed=request.seed, known=self._study.known)[:1]
