"""A table for a paper: models by tasks in booktabs, intervals below values."""

from __future__ import annotations

import re
from pathlib import Path

from noss.reports import Details, Score
from noss.reports._headline import headline
from noss.reports._quoted import LEGEND, Quoted, quoted
from noss.reports._table import Cell, Column, Leaderboard, Row, leaderboard, readable

SUFFIX = ".tex"
PAGES = False
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write the leaderboard as a table that needs the package booktabs."""
    board = leaderboard(scores, details=details)
    bold = "best of the task, or not to be told apart from it"
    others = quoted(board, details)
    caption = (
        f"{headline(board)} Values with 95\u00a0% intervals; bold: {bold}; controls take no rank. {board.protocols}"
    )
    caption = f"{caption} {LEGEND}" if others else caption
    lines = [
        "% \\usepackage{booktabs}",
        "\\begin{table}",
        f"\\caption{{{escaped(caption)}}}",
        "\\centering",
        f"\\begin{{tabular}}{{l{'r' * len(board.columns)}rr}}",
        "\\toprule",
        _line(["Model", *(_heading(column) for column in board.columns), "Mean rank", "Audio h/s"]),
        "\\midrule",
        *_body(board),
        *_published(board, others),
        "\\bottomrule",
        "\\end{tabular}",
        *(f"\\par\\footnotesize {escaped(str(line))}" for line in [*board.warnings, *(one.credit for one in others)]),
        "\\end{table}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def escaped(text: str) -> str:
    """Text that TeX sets as it stands."""
    plain = re.sub(r"[ \t\r\n]+", " ", text)
    return "".join(_SPECIAL.get(sign, sign) for sign in plain).replace("\u00a0", "~").replace("\u2212", "$-$")


def _body(board: Leaderboard) -> list[str]:
    ranked = [_line(_row(board, row)) for row in board.rows if row.ranked]
    controls = [_line(_row(board, row)) for row in board.rows if not row.ranked]
    return [*ranked, "\\midrule", *controls] if ranked and controls else ranked + controls


def _published(board: Leaderboard, others: list[Quoted]) -> list[str]:
    rows = [
        [
            f"\\textit{{{escaped(one.name)}}} (published)",
            *(_quoted_cell(one, column) for column in board.columns),
            "",
            "",
        ]
        for one in others
    ]
    return ["\\midrule", *map(_line, rows)] if rows else []


def _quoted_cell(one: Quoted, column: Column) -> str:
    return f"\\textit{{{escaped(one.cells[column.task])}}}" if column.task in one.cells else "--"


def _row(board: Leaderboard, row: Row) -> list[str]:
    name = escaped(row.name) if row.ranked else f"\\textit{{{escaped(row.name)}}} (control)"
    rank = "" if row.mean_rank is None else f"{row.mean_rank:.2f}"
    cells = [_cell(row.cells.get(column.task)) for column in board.columns]
    return [name, *cells, rank, readable(row.hours_per_s)]


def _heading(column: Column) -> str:
    return escaped(column.heading)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    value = f"\\textbf{{{escaped(cell.text)}}}" if cell.tied else escaped(cell.text)
    return f"{value} {{\\scriptsize [{escaped(cell.interval)}]}}"


def _line(cells: list[str]) -> str:
    return f"{' & '.join(cells)} \\\\"
