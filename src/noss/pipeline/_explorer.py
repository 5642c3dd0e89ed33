"""The embedding explorer of a run: for each dataset its clips, and where the best models place them.

Nothing is embedded here: vectors are looked up in the store. Maps and neighbours take a while and are kept in the run's
folder.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss.errors import DataError, ModelError, NossError
from noss.identity import clip_ids
from noss.pipeline._clips import open_dataset
from noss.pipeline._compare_files import File
from noss.pipeline._compare_groups import dataset_name
from noss.pipeline._explorer_clips import Clips, below, columns_of
from noss.pipeline._explorer_map import comparable, main_directions, nearest, neighbourhoods, on_grid, turned
from noss.pipeline._kept import kept
from noss.pipeline._models import open_model
from noss.pipeline._predictions import read_facts, read_predictions
from noss.pipeline._ties import predictions_file
from noss.reports import Score
from noss.reports._explorer_facts import Atlas, ModelMap
from noss.runs import signature
from noss.shelf import did_you_mean
from noss.store import Store

MAX_CLIPS = 20_000
NUM_MODELS = 3
NUM_NEIGHBOURS = 12
PLANES = ("Neighbourhoods (t-SNE)", "Main directions (PCA)")
_NUM_FOUND = 90  # neighbours that t-SNE sees: three times its perplexity
_MOST_MISSING = 0.1  # of the clips: a model that lacks more of them is left out, else the clips are
_BLOCK = 2048  # clips looked up together: a model of many layers is large before they are averaged
_SEED = 0
_VERSION = 1  # raised by one whenever what is kept changes


@dataclass(frozen=True, kw_only=True)
class Explored:
    """What the explorer can show of each dataset, and what it cannot, and why."""

    atlases: list[Atlas]
    notes: list[str]


def explore(run: Path, scores: Sequence[Score], *, models: Sequence[str], most: int, cache: Path) -> Explored:
    """Maps of the clips of every dataset of a run.

    Args:
        run: The run's folder.
        scores: Its main scores.
        models: Names of models, the best first.
        most: How many of them to show of a dataset: the first ones that have embeddings of its clips.
        cache: Where embeddings are kept.

    Raises:
        DataError: Predictions are missing or unreadable.
        MissingExtraError: The package that draws maps is not installed.
    """
    known = {score.model: score.model_revision for score in scores}
    stores, notes = dict[str, Store](), list[str]()
    for model in models:
        try:
            stores[model] = _store(model, known[model], cache)
        except NossError as error:
            notes.append(f"{model} is not in the explorer: {error}")
    atlases = []
    for dataset in dict.fromkeys(score.dataset for score in scores):
        of_dataset = [score for score in scores if score.dataset == dataset]
        try:
            atlases.append(_atlas(run, of_dataset, stores, most=most, cache=cache))
        except DataError as error:
            notes.append(f"{dataset} is not in the explorer: {error}")
    return Explored(atlases=atlases, notes=notes)


def wanted_models(scores: Sequence[Score], ranked: Sequence[str], named: Sequence[str]) -> list[str]:
    """The models that were named, or else those that are ranked, the best first.

    Raises:
        DataError: The run has no such model.
    """
    known = list(dict.fromkeys(score.model for score in scores))
    for name in named:
        if name not in known:
            raise DataError(f"the run scored no model {name}: {did_you_mean(name, known)}")
    return list(named) or [name for name in dict.fromkeys(ranked) if name in known]


def _store(name: str, revision: str, cache: Path) -> Store:
    """The embeddings of a model as it was scored; none are made, nor is a store."""
    model = open_model(name, cache=cache)
    if model.revision != revision:
        raise ModelError(f"{name} has changed since it was scored: score it again with the run's command")
    if not Store.is_there(cache, model.facts):
        raise DataError(f"there are no embeddings of it in {cache}: {_BRING_BACK}")
    return Store.open(cache, model.facts)


_BRING_BACK = "name their folder with --cache, or run the run's own command again, which makes them anew"


def _atlas(run: Path, scores: Sequence[Score], stores: Mapping[str, Store], *, most: int, cache: Path) -> Atlas:
    rows = [score for score in scores if not _facts(run, score).get("trials")]
    models = [name for name in stores if any(score.model == name for score in rows)]
    clips, root = Clips(), Path(str(_facts(run, scores[0]).get("root") or ""))
    for score in sorted(rows, key=lambda score: (score.protocol != "clean", score.variant != "")):
        clips.add_predictions(score.model, score.target, read_predictions(predictions_file(run, score)))
    notes = _of_corpus(clips, run, scores[0], root=root, cache=cache) if models else []
    targets = dict.fromkeys(score.target for score in rows)
    label = next((name for name in targets if name != "speaker"), next(iter(targets), None))
    names, models, told = _together(clips.chosen(MAX_CLIPS, by=label, seed=_SEED), stores, models, most=most)
    notes += told
    if len(clips.places) > MAX_CLIPS:
        share = f"a seeded sample of {MAX_CLIPS:,} of {len(clips.places):,} clips, with each label's share"
        notes.append(f"The map holds {share}.")
    durations_N = stores[models[0]].durations_s(names)
    lasts = {"seconds": dict(zip(names, durations_N.tolist(), strict=True))} if durations_N.any() else {}
    places, home = [clips.places[name] for name in names], root.parent if root.is_file() else root
    return Atlas(
        dataset=scores[0].dataset,
        root=home,
        files=[below(root / file, home) for file, _, _ in places],
        starts_s=np.array([start_s for _, start_s, _ in places], dtype=np.float32),
        ends_s=np.array([np.nan if end_s is None else end_s for _, _, end_s in places], dtype=np.float32),
        columns=columns_of({**clips.columns, **lasts}, names),
        models=_maps(run / "details", scores, clips, names, {model: stores[model] for model in models}),
        label=label,
        notes=notes,
    )


def _facts(run: Path, score: Score) -> dict[str, Any]:
    return read_facts(predictions_file(run, score))


def _of_corpus(clips: Clips, run: Path, score: Score, *, root: Path, cache: Path) -> list[str]:
    """Take in the corpus itself, where it is still there: training clips too, and all of its columns."""
    file = File(path=predictions_file(run, score), run=run.absolute(), facts=_facts(run, score))
    name = dataset_name(file)
    try:
        _, found, _ = open_dataset(name, roots={name: root}, cache=cache)
    except NossError as error:
        return [f"Only test clips and the columns of their predictions are shown: {error}"]
    clips.add_corpus(found, clip_ids(found, cache=cache), root=root)
    return []


def _together(
    names: list[str], stores: Mapping[str, Store], models: Sequence[str], *, most: int
) -> tuple[list[str], list[str], list[str]]:
    """Clips that every model shown has an embedding of, the models, and what is left out."""
    missing = {model: set(stores[model].missing(names)) for model in models}
    notes = [
        f"{model} is left out: {len(lost):,} of {len(names):,} clips have no embedding; {_BRING_BACK}."
        for model, lost in missing.items()
        if len(lost) > _MOST_MISSING * len(names)
    ]
    good = [model for model in models if len(missing[model]) <= _MOST_MISSING * len(names)][:most]
    lost = set[str]().union(*(missing[model] for model in good))
    there = [name for name in names if name not in lost]
    if not good or len(there) < 2:
        raise DataError(f"the store holds no embeddings of its clips by a model of the run: {_BRING_BACK}")
    if lost:
        notes.append(f"{len(lost):,} of {len(names):,} clips are left out: a model has no embedding of them.")
    return there, good, notes


def _maps(
    folder: Path, scores: Sequence[Score], clips: Clips, names: Sequence[str], stores: Mapping[str, Store]
) -> list[ModelMap]:
    """The map of each model, turned to lie like the first one's."""
    made: list[ModelMap] = []
    revisions = {score.model: score.model_revision for score in scores}
    for model, store in stores.items():
        facts = [revisions[model], signature(list(names)), NUM_NEIGHBOURS, _VERSION]
        found = kept(folder, f"explorer {scores[0].dataset} {model}", facts=facts, make=partial(_located, store, names))
        planes = {
            name: _unpacked(text, np.uint16, len(names)) for name, text in zip(PLANES, found["planes"], strict=True)
        }
        if made:
            first = made[0].planes
            planes = {
                name: on_grid(turned(plane_N2.astype(np.float64), first[name].astype(np.float64)))
                for name, plane_N2 in planes.items()
            }
        made.append(
            ModelMap(
                model=model,
                dim=store.dim,
                planes=planes,
                share=found["share"],
                near_NK=_unpacked(found["near"], np.uint16, len(names)),
                distances_NK=_unpacked(found["distances"], np.float32, len(names)),
                columns=columns_of(clips.answers.get(model, {}), names),
            )
        )
    return made


def _located(store: Store, names: Sequence[str]) -> dict[str, Any]:
    """Planes and neighbours of a model's clips, as plain facts; its layers are averaged."""
    parts = [store.lookup(names[start : start + _BLOCK]).mean(axis=1) for start in range(0, len(names), _BLOCK)]
    unit_ND = comparable(np.concatenate(parts))
    found = nearest(unit_ND, _NUM_FOUND)
    main_N2, share = main_directions(unit_ND, seed=_SEED)
    near_N2 = neighbourhoods(found, main_N2, seed=_SEED)
    listed = found.first(NUM_NEIGHBOURS)
    return {
        "planes": [_packed(on_grid(near_N2)), _packed(on_grid(main_N2))],
        "share": share,
        "near": _packed(listed.rows_NK.astype(np.uint16)),
        "distances": _packed(listed.distances_NK),
    }


def _packed(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _unpacked(text: str, kind: type[Any], num_clips: int) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=kind).reshape(num_clips, -1)
