"""Databases in audformat: a header `db.yaml` and tables beside it. `audformat/DIR/TARGET`.

A row of a segmented table is a clip, and so is a file that is in no segmented table; what filewise tables say of a file
holds for its segments. No start is 0, no end the end of the file. The columns of all tables are put together. Where
tables contradict each other in a column, each has its own, with the table's name in front (`gold.emotion`).

A scheme's labels are the classes, in its order; a value that is none of them is an error. A scheme of floats is a
target of numbers. Columns without a scheme are judged as in any table (see `csv`). Who speaks is in the column
`speaker`, or in one of the scheme of that name; what that scheme tells of speakers (`gender`, `age`) are columns too.

The split is a column `split`, or the header's split of a table, or the table's name (`emotion.categories.train`).
Where two tables put a clip into two splits, there is none, and every score says so.

Tables are read as CSV or Parquet; pickles, which run code as they are opened, are never read.
Source of the format: https://audeering.github.io/audformat/data-format.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from noss.datasets import Clip, Dataset, _audformat, _rows

ROOT = "folder"


def describe(root: Path) -> Dataset:
    """The facts of a database: what its header states, its targets, counts and speakers.

    Raises:
        DataError: The header or a table cannot be read, or a value is none of its scheme.
        MissingExtraError: audformat is not installed.
    """
    database = _audformat.read(root)
    header = database.header
    card = _rows.describe(database.table)
    return replace(
        card,
        title=str(header.name),
        source=str(header.source or root),
        licence=str(header.license or "unknown"),
        citation=str(header.author or header.organization or ""),
        language=tuple(header.languages),
        notes=(*card.notes, *database.remarks),
    )


def warnings(root: Path) -> list[str]:
    """A loud line where tables contradict each other about splits, or a column looks like speakers."""
    database = _audformat.read(root)
    columns = database.table.columns
    like = [] if "speaker" in columns else [name for name in columns if _rows.may_be_speakers(name)]
    told = [f"the column {name!r} looks like speakers: give it the scheme 'speaker'" for name in like]
    return [*database.remarks, *told]


def clips(root: Path) -> Iterator[Clip]:
    """Every segment, and every file without one.

    Raises:
        DataError: The header or a table cannot be read, a value is none of its scheme, or no file is there.
        MissingExtraError: audformat is not installed.
    """
    return _rows.clips(_audformat.read(root).table)
