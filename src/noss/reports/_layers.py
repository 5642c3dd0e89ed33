"""What each layer of a model is worth, as rows: a score a layer, or its weight in a learned mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noss.reports import Score, Unit
from noss.reports._table import Leaderboard, shown


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """The layers of one task: a column a model, a row a layer; a cell is empty where a model has no such layer.

    `chosen` holds the cells, as row and column, of the layers that most folds chose.
    """

    task: str
    models: list[str]
    cells: list[list[str]]
    chosen: set[tuple[int, int]]


def curve(score: Score) -> list[dict[str, Any]]:
    """A row a layer with its own value on test; none where layers were mixed, or there is one."""
    return [row for row in score.layers if row.get("value") is not None]


def mix(score: Score) -> list[dict[str, Any]]:
    """A row a layer with its weight in the mix; none where layers were not mixed."""
    return [row for row in score.layers if row.get("weight") is not None]


def layer_tables(board: Leaderboard) -> list[LayerTable]:
    """A table a task that some model has several layers on."""
    found = []
    for column in board.columns:
        cells = {row.name: row.cells[column.task] for row in board.rows if column.task in row.cells}
        layered = {name: cell for name, cell in cells.items() if cell.score.layers}
        if layered:
            rows = {name: _by_layer(cell.score) for name, cell in layered.items()}
            found.append(_table(column.task, rows, column.unit))
    return found


def _by_layer(score: Score) -> dict[int, Mapping[str, Any]]:
    return {int(row["layer"]): row for row in score.layers}


def _table(task: str, rows: Mapping[str, Mapping[int, Mapping[str, Any]]], unit: Unit) -> LayerTable:
    num_layers = 1 + max(max(by_layer) for by_layer in rows.values())
    by_model = [[by_layer.get(layer, {}) for layer in range(num_layers)] for by_layer in rows.values()]
    cells = [[_cell(by_layer[layer], unit) for by_layer in by_model] for layer in range(num_layers)]
    chosen = {(layer, place) for place, by_layer in enumerate(by_model) for layer in _chosen(by_layer)}
    return LayerTable(task=task, models=list(rows), cells=cells, chosen=chosen)


def _chosen(by_layer: Sequence[Mapping[str, Any]]) -> list[int]:
    folds = [int(row.get("folds", 0)) for row in by_layer]
    return [layer for layer, count in enumerate(folds) if count and count == max(folds)]


def _cell(row: Mapping[str, Any], unit: Unit) -> str:
    if row.get("weight") is not None:
        return f"weight {row['weight']:.3f}"
    if row.get("value") is None:
        return ""
    interval = f"{shown(row['low'], unit)}, {shown(row['high'], unit)}"
    dev = "" if row.get("dev") is None else f", dev {shown(row['dev'], unit)}"
    return f"{shown(row['value'], unit)} [{interval}]{dev}"
