"""A suite with its leaderboard, as the pages of a site read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from noss.reports._headline import best, headline
from noss.reports._quoted import Quoted, quoted
from noss.reports._render import axis
from noss.reports._site_facts import Site, Suite
from noss.reports._table import Cell, Column, Leaderboard, Row, leaderboard

TIES: Final = Markup(
    "Ranks are by value. Records carry no predictions, so no tie is marked: where intervals meet, <code>noss compare</code> "
    "on the runs says whether two models can be told apart."
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A suite with its leaderboard."""

    suite: Suite
    board: Leaderboard

    @property
    def name(self) -> str:
        """The suite's name."""
        return self.suite.name

    @property
    def date(self) -> str:
        """The day of its newest record."""
        return max(score.date for score in self.suite.scores)[:10]

    @property
    def headline(self) -> str:
        """Who wins."""
        return headline(self.board)

    @property
    def quoted(self) -> list[Quoted]:
        """What others published for the same contests."""
        return quoted(self.board, self.suite.details)

    @property
    def axes(self) -> dict[str, tuple[float, float]]:
        """The span that each column's bars are drawn over."""
        return {column.task: axis(self.board, column) for column in self.board.columns}

    @property
    def warnings(self) -> dict[str, list[str]]:
        """The lines to be said aloud, each with its tasks."""
        found: dict[str, list[str]] = {}
        for line in self.board.warnings:
            found.setdefault(line.text, []).append(line.task)
        return found

    def best(self, column: Column) -> tuple[str, Cell] | None:
        """The best ranked model of a column, and its score."""
        return best(self.board, column)

    def ranked(self, column: Column) -> list[Row]:
        """The rows that have a score in a column: ranked ones first, the best on top."""
        rows = [row for row in self.board.rows if column.task in row.cells]
        return sorted(rows, key=lambda row: (row.cells[column.task].rank is None, row.cells[column.task].rank or 0))

    def num_ranked(self, column: Column) -> int:
        """How many models take a rank in a column."""
        return sum(row.cells[column.task].rank is not None for row in self.ranked(column))


def shown_suites(site: Site) -> list[Shown]:
    """The suites of a site, ranked: first those of most tasks, and of these the one with most models that others can open."""
    return [
        Shown(suite=suite, board=leaderboard(suite.scores, details=suite.details))
        for suite in sorted(site.suites, key=_breadth)
    ]


def _breadth(suite: Suite) -> tuple[int, int]:
    open_to_all = {score.model for score in suite.scores if not score.model.startswith("trained/")}
    return -len({score.task for score in suite.scores}), -len(open_to_all)
