"""The tables of an audformat database, put together into one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from noss import shelf
from noss.datasets import _columns, _lists, _rows
from noss.datasets._places import Listed
from noss.datasets._table import MISSING, Table, seconds
from noss.datasets._table import read as read_csv
from noss.errors import DataError

_INDEX = ("file", "start", "end")
_Key = tuple[str, float, float | None]
_Classes = tuple[str, ...] | None


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database: its header, an `audformat.Database`; all its tables as one; what a user should know about it."""

    header: Any
    table: Listed
    remarks: list[str]


@dataclass(kw_only=True)
class _Merged:
    """Rows by what they are of, and each column's cells by table."""

    rows: dict[_Key, int] = field(default_factory=dict)
    by_file: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    places: list[Path] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    cells: defaultdict[str, dict[str, dict[int, str]]] = field(default_factory=lambda: defaultdict(dict))
    declared: dict[str, _Classes] = field(default_factory=dict)

    def row(self, key: _Key, table: Table, row: int) -> int:
        """The row of a clip, made where there is none."""
        if key not in self.rows:
            self.rows[key] = len(self.lines)
            self.by_file[key[0]].append(len(self.lines))
            self.places.append(table.path)
            self.lines.append(table.lines[row])
        return self.rows[key]


def read(root: Path) -> Database:
    """Read a database.

    Raises:
        DataError: The header or a table cannot be read, or a value is none of its scheme.
        MissingExtraError: audformat is not installed.
    """
    header = _header(root)
    tables = {name: _table(root, name) for name in header.tables}
    merged = _Merged()
    # Segments first: what is said of whole files is spread over them.
    for name in sorted(tables, key=lambda name: "start" not in tables[name].columns):
        _merge(merged, header, name, tables[name])
    if not merged.lines:
        raise DataError(f"{root / 'db.yaml'} has no table with rows: give a database with labels")
    columns, remarks = _agreed(merged)
    if any("start" in table.columns for table in tables.values()):
        columns.pop("duration", None)  # of files, where clips are pieces of them
    _tell_of_speakers(root, header, columns)
    index = {name: [""] * len(merged.lines) for name in _INDEX}
    for (file, start, end), row in merged.rows.items():
        index["file"][row], index["start"][row] = file, repr(start)
        index["end"][row] = "" if end is None else repr(end)
    declared = {name: _seen(merged.declared[name], cells) for name, cells in columns.items() if name in merged.declared}
    table = Listed(
        path=root / "db.yaml",
        columns=index | columns,
        lines=merged.lines,
        places=merged.places,
        declared={name: classes for name, classes in declared.items() if classes != ()},
    )
    return Database(header=header, table=table, remarks=remarks)


