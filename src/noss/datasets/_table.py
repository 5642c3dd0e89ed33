"""Tables of clips read as text: encoding, separator, header and rows, with the line of whatever is wrong."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from sys import intern

from noss.errors import DataError

RESERVED = ("file", "start", "end", "speaker", "split", "fold", "session", "sentence")
MISSING = frozenset({"", "nan", "NaN", "NaT", "<NA>"})
_DELTA = re.compile(r"(?:(?P<days>\d+) days?(?:,? |$))?(?:\+?(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d(?:\.\d*)?))?")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table's columns; `lines[i]` is where row `i` starts in the file.

    Cells carry no space around them, and a missing value is the empty text however it was written. `declared` holds
    the classes (None for numbers) of columns that somebody knows more about than their cells tell.
    """

    path: Path
    columns: Mapping[str, list[str]]
    lines: list[int]
    declared: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> list[str]:
        """One column's cells; empty ones where the table has no such column."""
        return self.columns.get(name) or [""] * len(self)

    def error(self, row: int, message: str) -> DataError:
        """An error that names the table and the line of a row."""
        return DataError(f"{self.path} line {self.lines[row]}: {message}")


def read(path: Path) -> Table:
    """Read a table of clips: comma, semicolon or tab between columns, UTF-8 (or UTF-16 with its mark), any line ends.

    Raises:
        DataError: No such file, not text, no column `file`, a column twice, a row of another length, or no row.
    """
    text = _decode(path)
    columns, separator = _header(path, text)
    rows, lines = [], []
    for line, row in islice(_records(path, text, separator=separator), 1, None):
        if len(row) != len(columns):
            needed = f"{len(columns)} are needed: quote cells that hold {separator!r}"
            raise DataError(f"{path} line {line}: {len(row)} cells, {needed}")
        rows.append(row)
        lines.append(line)
    if not rows:
        raise DataError(f"{path} has a header and no row: give one row a clip")
    cells = (_clean(column) for column in zip(*rows, strict=True))
    return Table(path=path, columns=dict(zip(columns, cells, strict=True)), lines=lines)


def names(path: Path) -> tuple[str, ...]:
    """The columns of a table, without its rows.

    Raises:
        DataError: No such file, not text, no column `file`, or a column twice.
    """
    return _header(path, _decode(path))[0]


def rewritten(path: Path, columns: Mapping[str, Sequence[str]]) -> bytes:
    """A table's bytes with the cells of some columns set, or added behind; all else, its encoding too, is as it was.

    Raises:
        DataError: The table cannot be read.
    """
    text = _decode(path)
    names, separator = _header(path, text)
    header, *rows = (row for _, row in _records(path, text, separator=separator))
    for name, cells in columns.items():
        if name in names:
            for row, cell in zip(rows, cells, strict=True):
                row[names.index(name)] = cell
        else:
            header.append(name)
            for row, cell in zip(rows, cells, strict=True):
                row.append(cell)
    line_end = re.search(r"\r\n|\r|\n", text)
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator=line_end.group() if line_end else "\n")
    writer.writerows([header, *rows])
    return _encode(written.getvalue(), like=path)


def seconds(text: str) -> float | None:
    """A time as audformat and pandas write it: `1.5`, `0 days 00:00:01.5`, `0:00:01.5`; None where it is missing.

    Raises:
        ValueError: The text is no time, or below zero.
    """
    if text in MISSING:
        return None
    match = _DELTA.fullmatch(text)
    if match and match.group():
        days, hours, minutes, rest = (float(part or 0) for part in match.groups())
        return 86_400 * days + 3_600 * hours + 60 * minutes + rest
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise ValueError(text)
    return value


def _clean(column: Sequence[str]) -> list[str]:
    # Equal cells become one object: a column of 100,000 speakers' names takes little memory.
    plain = {cell: intern(cell.strip()) for cell in set(column)}
    plain |= {cell: "" for cell, text in plain.items() if text in MISSING}
    return [plain[cell] for cell in column]


def _decode(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; give the path of a table") from error
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    if b"\0" in content and encoding != "utf-16":
        raise DataError(f"{path} is not a text table: save it as CSV, in UTF-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} line {line} is not {encoding.removesuffix('-sig').upper()}: save it as UTF-8"
        ) from error


def _encode(text: str, *, like: Path) -> bytes:
    with like.open("rb") as file:
        start = file.read(3)
    marks = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
    mark = next((mark for mark in marks if start.startswith(mark)), b"")
    return mark + text.encode(marks.get(mark, "utf-8"))


def _header(path: Path, text: str) -> tuple[tuple[str, ...], str]:
    found: tuple[str, ...] = ()
    for separator in (",", ";", "\t"):
        columns = tuple(map(_name, next(_records(path, text, separator=separator), (1, []))[1]))
        if "file" in columns:
            twice = next((name for name in columns if columns.count(name) > 1), None)
            if twice is not None:
                raise DataError(f"{path} has two columns {twice!r}: rename one")
            return columns, separator
        found = max(found, columns, key=len)
    listed = ", ".join(found) if any(found) else "none"
    raise DataError(f"{path} has no column 'file' (its columns: {listed}): name the column of audio paths 'file'")


def _name(cell: str) -> str:
    return cell.strip().lower() if cell.strip().lower() in RESERVED else cell.strip()


def _records(path: Path, text: str, *, separator: str) -> Iterator[tuple[int, list[str]]]:
    # `line_num` counts lines read, and a quoted cell may hold several: a row starts behind the last line of the one
    # before it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    start = 1
    try:
        for row in reader:
            if any(row):
                yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path} line {start}: {error}; check its quotes") from error
