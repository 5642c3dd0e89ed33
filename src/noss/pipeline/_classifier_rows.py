"""What a classifier says of a file, and lists of it as a table, CSV or JSON lines.

A label, a file name or a class may hold anything: what a spreadsheet would run as a formula is quoted, and what a
terminal would obey is written as an escape.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A file and its label; with classes, the probability of each, in class order; without, a number as label."""

    file: str
    label: str | float
    probabilities: dict[str, float] | None

    @classmethod
    def of(cls, file: str, values_K: NDArray[np.float64], classes: Sequence[str] | None) -> Row:
        """The row of a file with probabilities (K,) of its classes, or with a number (1,)."""
        if classes is None:
            return cls(file=file, label=float(values_K[0]), probabilities=None)
        probabilities = dict(zip(classes, values_K.tolist(), strict=True))
        return cls(file=file, label=classes[int(values_K.argmax())], probabilities=probabilities)

    @property
    def probability(self) -> float | None:
        """The probability of the label; None for a number."""
        return None if self.probabilities is None else max(self.probabilities.values())


def rows_as_table(rows: Sequence[Row]) -> str:
    """Aligned columns to read: file, label, probability of the label."""
    shown = 2 if all(row.probabilities is None for row in rows) else 3
    cells = [cell[:shown] for cell in [("file", "label", "probability"), *map(_cells, rows)]]
    widths = [max(len(cell[column]) for cell in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)) for cell in cells]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def rows_as_csv(rows: Sequence[Row]) -> str:
    """CSV: file, label, probability of the label, and a column `p_<class>` a class."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    classes = list(rows[0].probabilities or ()) if rows else []
    writer.writerow(["file", "label", *(["probability"] if classes else []), *(f"p_{name}" for name in classes)])
    for row in rows:
        numbers = [] if row.probabilities is None else [row.probability, *row.probabilities.values()]
        writer.writerow([_harmless(row.file), _harmless(row.label), *(f"{number:.6g}" for number in numbers)])
    return text.getvalue()


def rows_as_json_lines(rows: Sequence[Row]) -> str:
    """One JSON object a line: file, label, and the probability of every class."""
    objects = [{"file": row.file, "label": row.label, **_probabilities(row)} for row in rows]
    return "".join(f"{json.dumps(one, ensure_ascii=False, allow_nan=False)}\n" for one in objects)


def _probabilities(row: Row) -> dict[str, dict[str, float]]:
    return {} if row.probabilities is None else {"probabilities": row.probabilities}


def _cells(row: Row) -> tuple[str, str, str]:
    label = row.label if isinstance(row.label, str) else f"{row.label:.6g}"
    return _printable(row.file), _printable(label), "" if row.probability is None else f"{row.probability:.3f}"


def _harmless(value: str | float) -> str | float:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
