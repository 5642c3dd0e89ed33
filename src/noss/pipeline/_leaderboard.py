"""The leaderboard of a run: ranked rows, and the same as a table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from noss import shelf
from noss.reports import Details, Gap, Score, Unit
from noss.reports._table import Cell, Row
from noss.reports._table import Leaderboard as Rows
from noss.reports._table import leaderboard as rows_of

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class Leaderboard(Rows):
    """Models by tasks, best mean rank first and controls last, with the lines to be said aloud."""

    def table(self, *, caption: str = "") -> Table:
        """The leaderboard for the terminal: value and interval, ties with the best in bold, controls dim."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        lines = [*(f"! {line}" for line in self.warnings), *([caption] if caption else [])]
        lines = [self.protocols, *lines] if len(self.counted) < len(self.columns) else lines
        table = Table(caption=Text("\n".join(lines)) if lines else None, caption_justify="left", box=SIMPLE_HEAD)
        table.add_column("", justify="right")
        table.add_column(Text("model"), no_wrap=True)
        for column in self.columns:
            heading = Text(
                f"{column.task}\n{column.metric}{' %' if column.unit.percent else ''}, {column.score.protocol}"
            )
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column(Text("mean\nrank"), justify="right")
        table.add_column(Text("audio h/s"), justify="right")
        for row in self.rows:
            table.add_row(*self._row(row), style=None if row.ranked else "dim")
        return table

    def _row(self, row: Row) -> list[Text]:
        from rich.text import Text

        cells = [_in_words(row.cells.get(column.task)) for column in self.columns]
        mean_rank = ("" if row.ranked else "control") if row.mean_rank is None else f"{row.mean_rank:.2f}"
        speed = "" if row.hours_per_s is None else f"{row.hours_per_s:.3g}"
        return [Text(str(row.place or "")), Text(row.name), *cells, Text(mean_rank), Text(speed)]


def leaderboard(scores: Sequence[Score], *, gaps: Mapping[str, Gap] | None = None) -> Leaderboard:
    """Rank models by their main scores.

    Args:
        scores: The records of one run or of several.
        gaps: Distance to the best of the task, by file name of the predictions, as `noss.pipeline._ties.gaps` gives
            it; without it no ties are marked.
    """
    details = Details(units=units(scores), gaps=gaps or {})
    return Leaderboard(**vars(rows_of(scores, details=details)))


def units(scores: Sequence[Score]) -> dict[str, Unit]:
    """How each metric of the records is shown."""
    found = {name: shelf.load("metrics", name).METRIC for name in sorted({score.metric for score in scores})}
    return {name: Unit(title=metric.title, percent=metric.percent) for name, metric in found.items()}


def _in_words(cell: Cell | None) -> Text:
    from rich.text import Text

    if cell is None:
        return Text("-")
    return Text.assemble((cell.text, "bold" if cell.tied else ""), (f"\n{cell.interval.replace(', ', '–')}", "dim"))
