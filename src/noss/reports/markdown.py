"""A table for a README or a forum: models by tasks, intervals beside values, warnings as footnotes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from noss.reports import Details, Score
from noss.reports._headline import headline
from noss.reports._layers import LayerTable, layer_tables, with_alike
from noss.reports._quoted import LEGEND, Quoted, quoted
from noss.reports._similarity import Similarity
from noss.reports._similarity_tables import heading, is_square, neighbours, pairs, squares
from noss.reports._studies import ABOUT, Study, StudyCell, StudyTable, study_tables
from noss.reports._table import Cell, Column, Leaderboard, Row, leaderboard, readable
from noss.reports._training import Training
from noss.reports._training_text import training_text

SUFFIX = ".md"
PAGES = False
_SPECIAL = re.compile(r"([\\`*\[\]|~$#!])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write the leaderboard as a GitHub table."""
    board = leaderboard(scores, details=details)
    others = quoted(board, details)
    ranking = [_table(board, others), _legend(board, details, others)] if board.rows else []
    parts = [
        escaped(headline(board)),
        *ranking,
        *_layers(layer_tables(board)),
        *_layers(layer_tables(leaderboard(details.layers, details=details), details.similarities) if details else []),
        *_studies(details),
        *(part for one in (details.similarities if details else []) for part in _similar(one)),
        _footnotes(board, others),
    ]
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8", newline="\n")


def write_training(training: Training, path: Path, *, cache: Path | None = None) -> None:
    """Write what a training run left as tables; nothing is kept in `cache`."""
    path.write_text(training_text(training, escaped), encoding="utf-8", newline="\n")


def escaped(text: str) -> str:
    """Text that shows as itself: no markup, no cell border, no line break."""
    return _SPECIAL.sub(lambda found: "\\" + found.group(), " ".join(text.split()).translate(_MARKUP))


def _table(board: Leaderboard, others: list[Quoted]) -> str:
    headings = ["", "Model", *(_heading(board, column) for column in board.columns)]
    headings += ["Mean rank", "Audio h/s", "Size, MB", "D"]
    lines = [headings, ["--:", ":--", *["--:"] * (len(headings) - 2)], *(_row(board, row) for row in board.rows)]
    lines += [_quoted_row(board, one, mark) for mark, one in enumerate(others, len(board.warnings) + 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _heading(board: Leaderboard, column: Column) -> str:
    marks = "".join(f"[^{number}]" for number, line in enumerate(board.warnings, 1) if line.task == column.task)
    return f"{escaped(column.heading)}{marks}"


def _row(board: Leaderboard, row: Row) -> list[str]:
    name = escaped(row.name) if row.ranked else f"*{escaped(row.name)}* (control)"
    cells = [_cell(row.cells.get(column.task)) for column in board.columns]
    rank = "" if row.mean_rank is None else f"{row.mean_rank:.2f}"
    facts = [readable(row.hours_per_s), readable(row.facts.size_mb), str(row.facts.dim)]
    return [str(row.place or ""), name, *cells, rank, *facts]


def _quoted_row(board: Leaderboard, one: Quoted, mark: int) -> list[str]:
    cells = [f"*{escaped(one.cells[column.task])}*" if column.task in one.cells else "–" for column in board.columns]
    return ["", f"*{escaped(one.name)}* (published)[^{mark}]", *cells, "", "", "", ""]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "–"
    return f"{f'**{cell.text}**' if cell.tied else cell.text} [{cell.interval}]"


def _legend(board: Leaderboard, details: Details | None, others: list[Quoted]) -> str:
    bold = "the best of the task and all that cannot be told apart from it" if _knows_ties(board) else "the best"
    lines = f"Value [95 % interval]. **Bold**: {bold}. Controls take no rank. {escaped(board.protocols)}"
    failures = len(details.failures) if details else 0
    listed = f"{failures} {'failure is' if failures == 1 else 'failures are'} listed in failures.csv."
    return " ".join([lines, *([listed] if failures else []), *([LEGEND] if others else [])])


def _layers(tables: list[LayerTable]) -> list[str]:
    """A table a task, a row a layer, and a line that says what stands in it."""
    if not tables:
        return []
    line = (
        "What each layer alone scores on test [95 % interval], and on validation (dev); or its weight in a learned mix. "
        "**Bold**: chosen on validation, by most folds. The model's score is that of the layers so chosen: nothing is chosen on test."
    )
    return [line, *map(_layer_table, tables)]


def _studies(details: Details | None) -> list[str]:
    """Robustness, a table a model; context, a table a task."""
    if details is None:
        return []
    found = {study: study_tables(study, details.studies.get(study, []), details) for study in get_args(Study)}
    return [part for study, tables in found.items() if tables for part in [ABOUT[study], *map(_study_table, tables)]]


def _study_table(table: StudyTable) -> str:
    first = f"{table.title}, {'test clips' if table.study == 'robustness' else 'cut into'}"
    head = [escaped(name) for name in [first, *table.columns]]
    rows = [[escaped(name), *map(_study_cell, cells)] for name, cells in table.rows]
    lines = [head, [":--", *["--:"] * len(table.columns)], *rows]
    loud = [f"- {escaped(line)}" for line in table.warnings]
    return "\n\n".join(["\n".join(f"| {' | '.join(line)} |" for line in lines), *(["\n".join(loud)] if loud else [])])


def _study_cell(cell: StudyCell | None) -> str:
    """The score and, below it, the change, bold where its interval leaves zero out."""
    if cell is None or not cell.change:
        return "–" if cell is None else str(cell)
    change = f"**{cell.change}**" if cell.clear else cell.change
    return f"{cell}; {change} [{cell.change_interval}], moved {cell.moved}"


def _similar(one: Similarity) -> list[str]:
    """A comparison: a square where it is small, else a row a pair of models; and each layer beside the one before it."""
    lines = [f"{escaped(heading(one))}. {escaped(one.interval)}.", *map(escaped, one.notes)]
    beside = [["Layer", "Next layer", "CKA"], *neighbours(one)]
    if is_square(one):
        numbers = [str(number) for number in range(1, len(one.layers) + 1)]
        rows = [[number, *cells] for number, cells in zip(numbers, squares(one), strict=True)]
        return [" ".join(lines), _plain_table([["", "CKA", *numbers], *rows])]
    tables = [[["Model", "Other model", "Most alike", "Layers", "Span"], *pairs(one)], beside]
    return [" ".join(lines), *(_plain_table(rows) for rows in tables if len(rows) > 1)]


def _plain_table(rows: list[list[str]]) -> str:
    cells = [list(map(escaped, row)) for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], ["--"] * len(cells[0]), *cells[1:]])


def _layer_table(table: LayerTable) -> str:
    headings = [f"{escaped(table.task)}, layer", *map(escaped, table.models)]
    lines = [headings, ["--:"] * len(headings)]
    for layer, cells in enumerate(table.cells):
        bold = [f"**{cell}**" if (layer, place) in table.chosen else cell or "–" for place, cell in enumerate(cells)]
        marked = [with_alike(table, layer, place, cell) for place, cell in enumerate(bold)]
        lines.append([str(layer), *marked])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _knows_ties(board: Leaderboard) -> bool:
    return any(cell.gap is not None for row in board.rows for cell in row.cells.values())


def _footnotes(board: Leaderboard, others: list[Quoted]) -> str:
    lines = [*map(str, board.warnings), *(one.credit for one in others)]
    return "\n".join(f"[^{number}]: {escaped(line)}" for number, line in enumerate(lines, 1))
