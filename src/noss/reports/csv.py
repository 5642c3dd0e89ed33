"""A table for spreadsheets and scripts: one line a score, every field of the record."""

from __future__ import annotations

import csv
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from noss.reports import Details, Score

SUFFIX = ".csv"
PAGES = False
_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write one line a score; text that a spreadsheet would take for a formula gets an apostrophe in front."""
    studies = [score for found in details.studies.values() for score in found] if details else []
    layers = [score for score in details.layers if score not in scores] if details else []
    names = [field.name for field in fields(Score)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_cell(getattr(score, name)) for name in names] for score in [*scores, *layers, *studies])


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list):
        value = "; ".join(value) if all(isinstance(item, str) for item in value) else json.dumps(value)
    if isinstance(value, dict):
        value = json.dumps(value) if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
