"""List files of corpora, line by line: any line ends, a UTF-8 mark or none, empty lines left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noss.errors import DataError


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Every line that holds something, with its number from 1, without space around it.

    Raises:
        DataError: The list cannot be read, or is not text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; put the list there as its owner gives it") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: put the list there as its owner gives it") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line.strip()


def wrong_line(path: Path, number: int, message: str) -> DataError:
    """An error that names the list and the line."""
    return DataError(f"{path} line {number}: {message}")
