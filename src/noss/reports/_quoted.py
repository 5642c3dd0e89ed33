"""Rows of what others published: a row a model and source, apart from the ranked ones and in a style of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from noss.reports import Details, Reference
from noss.reports._table import Leaderboard, shown

LEGEND = (
    "Published rows are figures of others for the same split, metric and protocol: they have no interval and no rank."
)


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """What a source says of one model; `cells` holds values in words, by the task of the column."""

    name: str
    source: str
    address: str
    cells: Mapping[str, str]

    @property
    def credit(self) -> str:
        """Where the figures are from, as a line."""
        return f"{self.name}: {self.source}; {self.address}"


def quoted(board: Leaderboard, details: Details | None) -> list[Quoted]:
    """The references that have a column in the leaderboard, by model and source, in the order given."""
    columns = {column.score.contest: column for column in board.columns}
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for one in details.references if details else []:
        if one.contest in columns:
            column = columns[one.contest]
            found.setdefault((one.model, _source(one), one.address), {})[column.task] = shown(one.value, column.unit)
    return [
        Quoted(name=name, source=source, address=address, cells=cells)
        for (name, source, address), cells in found.items()
    ]


def _source(reference: Reference) -> str:
    return f"{reference.source} (second-hand)" if reference.second_hand else reference.source
