"""What only one run can show: ties, failures, settings, the pages of its tasks, and maps of its embeddings."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.errors import DataError, ModelError
from noss.pipeline._analyse_request import FOLDER
from noss.pipeline._details_audio import Heard, data_uris
from noss.pipeline._details_maps import draw_maps
from noss.pipeline._details_page import model_page
from noss.pipeline._embed_precision import in_bf16
from noss.pipeline._kept import kept
from noss.pipeline._leaderboard import Leaderboard, leaderboard, units
from noss.pipeline._models import open_model
from noss.pipeline._predictions import Predictions, read_facts, read_predictions
from noss.pipeline._published import references
from noss.pipeline._similarity_file import LAYERS, NAME, read_similarities
from noss.pipeline._studies import read_studies
from noss.pipeline._ties import gaps, predictions_file
from noss.pipeline.score import read_scores
from noss.reports import Details, ModelPage, Score
from noss.runs import cache_folder
from noss.store import Store

_NUM_HEARD = 2
_VERSION = 2  # raised by one whenever what is kept changes


def run_details(run: Path, scores: Sequence[Score], *, pages: bool, cache: Path | None = None) -> Details:
    """Everything a style may show of a run beside its records.

    What is slow to make is kept in the folder `details` of the run.

    Args:
        run: The run's folder.
        scores: Its records.
        pages: Whether to make what single tasks show; without it only ties, settings and failures.
        cache: Where embeddings are kept; None for the folder that the run used.

    Raises:
        DataError: Predictions, failures or settings are missing or unreadable.
    """
    settings = read_settings(run / "run.json")
    studies = read_studies(run / FOLDER)
    alike, layered = run / FOLDER / NAME, run / FOLDER / LAYERS
    layers = read_scores(layered) if layered.is_file() else []
    known = Details(
        run=run.resolve().name,
        settings=settings,
        failures=_failures(run / "failures.csv"),
        units=units([*scores, *layers, *(score for found in studies.values() for score in found)]),
        studies=studies,
        gaps=gaps(run, scores),
        references=references(scores),
        layers=layers,
        similarities=read_similarities(alike) if alike.is_file() else [],
        cache=cache or cache_folder(settings.get("cache")),
    )
    return _with_pages(known, run, [score for score in scores if score.main]) if pages else known


def _with_pages(known: Details, run: Path, main: Sequence[Score]) -> Details:
    board = leaderboard(main, gaps=known.gaps)
    pages = {column.task: _task_pages(run, board, column.task) for column in board.columns}
    audio, silent = _audio(run, board, pages)
    models = dict.fromkeys(row.facts.model for row in board.rows if row.ranked)
    lookup = partial(_lookup, {score.model: score.model_revision for score in main}, cache=known.cache)
    of_clips = [score for score in main if not _facts(run, score).get("trials")]
    drawn = draw_maps(run / "details", of_clips, read=partial(_read, run), models=list(models), lookup=lookup)
    return replace(
        known,
        pages=pages,
        classes={score.contest: list(_facts(run, score)["classes"] or ()) for score in main},
        audio=audio,
        maps=drawn.maps,
        notes=[*silent, *drawn.notes],
        complete=not silent and not drawn.notes,
    )


def _read(run: Path, score: Score) -> Predictions:
    return read_predictions(predictions_file(run, score))


def _facts(run: Path, score: Score) -> dict[str, Any]:
    return read_facts(predictions_file(run, score))


def _task_pages(run: Path, board: Leaderboard, task: str) -> list[ModelPage]:
    """The pages of a task's models, the best first and controls last; none of trials, which are no single clips."""
    cells = [row.cells[task] for row in board.rows if task in row.cells]
    cells = [cell for cell in cells if not _facts(run, cell.score).get("trials")]
    cells.sort(key=lambda cell: (cell.rank is None, cell.rank))
    return [_model_page(run, cell.score) for cell in cells]


def _model_page(run: Path, score: Score) -> ModelPage:
    def make() -> ModelPage:
        metric = shelf.load("metrics", score.metric)
        return model_page(Path(score.predictions).name, _read(run, score), metric=metric)

    facts = [score.signature, score.metric, _VERSION]
    page: ModelPage = kept(run / "details", f"page {Path(score.predictions).stem}", facts=facts, make=make)
    return page


def _audio(run: Path, board: Leaderboard, pages: Mapping[str, Sequence[ModelPage]]) -> tuple[dict[str, str], list[str]]:
    """Sounds of the mistakes of each task's two best models, the best first; and what has none, and why."""
    roots = {column.task: Path(str(_facts(run, column.score).get("root") or "")) for column in board.columns}
    heard = [
        Heard(str(mistake["audio"]), roots[task] / mistake["file"], mistake["start_s"], mistake["end_s"])
        for place in range(_NUM_HEARD)
        for task, models in pages.items()
        for mistake in (models[place]["mistakes"] if place < len(models) else [])
    ]
    facts = [[[clip.id, str(clip.path), clip.path.is_file()] for clip in heard], _VERSION]
    found, silent = kept(run / "details", "audio", facts=facts, make=partial(data_uris, heard))
    return found, silent


def _lookup(revisions: Mapping[str, str], name: str, ids: Sequence[str], *, cache: Path | None) -> NDArray[np.float32]:
    """Embeddings (N, D) of a model as it was scored, averaged over its layers."""
    plain = open_model(name, cache=cache)
    model = plain if plain.revision == revisions[name] else in_bf16(plain)
    if model.revision != revisions[name]:
        raise ModelError(f"{name} has changed since it was scored; score it again")
    embeddings_NLD = Store.open(cache_folder(cache), model.facts).lookup(ids)
    return np.asarray(embeddings_NLD.mean(axis=1))


def read_settings(path: Path) -> dict[str, Any]:
    """Everything needed to repeat a run: its `run.json`, or nothing where there is none.

    Raises:
        DataError: It cannot be read.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}): run the same `noss run` again to mend it") from error
    return found if isinstance(found, dict) else {"run": found}


def _failures(path: Path) -> list[Mapping[str, str]]:
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read ({error}): run the same `noss run` again to mend it") from error
