"""The list files that corpora come with, lines or CSV with a header, and the line of whatever is wrong in one.

Any line ends, a UTF-8 mark or none; empty lines are left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from noss.errors import DataError


def lines(path: Path, *, errors: Literal["strict", "replace"] = "strict") -> Iterator[tuple[int, str]]:
    """Every line that holds something, with its number from 1, without space around it.

    Args:
        path: The list.
        errors: Whether bytes that are not UTF-8 are an error, or become a mark, as in comments.

    Raises:
        DataError: The list cannot be read, or is not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors=errors)
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: put the list there as its owner gives it") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line.strip()


def rows(path: Path, *columns: str) -> Iterator[tuple[int, list[str]]]:
    """Each row's line and its cells of some columns, in the order asked for.

    Bytes that are not UTF-8 become a mark: they stand in transcripts, and never in names and labels.

    Raises:
        DataError: The list cannot be read, lacks a column, or has a row of another length.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from _rows(path, csv.reader(file), columns)
    except OSError as error:
        raise _unreadable(path, error) from error
    except csv.Error as error:
        raise DataError(f"{path} is no table ({error}): put the list there as its owner gives it") from error


def wrong_line(path: Path, number: int, message: str) -> DataError:
    """An error that names the list and the line."""
    return DataError(f"{path} line {number}: {message}")


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"cannot read {path}: {error.strerror}; put the list there as its owner gives it")


def _rows(path: Path, reader: Iterator[list[str]], columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    header = [name.strip() for name in next(reader, [])]
    absent = [name for name in columns if name not in header]
    if absent:
        raise wrong_line(path, 1, f"no column {', '.join(absent)}: download the list again")
    places = [header.index(name) for name in columns]
    line = 2
    for row in reader:
        if row and len(row) != len(header):
            raise wrong_line(path, line, f"{len(row)} cells where {len(header)} are needed: download the list again")
        if row:
            yield line, [row[place].strip() for place in places]
        line = reader.line_num + 1  # type: ignore[attr-defined]
