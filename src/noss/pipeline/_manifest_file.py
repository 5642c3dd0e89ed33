"""The columns file, start and end of a CSV or Parquet table, as record batches that are read one after the other."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from noss.errors import DataError
from noss.places import copies

_INDEX = ("file", "start", "end")
_READ_BYTES = 1 << 23


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a table."""
    return path.suffix.lower() in {".csv", ".tsv", ".parquet"}


def columns(path: Path) -> Mapping[str, str]:
    """What file, start and end are called in a table; of the last two, those that it has.

    Raises:
        DataError: It cannot be read, or has no column `file`.
    """
    with _told(path), copies.local(path) as file:
        names = pyarrow.parquet.read_schema(file).names if _is_parquet(file) else _header(file)[0]
    found = {name: [own for own in names if own.strip().lower() == name] for name in _INDEX}
    if not found["file"]:
        listed = ", ".join(names) or "none"
        raise DataError(f"{path} has no column 'file' (its columns: {listed}): name the column of audio paths 'file'")
    twice = next((name for name, own in found.items() if len(own) > 1), None)
    if twice:
        raise DataError(f"{path} has two columns {twice!r}: rename one")
    return {name: own[0] for name, own in found.items() if own}


def batches(path: Path, columns: Mapping[str, str], *, rows: int) -> Iterator[pa.RecordBatch]:
    """A table's rows, at most so many in a batch; `file` is text, as are all columns of a CSV file.

    Raises:
        DataError: It cannot be read.
    """
    with _told(path), copies.local(path) as file:
        read = _parquet(file, columns, rows) if _is_parquet(file) else _csv(file, columns)
        for batch in read:
            plain = [_plain(batch.column(own), name) for name, own in columns.items()]
            yield pa.RecordBatch.from_arrays(plain, names=list(columns))


def _parquet(path: Path, columns: Mapping[str, str], rows: int) -> Iterator[pa.RecordBatch]:
    with pyarrow.parquet.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=rows, columns=list(columns.values()))


def _csv(path: Path, columns: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    own = list(columns.values())
    with pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(block_size=_READ_BYTES),
        parse_options=pyarrow.csv.ParseOptions(delimiter=_header(path)[1], newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(include_columns=own, column_types=dict.fromkeys(own, pa.string())),
    ) as reader:
        yield from reader


def _header(path: Path) -> tuple[list[str], str]:
    """The columns of a CSV table and what separates them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline(1 << 20)
    found = {separator: next(csv.reader([line], delimiter=separator), []) for separator in (",", ";", "\t")}
    fitting = (separator for separator, names in found.items() if "file" in map(str.lower, map(str.strip, names)))
    separator = next(fitting, max(found, key=lambda separator: len(found[separator])))
    return found[separator], separator


def _plain(column: pa.Array, name: str) -> pa.Array:
    is_text = pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type)
    return column.cast(pa.string()) if is_text or name == "file" or pa.types.is_null(column.type) else column


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What Arrow has to say of a table, in one line."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        why = " ".join(str(error).split())
        raise DataError(f"cannot read {path} ({why}): give a Parquet table, or a CSV table in UTF-8") from error
