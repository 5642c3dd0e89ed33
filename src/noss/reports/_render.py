"""What every page of the house has: the templates' environment, a content policy, and places on an axis."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from noss.reports import Details, Score, Unit
from noss.reports._headline import difference
from noss.reports._table import Column, Leaderboard, readable, shown, unit_of

_TEMPLATES = Path(__file__).parent / "_page"


def environment() -> Environment:
    """The templates, which escape all that is put into them and fail where a name is unknown."""
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


def source(name: str) -> str:
    """The text of a script or a style sheet of the pages."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def policy(scripts: list[str], *, media: str = "data: blob:") -> str:
    """A content policy under which nothing but these very scripts runs, and nothing is fetched but sound from `media`."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"media-src {media}; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


def axis(board: Leaderboard, column: Column) -> tuple[float, float]:
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
    draws = "" if score.draw_sd is None else f", ±{shown(score.draw_sd, unit)} from one training draw to another"
    return f"{shown(score.value, unit)} [{shown(score.low, unit)}, {shown(score.high, unit)}]{draws}"


def _breakable(name: str) -> Markup:
    """A name that may break behind its slashes, dots and underscores."""
    return Markup(re.sub(r"([/_@])", r"\1<wbr>", str(escape(name))))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
