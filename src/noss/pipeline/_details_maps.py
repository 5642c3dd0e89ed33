"""Embeddings of a dataset laid out in two dimensions, so that one sees what a model holds close."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noss.errors import NossError
from noss.pipeline._kept import kept
from noss.pipeline._predictions import Predictions
from noss.reports import Map, Score

MAX_CLIPS = 600
MAX_MODELS = 3
BUDGET_S = 30.0
_SIDE = 999
_MAX_GROUPS = 200

Lookup = Callable[[str, Sequence[str]], NDArray[np.float32]]


@dataclass
class _Clips:
    """The clips of a dataset that are drawn: file, speaker, and label by target, by identity."""

    files: dict[str, str] = field(default_factory=dict)
    colours: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, target: str, predictions: Predictions) -> None:
        """Take in the clips of one task."""
        classes = predictions.classes
        columns = zip(predictions.ids, predictions.files, predictions.speakers, predictions.true_N, strict=True)
        for name, file, speaker, true in columns:
            self.files.setdefault(name, file)
            if classes is not None:
                self.colours.setdefault(target, {})[name] = classes[int(true)]
            if speaker is not None:
                self.colours.setdefault("speaker", {})[name] = speaker

    def chosen(self) -> list[str]:
        """At most so many identities, drawn evenly, the same ones every time."""
        names = sorted(self.files)
        step = max(1.0, len(names) / MAX_CLIPS)
        return [names[int(place)] for place in np.arange(0, len(names), step)][:MAX_CLIPS]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The maps that could be drawn, and why others could not."""

    maps: list[Map]
    notes: list[str]


def draw_maps(
    folder: Path,
    scores: Sequence[Score],
    *,
    read: Callable[[Score], Predictions],
    models: Sequence[str],
    lookup: Lookup,
) -> Drawn:
    """One map a dataset, with the places of its clips for each model; places are kept in `folder`.

    Drawing stops after half a minute; what is kept by then is there the next time, and the rest is drawn.

    Args:
        folder: Where places are kept.
        scores: The main scores of the run.
        read: Gives the predictions behind a score.
        models: Names of the models to draw, the best first.
        lookup: Gives the embeddings (N, D) of a model for clip identities.
    """
    drawn, end = Drawn(maps=[], notes=[]), time.monotonic() + BUDGET_S
    for dataset in dict.fromkeys(score.dataset for score in scores):
        of_dataset = [score for score in scores if score.dataset == dataset]
        clips = _clips(of_dataset, read)
        names = clips.chosen()
        places: dict[str, list[tuple[int, int]]] = {}
        revisions = {score.model: score.model_revision for score in of_dataset}
        for model in [name for name in models if name in revisions][:MAX_MODELS]:
            make = partial(_in_time, lookup, model, names, end=end)
            facts = [revisions[model], names, 1]
            try:
                places[model] = kept(folder, f"map {dataset} {model}", facts=facts, make=make)
            except NossError as error:
                drawn.notes.append(f"No map of {dataset} with {model}: {error}")
        if places:
            drawn.maps.append(_map(dataset, clips, names, places))
    return drawn


def layout(embeddings_ND: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Places of embeddings (N, D) on a plane by t-SNE, as whole numbers from 0 to 999."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    scaled_ND = (embeddings_ND - embeddings_ND.mean(axis=0)) / np.maximum(embeddings_ND.std(axis=0), 1e-6)
    num_clips, dim = scaled_ND.shape
    if num_clips < 4:
        return [(index * _SIDE // max(num_clips - 1, 1), _SIDE // 2) for index in range(num_clips)]
    init = "pca" if dim >= 2 else "random"
    with threadpool_limits(1):  # so few points gain nothing from threads, and lose much where cores are busy
        reduced_ND = PCA(n_components=min(50, num_clips, dim), random_state=0).fit_transform(scaled_ND)
        tsne = TSNE(perplexity=min(30.0, (num_clips - 1) / 3), init=init, max_iter=400, random_state=0)
        plane_N2 = tsne.fit_transform(reduced_ND)
    low_2, span_2 = plane_N2.min(axis=0), np.ptp(plane_N2, axis=0).max()
    return [(int(x), int(y)) for x, y in (plane_N2 - low_2) * _SIDE / max(span_2, 1e-9)]


def _in_time(lookup: Lookup, model: str, names: Sequence[str], *, end: float) -> list[tuple[int, int]]:
    if time.monotonic() > end:
        raise NossError("out of time for maps; the same report again draws the rest")
    return layout(lookup(model, names))


def _clips(scores: Sequence[Score], read: Callable[[Score], Predictions]) -> _Clips:
    clips, seen = _Clips(), set()
    for score in scores:
        if score.target not in seen:
            seen.add(score.target)
            clips.add(score.target, read(score))
    return clips


def _map(dataset: str, clips: _Clips, names: list[str], places: dict[str, list[tuple[int, int]]]) -> Map:
    colours = {name: [groups.get(clip, "") for clip in names] for name, groups in clips.colours.items()}
    few = {name: groups for name, groups in colours.items() if len(set(groups)) <= _MAX_GROUPS}
    return Map(dataset=dataset, files=[clips.files[name] for name in names], colours=few, places=places)
