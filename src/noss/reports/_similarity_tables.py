"""Similarities as tables: text for the terminal, rows for markdown and csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from noss.reports._similarity import Similarity, in_words, layer_name

_WIDE = 12  # more columns are not shown as a square
_FORMULA = ("=", "+", "-", "@", "\t")
_HEADINGS = (
    "dataset",
    "estimator",
    "standardised",
    "model",
    "layer",
    "other_model",
    "other_layer",
    "cka",
    "low",
    "high",
)


def heading(one: Similarity) -> str:
    """What was compared on what, in a line."""
    speakers = "" if one.num_speakers is None else f", {one.num_speakers:,} speakers"
    left_out = f", {one.num_left_out:,} left out" if one.num_left_out else ""
    return f"{one.title}: linear CKA on {one.num_clips:,} clips{speakers}{left_out}"


def is_square(one: Similarity) -> bool:
    """Whether it is small enough to be written out whole."""
    return len(one.layers) <= _WIDE


def squares(one: Similarity) -> list[list[str]]:
    """A row a layer, its name first, of every value with its interval."""
    rows = []
    for row, name in enumerate(one.names):
        cells = [_cell(one, row, column) for column in range(len(one.layers))]
        rows.append([name, *cells])
    return rows


def pairs(one: Similarity) -> list[list[str]]:
    """A row a pair of models: which of their layers are most alike, and the span over all of their layers."""
    return [_pair(one, first, second) for first, second in combinations(range(len(one.models)), 2)]


def neighbours(one: Similarity) -> list[list[str]]:
    """A row a layer of a model with several: CKA with the layer before."""
    places = {model.name: model for model in one.models}
    return [
        [layer_name(places[name], layer - 1), layer_name(places[name], layer), in_words(value, digits=3)]
        for name, layer, value in one.neighbours
    ]


def as_text(one: Similarity) -> str:
    """The table for the terminal, columns numbered as rows are."""
    count = len(one.layers)
    if not is_square(one):
        lines = [f"{first} and {second}: {', '.join(words)}" for first, second, *words in pairs(one)]
        lines += [f"{before} and {layer}: {value}" for before, layer, value in neighbours(one)]
        return "\n".join([heading(one), *lines])
    width = max(map(len, one.names))
    head = " ".join([" " * (width + 3), *(f"{number:>5}" for number in range(1, count + 1))])
    rows = [
        " ".join([f"{number:>2} {name:<{width}}", *(f"{in_words(value):>5}" for value in values)])
        for number, (name, values) in enumerate(zip(one.names, one.cka, strict=True), 1)
    ]
    return "\n".join([heading(one), head, *rows])


def write_csv(found: Sequence[Similarity], path: Path) -> None:
    """Write a line a pair of layers, each once; text that a spreadsheet takes for a formula gets an apostrophe in front."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_HEADINGS)
        for one in found:
            writer.writerows(_line(one, row, column) for row, column in combinations(range(len(one.layers)), 2))


def _cell(one: Similarity, row: int, column: int) -> str:
    value, interval = in_words(one.cka[row][column]), one.interval_of(row, column)
    return f"{value} [{interval}]" if interval else value


def _pair(one: Similarity, first: int, second: int) -> list[str]:
    rows = [row for row, (model, _) in enumerate(one.layers) if model == first]
    columns = [column for column, (model, _) in enumerate(one.layers) if model == second]
    values = [(value, row, column) for row in rows for column in columns if (value := one.cka[row][column]) is not None]
    names = [one.models[first].name, one.models[second].name]
    if not values:
        return [*names, "not defined", "", ""]
    top, row, column = max(values)
    return [
        *names,
        in_words(top),
        f"{one.names[row]} and {one.names[column]}",
        f"{in_words(min(values)[0])} to {in_words(top)}",
    ]


def _line(one: Similarity, row: int, column: int) -> list[str | int | float]:
    ends = [(one.models[model].name, layer) for model, layer in (one.layers[row], one.layers[column])]
    known = [table[row][column] if table else None for table in (one.cka, one.low, one.high)]
    numbers: list[str | int | float] = ["" if value is None else value for value in known]
    (model, layer), (other, other_layer) = ends
    standardised = str(one.standardised).lower()
    return [
        _plain(one.dataset),
        one.estimator,
        standardised,
        _plain(model),
        layer,
        _plain(other),
        other_layer,
        *numbers,
    ]


def _plain(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
