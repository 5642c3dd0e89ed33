"""A results store put together for a site: its records, and what the cards of their models and datasets say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, get_args

from noss import shelf
from noss.datasets import Dataset
from noss.errors import NossError
from noss.models import Card
from noss.pipeline._analyse_request import FOLDER
from noss.pipeline._leaderboard import units
from noss.pipeline._models_card import card_of
from noss.pipeline._published import references
from noss.pipeline._results import read_result, read_results, result_path
from noss.pipeline._results_analyses import analysis_files, shared_similarities, similarity_path
from noss.pipeline._results_training import TRAINING, made_by, read_trainings
from noss.reports import Details, Score
from noss.reports._site_facts import Site, Suite
from noss.reports._studies import Study
from noss.runs import slug

_MOST_CLASSES: Final = 12  # more are counted, not listed


def read_site(folder: Path) -> Site:
    """Everything that a site of a results store shows.

    Raises:
        DataError: There are no results, or a file breaks a rule of the store; the message names file and line.
    """
    found = read_results(folder)
    scores = [score for suite in found.values() for score in suite]
    (analyses, analysed), trainings = _analyses(folder), read_trainings(folder)
    models, tasks = sorted({score.model for score in scores}), sorted({score.task for score in scores})
    datasets = {score.task: (_dataset(score.dataset), score.target) for score in scores}
    return Site(
        suites=[_suite(name, suite, store=folder.resolve()) for name, suite in found.items()],
        models=_some({name: _model_facts(card_of(name)) for name in models}),
        tasks=_some({task: _task_facts(*datasets[task]) for task in tasks}),
        families={
            task: dataset.families[target]
            for task, (dataset, target) in datasets.items()
            if dataset and target in dataset.families
        },
        pages={name: slug(name) for name in [*models, *tasks]},
        records={**dict(_records(folder, found)), **analysed, **_texts(folder, trainings)},
        analyses=analyses,
        trainings=trainings,
        made={name: stem for name in models if (stem := made_by(name, trainings))},
    )


def _suite(name: str, scores: list[Score], *, store: Path) -> Suite:
    details = Details(run=name, units=units(scores), references=references(scores))
    recipe = f"noss run recipes/{name}.py" if (store.parent / "recipes" / f"{name}.py").is_file() else ""
    return Suite(name=name, scores=scores, details=details, recipe=recipe)


def _records(folder: Path, found: Mapping[str, Iterable[Score]]) -> Iterable[tuple[str, str]]:
    for suite, scores in found.items():
        inside = folder / suite if (folder / suite).is_dir() else folder
        for model in sorted({score.model for score in scores}):
            path = result_path(inside, model)
            yield f"{suite}/{path.name}", path.read_text(encoding="utf-8")


def _analyses(folder: Path) -> tuple[Details | None, dict[str, str]]:
    """What was analysed, and the files that say it; None where there are none."""
    files, alike = analysis_files(folder), similarity_path(folder)
    found = {kind: [score for path in paths for score in read_result(path)] for kind, paths in files.items()}
    texts = {f"{FOLDER}/{kind}/{path.name}": path.read_text("utf-8") for kind, paths in files.items() for path in paths}
    if alike.is_file():
        texts[f"{FOLDER}/{alike.name}"] = alike.read_text("utf-8")
    if not texts:
        return None, {}
    details = Details(
        run=FOLDER,
        units=units([score for scores in found.values() for score in scores]),
        studies={kind: found[kind] for kind in get_args(Study) if kind in found},
        layers=found.get("layers", []),
        similarities=shared_similarities(alike) if alike.is_file() else [],
    )
    return details, texts


def _texts(folder: Path, trainings: Iterable[str]) -> dict[str, str]:
    names = [f"{TRAINING}/{stem}.json" for stem in trainings]
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def _model_facts(card: Card | None) -> dict[str, str]:
    if card is None:
        return {}
    window = "any length whole" if card.window_s is None else f"windows of {card.window_s:g} s"
    facts = {
        "Source": card.source,
        "Licence": card.licence,
        "Sample rate": f"{card.sample_rate:,} Hz",
        "Frames": f"{card.frame_rate:g} a second" if card.frame_rate else "one vector a window",
        "Audio": window,
        "Trained on": ", ".join(card.trained_on),
        "Cite": card.citation,
        "Note": card.notes,
    }
    return {label: text for label, text in facts.items() if text}


def _dataset(name: str) -> Dataset | None:
    try:
        return getattr(shelf.load("datasets", shelf.parse(name).part), "DATASET", None)
    except NossError:
        return None


def _task_facts(dataset: Dataset | None, target: str) -> dict[str, str]:
    if dataset is None:
        return {}
    classes = dataset.targets.get(target) or ()
    facts = {
        "Corpus": dataset.title,
        "Source": dataset.source,
        "Licence": dataset.licence,
        "Access": dataset.access,
        "Family": dataset.families.get(target, ""),
        "Classes": f"{len(classes)}" if len(classes) > _MOST_CLASSES else ", ".join(classes),
        "Audio": f"{dataset.num_clips:,} clips, {dataset.hours:g} hours",
        "Speakers": f"{dataset.num_speakers:,}" if dataset.num_speakers else "",
        "Languages": ", ".join(dataset.language[:_MOST_CLASSES]),
        "Cite": dataset.citation,
        "Note": " ".join(dataset.notes),
    }
    return {label: text for label, text in facts.items() if text}


def _some(facts: Mapping[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {name: found for name, found in facts.items() if found}
