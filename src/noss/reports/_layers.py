"""What each layer of a model is worth, as rows: a score a layer, or its weight in a learned mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from noss.reports import Score, Unit
from noss.reports._similarity import Similarity, in_words
from noss.reports._table import Leaderboard, shown


@dataclass(frozen=True, kw_only=True)
class LayerTable:
    """The layers of one task: a column a model, a row a layer; a cell is empty where a model has no such layer.

    `chosen` holds the cells, as row and column, of the layers that most folds chose. `alike` holds, by cell, CKA with the
    layer before in words; nothing where it is not known. `warnings` are to be said aloud.
    """

    task: str
    models: list[str]
    cells: list[list[str]]
    chosen: set[tuple[int, int]]
    alike: dict[tuple[int, int], str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def curve(score: Score) -> list[dict[str, Any]]:
    """A row a layer with its own value on test; none where layers were mixed, or there is one."""
    return [row for row in score.layers if row.get("value") is not None]


def mix(score: Score) -> list[dict[str, Any]]:
    """A row a layer with its weight in the mix; none where layers were not mixed."""
    return [row for row in score.layers if row.get("weight") is not None]


def layer_tables(board: Leaderboard, similarities: Sequence[Similarity] = ()) -> list[LayerTable]:
    """A table a task that some model has several layers on, with their similarities on its dataset."""
    found = []
    for column in board.columns:
        cells = {row.name: row.cells[column.task] for row in board.rows if column.task in row.cells}
        layered = {name: cell for name, cell in cells.items() if cell.score.layers}
        if layered:
            rows = {name: _by_layer(cell.score) for name, cell in layered.items()}
            warnings = [line.text for line in board.warnings if line.task == column.task]
            table = _table(column.task, rows, column.unit)
            found.append(replace(table, alike=_alike(table, column.score.dataset, similarities), warnings=warnings))
    return found


def as_text(board: Leaderboard, similarities: Sequence[Similarity] = ()) -> str:
    """A table a task for the terminal: a row a layer, chosen ones with a star."""
    return "\n\n".join(_as_text(table) for table in layer_tables(board, similarities))


def _as_text(table: LayerTable) -> str:
    rows = [[table.task, *table.models]]
    for layer, cells in enumerate(table.cells):
        marked = [f"{cell}{'*' if (layer, place) in table.chosen else ''}" for place, cell in enumerate(cells)]
        rows.append([f"layer {layer}", *(with_alike(table, layer, place, cell) for place, cell in enumerate(marked))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)


def with_alike(table: LayerTable, layer: int, place: int, cell: str) -> str:
    """A cell's text with CKA to the layer before, where it is known."""
    alike = table.alike.get((layer, place))
    return cell if alike is None else f"{cell}, CKA {alike}"


def _alike(table: LayerTable, dataset: str, similarities: Sequence[Similarity]) -> dict[tuple[int, int], str]:
    """CKA of each layer with the one before, by its cell, from unbiased estimates on a dataset."""
    plain = [one for one in similarities if one.title == dataset]
    return {
        (layer, table.models.index(model)): in_words(value, digits=3)
        for one in plain
        for model, layer, value in one.neighbours
        if model in table.models
    }


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
