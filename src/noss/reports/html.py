"""One self-contained page that opens offline: leaderboard, a section a task, speed, maps, and how to repeat the run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from noss.reports import Details, Score, Unit
from noss.reports._charts import specs
from noss.reports._headline import best, difference, headline, verdict
from noss.reports._quoted import LEGEND, quoted
from noss.reports._script import vega
from noss.reports._table import Cell, Column, Leaderboard, Row, leaderboard, readable, shown, unit_of

SUFFIX = ".html"
PAGES = True
_TEMPLATES = Path(__file__).parent / "_page"
_SCRIPTS = ("table.js", "charts.js", "rows.js", "player.js", "page.js")
_MAX_FAILURES = 500


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write the page; whatever `details` does not bring is left out of it."""
    details = details or Details()
    path.write_text(_page(scores, details), encoding="utf-8", newline="\n")


def _page(scores: list[Score], details: Details) -> str:
    board = leaderboard(scores, details=details)
    scripts = [vega(details.cache), "\n".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in _SCRIPTS)]
    return (
        _environment()
        .get_template("page.html")
        .render(
            board=board,
            quoted=quoted(board, details),
            legend=LEGEND,
            details=details,
            scores=scores,
            headline=headline(board),
            cards=[_card(board, column) for column in board.columns],
            axes={column.task: _axis(board, column) for column in board.columns},
            data=_data(board, details),
            command=_command(details.settings),
            failures=details.failures[:_MAX_FAILURES],
            date=max(score.date for score in scores)[:10] if scores else "",
            grids={column.task: _grid(board, column, details) for column in board.columns},
            policy=_policy(scripts),
            scripts=[Markup(script) for script in scripts],
            style=Markup((_TEMPLATES / "page.css").read_text(encoding="utf-8")),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
    environment.filters.update(
        readable=readable, pretty=_pretty, place=_place, shown=_shown, breakable=_breakable, in_unit=_in_unit
    )
    environment.globals.update(difference=difference, unit_of=unit_of)
    return environment


def _policy(scripts: list[str]) -> str:
    """A content policy under which nothing but these very scripts runs, and nothing is fetched from anywhere."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "media-src data: blob:; connect-src 'none'; base-uri 'none'; form-action 'none'"
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


def _axis(board: Leaderboard, column: Column) -> tuple[float, float]:
    """The span that the bars of a column are drawn over."""
    found = [row.cells[column.task].score for row in board.rows if column.task in row.cells]
    low, high = min(score.low for score in found), max(score.high for score in found)
    margin = 0.04 * (high - low) or 0.01
    return low - margin, high + margin


def _place(value: float, axis: tuple[float, float]) -> str:
    """Where a value stands on an axis, in per cent."""
    low, high = axis
    return f"{min(100.0, max(0.0, 100 * (value - low) / (high - low))):.1f}"


def _in_unit(value: float | None, unit: Unit) -> str:
    return "–" if value is None else shown(value, unit)


def _shown(score: Score, details: Details) -> str:
    unit = unit_of(score.metric, details)
    return f"{shown(score.value, unit)} [{shown(score.low, unit)}, {shown(score.high, unit)}]"


def _data(board: Leaderboard, details: Details) -> dict[str, Any]:
    """Everything the scripts of the page read."""
    return {
        "specs": specs(),
        "tasks": [_task(board, column, details) for column in board.columns],
        "models": [_model(row) for row in board.rows],
        "maps": details.maps,
        "audio": details.audio,
    }


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
    return {"name": name, "state": state, **values, "page": _bare(pages.get(file) or pages.get(score.predictions))}


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


def _breakable(name: str) -> Markup:
    """A name that may break behind its slashes, dots and underscores."""
    return Markup(re.sub(r"([/_@])", r"\1<wbr>", str(escape(name))))


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


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
