"""The explorer's page beside a run's report: made when it is asked for, and left alone where nothing has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from noss import __version__
from noss.errors import DataError, NossError
from noss.pipeline._explorer import NUM_MODELS, explore, wanted_models
from noss.pipeline._leaderboard import leaderboard
from noss.pipeline._ties import gaps
from noss.reports import Score
from noss.runs import replacing, signature, write_json

NAME = "explorer.html"


def make_explorer(
    run: Path, scores: Sequence[Score], part: ModuleType, *, report: Path, models: Sequence[str], cache: Path
) -> NossError | None:
    """Write the explorer beside `report`, or give the reason why there is nothing to show.

    Args:
        run: The run's folder.
        scores: Its records.
        part: The style, which writes the page.
        report: The report's file.
        models: Names of models to show; none for the three best.
        cache: Where embeddings are kept.

    Raises:
        DataError: The style has no explorer, or the run no such model.
    """
    if not hasattr(part, "write_explorer"):
        raise DataError(f"the style of {report.name} has no explorer: leave out --explore, or write --style html")
    main = [score for score in scores if score.main]
    ranked = [row.facts.model for row in leaderboard(main, gaps=gaps(run, scores)).rows if row.ranked]
    chosen = wanted_models(main, ranked, models)
    page, inputs = report.with_name(NAME), _inputs(run, [*chosen, str(cache)])
    if page.is_file() and _made(run).get("inputs") == inputs and _made(run).get("page") == _digest(page):
        return None
    try:
        found = explore(run, main, models=chosen, most=len(models) or NUM_MODELS, cache=cache)
    except NossError as error:
        return error
    if not found.atlases:
        why = found.notes[0] if found.notes else "no model of the run is ranked: name one with --models"
        return DataError(f"the report is written, and no explorer: {why}")
    with replacing(page) as temporary:
        given = {"run": run.resolve().name, "place": page, "report": report.name, "version": __version__}
        part.write_explorer(found.atlases, temporary, notes=found.notes, **given)
    complete = not found.notes and not any(atlas.notes for atlas in found.atlases)
    made = {"inputs": inputs if complete else "", "page": _digest(page), "scores": _digest(run / "scores.jsonl")}
    write_json(run / "details" / "explorer.json", made)
    return None


def explorer_beside(run: Path, report: Path) -> tuple[str, bool]:
    """The name of the explorer beside a report, empty where there is none, and whether it shows the run's scores."""
    if not report.with_name(NAME).is_file():
        return "", False
    return NAME, _made(run).get("scores") == _digest(run / "scores.jsonl")


def _made(run: Path) -> dict[str, str]:
    """What is known of the page that was made last; nothing where that cannot be read."""
    try:
        found = json.loads((run / "details" / "explorer.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _inputs(run: Path, words: Sequence[str]) -> str:
    """A hash over all that the explorer shows, and over the code that shows it."""
    shelf_folder = Path(__file__).parent.parent / "reports"
    code = sorted([*shelf_folder.glob("_explorer*.py"), *(shelf_folder / "_page").glob("explorer*")])
    return signature([__version__, *words, *(_digest(path) for path in [run / "scores.jsonl", *code])])


def _digest(path: Path) -> str:
    """The hash of a file; of none, where it is not there."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
