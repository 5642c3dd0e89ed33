"""Columns of a table as targets: which are classes, which are numbers, which are neither, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from noss.datasets._table import RESERVED, Table

MANY_CLASSES = 20
_CODE = re.compile(r"[+-]?0\d")
HOUSEKEEPING = frozenset({
    "seconds", "duration", "duration_s", "duration_ms", "length", "num_samples", "num_frames", "sample_rate",
    "sampling_rate", "channels", "num_channels", "bit_depth", "size", "md5", "sha256",
})  # fmt: skip


def targets(table: Table) -> tuple[dict[str, tuple[str, ...] | None], tuple[str, ...]]:
    """The classes of every target, None for numbers; and a sentence about each column that is no target."""
    found: dict[str, tuple[str, ...] | None] = {}
    notes = []
    for name in table.columns:
        if name in RESERVED and name != "speaker":
            continue
        values = [value for value in table.column(name) if value]
        reason = _why_no_target(name, values, is_declared=name in table.declared)
        if reason is None and name in table.declared:
            found[name] = table.declared[name]
        elif reason is None:
            found[name] = None if _are_numbers(values) and name != "speaker" else tuple(sorted(set(values), key=_order))
        else:
            notes.append(f"The column {name} is no target: {reason}.")
    return found, tuple(notes)


def _why_no_target(name: str, values: list[str], *, is_declared: bool) -> str | None:
    distinct = len(set(values))
    if name.lower() in HOUSEKEEPING:
        return "it describes the files"
    if distinct < 2:
        return f"all its values are {values[0]!r}" if values else "it is empty"
    if is_declared or name == "speaker" or _are_numbers(values) or distinct <= max(MANY_CLASSES, len(values) / 2):
        return None
    odd = [value for value in values if number(value) is None]
    if len(odd) <= len(values) / 10:
        return f"{len(odd)} of {len(values)} values are not numbers (first: {odd[0]!r})"
    return f"{distinct} different values in {len(values)} rows are names or texts"


def _are_numbers(values: list[str]) -> bool:
    numbers = {number(value) for value in set(values)}
    if not numbers or None in numbers:
        return False
    return len(numbers) > MANY_CLASSES or any(value != int(value) for value in numbers if value is not None)


def _order(text: str) -> tuple[bool, float, str]:
    value = number(text)
    return value is None, value or 0.0, text


def number(text: str) -> float | None:
    """The finite number a cell holds; None for anything else, and for codes such as `007`."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and not _CODE.match(text) else None


def labels(table: Table) -> list[Mapping[str, str | float]]:
    """Every row's label by target; rows with the same labels share one mapping."""
    found, _ = targets(table)
    columns = [table.column(name) for name in found]
    shared: dict[tuple[str, ...], Mapping[str, str | float]] = {}
    rows = []
    for cells in zip(*columns, strict=True) if columns else [()] * len(table):
        if cells not in shared:
            named = zip(found.items(), cells, strict=True)
            shared[cells] = {name: cell if classes else float(cell) for (name, classes), cell in named if cell}
        rows.append(shared[cells])
    return rows


def facts(table: Table) -> list[Mapping[str, str]]:
    """Every row's further columns as text; rows with the same cells share one mapping."""
    names = [name for name in table.columns if name not in RESERVED and name.lower() not in HOUSEKEEPING]
    columns = [table.column(name) for name in names]
    shared: dict[tuple[str, ...], Mapping[str, str]] = {}
    rows = []
    for cells in zip(*columns, strict=True) if columns else [()] * len(table):
        if cells not in shared:
            shared[cells] = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        rows.append(shared[cells])
    return rows