def _header(root: Path) -> Any:
    audformat = shelf.require("audformat", extra="audformat", needed_by="audformat")
    yaml = shelf.require("yaml", extra="audformat", needed_by="audformat")
    path = root / "db.yaml"
    try:
        # Not the library's own way to load it, which would build any object that the file names.
        return audformat.Database.load_header_from_yaml(yaml.safe_load(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise DataError(f"no database in {root} ({error.strerror}): give the folder that holds db.yaml") from error
    except (yaml.YAMLError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = " ".join(str(error).split())
        raise DataError(f"{path} is no header of audformat ({what}): save the database again") from error


def _table(root: Path, name: str) -> Table:
    path = root / f"db.{name}.csv"
    if path.is_file():
        return read_csv(path)
    columns = _parquet(path.with_name(f"db.{name}.parquet"))
    return Table(path=path.with_name(f"db.{name}.parquet"), columns=columns, lines=_numbers(columns))


def _parquet(path: Path) -> dict[str, list[str]]:
    from pyarrow import parquet

    if not path.is_file():
        pickled = path.with_suffix(".pkl").is_file()
        what = "only a pickle, which can run code: save it" if pickled else "save it"
        raise DataError(f"{path.with_suffix('')} is neither there as .csv nor as .parquet: {what} as one of them")
    try:
        read = parquet.read_table(path).to_pydict()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} ({' '.join(str(error).split())}): save the table again") from error
    return {name: [_text(value) for value in values] for name, values in read.items()}


def _numbers(columns: Mapping[str, Sequence[str]]) -> list[int]:
    return list(range(1, max(map(len, columns.values()), default=0) + 1))


def _text(value: object) -> str:
    if value is None:
        return ""
    text = repr(value.total_seconds()) if isinstance(value, timedelta) else str(value).strip()
    return "" if text in MISSING else text


def _merge(merged: _Merged, header: Any, name: str, table: Table) -> None:
    """Put one table's rows and columns among the others."""
    rows = list(_placed(merged, table))
    word = _split(header, name)
    if word:
        merged.cells["split"][name] = {row: word for places in rows for row in places}
    for column in table.columns.keys() - set(_INDEX):
        shown = _shown(header, name, column)
        values = _values(header, name, column, table)
        if shown == "split":
            values = [_rows.split(value) or value for value in values]
        merged.cells[shown][name] = {
            row: value for places, value in zip(rows, values, strict=True) if value for row in places
        }
        merged.declared[shown] = _joined(merged.declared.get(shown, ()), _declared(header, name, column))


def _placed(merged: _Merged, table: Table) -> Iterator[list[int]]:
    """The rows that each row of a table speaks of."""
    starts, ends = (_times(table, column) for column in ("start", "end"))
    seen: dict[_Key, int] = {}
    for row, file in enumerate(table.column("file")):
        key = (file, starts[row] or 0.0, ends[row])
        first = seen.setdefault(key, row)
        if file and first != row:
            raise table.error(row, f"{file} from {key[1]:g} s is on line {table.lines[first]} too: keep one of them")
        if "start" not in table.columns and file in merged.by_file:
            yield merged.by_file[file]
        else:
            yield [merged.row(key, table, row)]


def _times(table: Table, column: str) -> list[float | None]:
    times = []
    for row, text in enumerate(table.column(column)):
        try:
            times.append(seconds(text))
        except ValueError:
            raise table.error(row, f"{column} {text!r} is no time: save the table again") from None
    return times


def _split(header: Any, name: str) -> str:
    """The split that a table is, by the header or by its name; empty where it is none."""
    stated = header.tables[name].split_id
    words = [header.splits[stated].type, stated] if stated in header.splits else []
    found = (_rows.split(str(word)) for word in (*words, *name.split(".")))
    return next((split for split in found if split), "")


def _scheme(header: Any, name: str, column: str) -> Any:
    columns = header.tables[name].columns
    scheme = columns[column].scheme_id if column in columns else None
    return header.schemes.get(scheme)


def _shown(header: Any, name: str, column: str) -> str:
    """A column's name among the targets: the only one of speakers is `speaker`, whatever the table calls it."""
    columns = header.tables[name].columns
    of_speakers = [other for other in columns if columns[other].scheme_id == "speaker"]
    return "speaker" if of_speakers == [column] and "speaker" not in columns else column


def _values(header: Any, name: str, column: str, table: Table) -> list[str]:
    """A column's cells, each of its scheme; times are seconds."""
    cells, scheme = table.column(column), _scheme(header, name, column)
    if scheme is None:
        return cells
    if scheme.dtype == "time":
        return ["" if value is None else repr(value) for value in _times(table, column)]
    known = frozenset(map(str, scheme.labels)) if isinstance(scheme.labels, list | dict) else None
    for row, value in enumerate(cells):
        if value and known is not None and value not in known:
            raise table.error(row, f"{value!r} is no label of {column}: add it to the scheme, or mend the table")
        if value and scheme.dtype == "float" and known is None and _columns.number(value) is None:
            raise table.error(row, f"{column} {value!r} is no number: mend the table")
    return cells


def _declared(header: Any, name: str, column: str) -> _Classes:
    """The classes of a column's scheme, in its order; None for numbers; empty where there is none that says."""
    scheme = _scheme(header, name, column)
    if scheme is None or isinstance(scheme.labels, str):
        return ()
    if scheme.labels is not None:
        return tuple(map(str, scheme.labels))
    return None if scheme.dtype == "float" else ()


def _joined(first: _Classes, second: _Classes) -> _Classes:
    """The classes of two schemes of one column; empty where one is of classes and one of numbers."""
    if first == () or second == ():
        return second if first == () else first
    return tuple(dict.fromkeys((*first, *second))) if first and second else None if first == second else ()


def _seen(declared: _Classes, cells: Sequence[str]) -> _Classes:
    """Those of the declared classes that occur."""
    found = frozenset(cells)
    return None if declared is None else tuple(label for label in declared if label in found)


def _agreed(merged: _Merged) -> tuple[dict[str, list[str]], list[str]]:
    """Every column in full, one for each table where they contradict each other; and what was left aside."""
    columns: dict[str, list[str]] = {}
    remarks = []
    for column, by_table in sorted(merged.cells.items()):
        joined: dict[int, str] = {}
        clashing = {name for name, cells in by_table.items() if _clash(joined, cells)}
        if not clashing:
            columns[column] = _full(joined, len(merged.lines))
        elif column == "split":
            remarks.append(f"tables contradict each other about splits ({', '.join(sorted(clashing))}): there is none")
        else:
            for name, cells in sorted(by_table.items()):
                columns[f"{name}.{column}"] = _full(cells, len(merged.lines))
                merged.declared[f"{name}.{column}"] = merged.declared.get(column, ())
    return columns, remarks


def _clash(joined: dict[int, str], cells: Mapping[int, str]) -> bool:
    """Whether cells contradict those before them; they are joined."""
    return any(joined.setdefault(row, value) != value for row, value in cells.items())


def _full(cells: Mapping[int, str], length: int) -> list[str]:
    return [cells.get(row, "") for row in range(length)]


def _tell_of_speakers(root: Path, header: Any, columns: dict[str, list[str]]) -> None:
    """Add what the scheme `speaker` tells of each speaker, where no table does."""
    labels = header.schemes["speaker"].labels if "speaker" in header.schemes else None
    if labels is None or "speaker" not in columns:
        return
    people = _people(root, header, labels)
    for fact in sorted({fact for facts in people.values() for fact in facts} - columns.keys() - set(_INDEX)):
        columns[fact] = [people.get(speaker, {}).get(fact, "") for speaker in columns["speaker"]]


def _people(root: Path, header: Any, labels: Any) -> dict[str, dict[str, str]]:
    """What is told of each speaker, by the scheme itself or by the table that it names."""
    if isinstance(labels, dict):
        told = {name: facts for name, facts in labels.items() if isinstance(facts, dict)}
        return {str(name): {fact: _text(value) for fact, value in facts.items()} for name, facts in told.items()}
    if not isinstance(labels, str) or labels not in header.misc_tables:
        return {}
    names = [*header.misc_tables[labels].levels, *header.misc_tables[labels].columns]
    path = root / f"db.{labels}.csv"
    if path.is_file():
        rows = [cells for _, cells in _lists.rows(path, *names)]
    else:
        columns = _parquet(path.with_suffix(".parquet"))
        rows = [list(cells) for cells in zip(*(columns[name] for name in names), strict=True)]
    return {row[0]: dict(zip(names[1:], map(_text, row[1:]), strict=True)) for row in rows}
