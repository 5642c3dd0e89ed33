"""Similarities as heat maps: tables of shaded cells with their values written out, which need no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from noss.reports._similarity import Similarity, in_words

_MOST_LINES = 300


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value in words, its interval, the shade in per cent, and what it is the CKA of, for those who hear the table."""

    text: str
    interval: str
    shade: int
    names: str


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """Layers by layers: what stands beside the rows, above the columns, and in the cells."""

    title: str
    down: str
    across: str
    rows: list[str]
    columns: list[str]
    cells: list[list[Cell]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """What the page shows of one comparison: its maps, and lines of two layers, their CKA and its interval, most alike first."""

    one: Similarity
    maps: list[HeatMap]
    lines: list[tuple[str, str, str, str]]
    is_whole: bool


def sections(found: Sequence[Similarity]) -> list[Section]:
    """A section a comparison."""
    return [_section(one) for one in found]


def _section(one: Similarity) -> Section:
    pairs = list(combinations(range(len(one.layers)), 2))
    pairs.sort(key=lambda pair: -(-2.0 if (value := one.cka[pair[0]][pair[1]]) is None else value))
    names = one.names
    lines = [
        (names[row], names[column], in_words(one.cka[row][column]), one.interval_of(row, column))
        for row, column in pairs[:_MOST_LINES]
    ]
    return Section(one=one, maps=heat_maps(one), lines=lines, is_whole=len(pairs) <= _MOST_LINES)


def heat_maps(one: Similarity) -> list[HeatMap]:
    """A map of all models with one layer; of them and each deep model; of two deep models; of a deep model's own layers."""
    places = [[row for row, (own, _) in enumerate(one.layers) if own == model] for model in range(len(one.models))]
    single = [rows[0] for rows in places if len(rows) == 1]
    deep = [rows for rows in places if len(rows) > 1]
    found = [_square(one, single)] if len(single) > 1 else []
    found += [_beside(one, single, columns) for columns in deep if single]
    found += [_pair(one, rows, columns) for rows, columns in combinations(deep, 2)]
    return [*found, *(_pair(one, rows, rows) for rows in deep)]


def _square(one: Similarity, places: Sequence[int]) -> HeatMap:
    names = [one.names[place] for place in places]
    return HeatMap(
        title=f"{len(names)} models on {one.title}",
        down="Model",
        across="Model, by its number",
        rows=[f"{number} {name}" for number, name in enumerate(names, 1)],
        columns=[str(number) for number in range(1, len(names) + 1)],
        cells=_cells(one, places, places),
    )


def _beside(one: Similarity, places: Sequence[int], columns: Sequence[int]) -> HeatMap:
    names, deep = [one.names[place] for place in places], _model(one, columns)
    return HeatMap(
        title=f"{names[0] if len(names) == 1 else 'The others'} and {deep} on {one.title}",
        down="Model",
        across=f"{deep}, layer",
        rows=names,
        columns=_layers(one, columns),
        cells=_cells(one, places, columns),
    )


def _pair(one: Similarity, rows: Sequence[int], columns: Sequence[int]) -> HeatMap:
    first, second = _model(one, rows), _model(one, columns)
    return HeatMap(
        title=f"The layers of {first} on {one.title}" if first == second else f"{first} and {second} on {one.title}",
        down=f"{first}, layer",
        across=f"{second}, layer",
        rows=_layers(one, rows),
        columns=_layers(one, columns),
        cells=_cells(one, rows, columns),
    )


def _model(one: Similarity, places: Sequence[int]) -> str:
    return one.models[one.layers[places[0]][0]].name


def _layers(one: Similarity, places: Sequence[int]) -> list[str]:
    return [str(one.layers[place][1]) for place in places]


def _cells(one: Similarity, rows: Sequence[int], columns: Sequence[int]) -> list[list[Cell]]:
    return [[_cell(one, row, column) for column in columns] for row in rows]


def _cell(one: Similarity, row: int, column: int) -> Cell:
    value = one.cka[row][column]
    return Cell(
        text=in_words(value),
        interval=one.interval_of(row, column),
        shade=round(100 * min(1.0, max(0.0, value or 0.0))),
        names=f"{one.names[row]} and {one.names[column]}",
    )
