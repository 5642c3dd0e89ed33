"""One self-contained page that opens offline: leaderboard, a section a task, speed, maps, and how to repeat the run.

A results store becomes a site of such pages: `write_site`. A training run has a page of its own: `write_training`.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from markupsafe import Markup

from noss.reports import Details, Score
from noss.reports._charts import specs
from noss.reports._explorer import write_explorer
from noss.reports._headline import best, headline, verdict
from noss.reports._layers import curve, layer_tables, mix
from noss.reports._quoted import LEGEND, quoted
from noss.reports._render import axis, environment, policy, source
from noss.reports._script import vega
from noss.reports._similarity_maps import sections
from noss.reports._site import write_pages
from noss.reports._site_facts import Site
from noss.reports._studies_pages import study_data, study_sections
from noss.reports._table import Cell, Column, Leaderboard, Row, leaderboard
from noss.reports._training_page import write_training

__all__ = ["PAGES", "SUFFIX", "write", "write_explorer", "write_site", "write_training"]

SUFFIX = ".html"
PAGES = True
_SCRIPTS = ("table.js", "charts.js", "rows.js", "player.js", "page.js")
_MAX_FAILURES = 500


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write the page; whatever `details` does not bring is left out of it."""
    details = details or Details()
    path.write_text(_page(scores, details), encoding="utf-8", newline="\n")


def write_site(site: Site, folder: Path) -> None:
    """Write a site of a results store: its pages, and one of what was analysed, which is a run's page without scores."""
    write_pages(site, folder)
    if site.analyses is not None:
        text = _page([], site.analyses, home="index.html")
        (folder / "analyses.html").write_text(text, encoding="utf-8", newline="\n")


def _page(scores: list[Score], details: Details, *, home: str = "") -> str:
    board, studies = leaderboard(scores, details=details), study_sections(details)
    layered = leaderboard(details.layers, details=details)
    scripts = [vega(details.cache), "\n".join(map(source, _SCRIPTS))]
    return (
        environment()
        .get_template("page.html")
        .render(
            board=board,
            quoted=quoted(board, details),
            legend=LEGEND,
            details=details,
            home=home,
            scores=scores,
            headline="Why models score as they do" if home else headline(board),
            cards=[_card(board, column) for column in board.columns],
            axes={column.task: axis(board, column) for column in board.columns},
            data={**_data(board, details), "layers": _tasks(layered, details), "studies": study_data(studies)},
            studies=studies,
            layers=layer_tables(layered, details.similarities),
            similar=sections(details.similarities),
            command=_command(details.settings),
            failures=details.failures[:_MAX_FAILURES],
            date=max(score.date for score in scores)[:10] if scores else "",
            grids={column.task: _grid(board, column, details) for column in board.columns},
            policy=policy(scripts),
            scripts=[Markup(script) for script in scripts],
            style=Markup(source("page.css")),
        )
    )


def _card(board: Leaderboard, column: Column) -> dict[str, Any]:
    """The answer for one task."""
    found = best(board, column)
    name, cell = found if found else (None, None)
    loud = [line.text for line in board.warnings if line.task == column.task]
    return {"column": column, "name": name, "cell": cell, "verdict": verdict(board, column), "loud": loud}


def _grid(board: Leaderboard, column: Column, details: Details) -> dict[str, Any]:
    """The whole grid of a task, for protocols that try one: its settings, and dev and test of every model."""
    names = {
        Path(row.cells[column.task].score.predictions).name: row.name for row in board.rows if column.task in row.cells
    }
    pages = [page for page in details.pages.get(column.task, []) if page["grid"]]
    models = [names.get(page["predictions"], page["predictions"]) for page in pages]
    rows = [
        {"setting": setting, "cells": [(cell["dev"], cell["test"]) for cell in cells]}
        for cells in zip(*(page["grid"] for page in pages), strict=False)
        for setting in [cells[0]]
    ]
    return {"models": models, "rows": rows}


def _bare(page: Any) -> Any:
    """What the scripts read of a model's page: its grid stands in the page already."""
    return page and {name: value for name, value in page.items() if name != "grid"}


def _data(board: Leaderboard, details: Details) -> dict[str, Any]:
    """Everything the scripts of the page read."""
    return {
        "specs": specs(),
        "tasks": _tasks(board, details),
        "models": [_model(row) for row in board.rows],
        "maps": details.maps,
        "audio": details.audio,
    }


def _tasks(board: Leaderboard, details: Details) -> list[dict[str, Any]]:
    return [_task(board, column, details) for column in board.columns]


def _task(board: Leaderboard, column: Column, details: Details) -> dict[str, Any]:
    pages = {page["predictions"]: page for page in details.pages.get(column.task, [])}
    rows = [row for row in board.rows if column.task in row.cells]
    rows.sort(key=lambda row: (row.cells[column.task].rank is None, row.cells[column.task].rank))
    return {
        "name": column.task,
        "metric": column.metric,
        "title": column.unit.title,
        "percent": column.unit.percent,
        "higher": column.higher_is_better,
        "chance": column.score.chance,
        "classes": details.classes.get(column.task, []),
        "models": [_scored(row.name, row.cells[column.task], pages) for row in rows],
    }


def _scored(name: str, cell: Cell, pages: dict[str, Any]) -> dict[str, Any]:
    score = cell.score
    state = "control" if not score.ranked else "best" if cell.rank == 1 else "tied" if cell.tied else "behind"
    file = Path(score.predictions).name
    values = {"value": score.value, "low": score.low, "high": score.high}
    layers = {"curve": curve(score), "mix": mix(score)}
    return {
        "name": name,
        "state": state,
        **values,
        **layers,
        "page": _bare(pages.get(file) or pages.get(score.predictions)),
    }


def _model(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "ranked": row.ranked,
        "place": row.place,
        "mean_rank": row.mean_rank,
        "speed": row.hours_per_s,
        "size_mb": row.facts.size_mb,
        "dim": row.facts.dim,
    }


def _command(settings: Any) -> str:
    """The line that repeats the run, in the shell or in Python."""
    words = settings.get("command")
    if isinstance(words, list):
        return shlex.join(map(str, words))
    request = settings.get("request")
    if not isinstance(request, dict):
        return ""
    return (
        f"noss.run({', '.join(f'{name}={value!r}' for name, value in request.items() if value not in (None, [], ()))})"
    )
