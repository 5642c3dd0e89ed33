"""What others have published: every figure with its source and how it is known, and where it may stand beside a score.

The figures are data, `results/published/*.json`, carried by the wheel as `noss/published`. A file is a source; it holds
tables as the source has them, a row a model and a column a task, each column saying what was measured and each table how.

A figure stands beside a score only where nothing about it is unknown and all of it is the same: dataset, target, split
rule, numbers of clips and classes, metric, protocol and variant. One that is recalled, and not seen, never does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import noss
from noss.errors import DataError
from noss.pipeline._schema import complaint, parse, read_text, schema_of
from noss.reports import Reference, Score

Provenance = Literal["author", "code", "second-hand", "recalled"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A column of a published table: what was measured, on which clips. None stands for what the source does not say.

    Attributes:
        dataset: Its name on the shelf, or any other for a corpus that is not on it.
        target: What is predicted.
        metric: Its name on the shelf, or any other.
        split: The rule in the words of `Score.splits`; None where it was not seen.
        num_train: Clips trained on.
        num_test: Clips scored.
        num_classes: Classes.
        note: What else is to be known of it.
    """

    dataset: str
    target: str
    metric: str
    split: str | None
    num_train: int | None = None
    num_test: int | None = None
    num_classes: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A published table, or the part of one that is known in one way.

    Attributes:
        where: Its place in the source.
        address: The page it was seen on; empty where there is none.
        provenance: `author`: seen in an author's own document; `code`: in an author's code; `second-hand`: quoted by
            somebody else; `recalled`: seen nowhere, unverified.
        protocol: The protocol's name here, or any other.
        variant: The protocol's variant, such as `best-on-test`; None where it was not seen.
        percent: Whether values are given times 100.
        columns: What was measured, by the table's own heading.
        values: Numbers by model and heading; two numbers are the ends of a range.
        note: What else is to be known of it.
    """

    where: str
    address: str
    provenance: Provenance
    protocol: str
    variant: str | None
    percent: bool
    columns: dict[str, Measured]
    values: dict[str, dict[str, float | list[float]]]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something published about a model that is no score: its size, its latency."""

    model: str
    name: str
    value: float
    unit: str
    provenance: Provenance
    address: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file of published figures: a paper or a benchmark."""

    title: str
    paper: str
    tables: list[Table]
    facts: list[Fact] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One published number of one model; `value` is in the metric's own unit."""

    model: str
    value: float
    measured: Measured
    table: Table
    source: Source

    @property
    def seen(self) -> bool:
        """Whether somebody saw it, at an address that can be given."""
        return self.table.provenance in {"author", "second-hand"} and bool(self.table.address)


def published_schema() -> dict[str, Any]:
    """The JSON Schema of a file of published figures."""
    return schema_of(Source, title="Figures that others published, with their source and how they are known")


def published_files() -> list[Path]:
    """The files of published figures: the wheel's, or those of the repository where noss runs from it."""
    package = Path(noss.__file__).parent
    carried = package / "published"
    folder = carried if carried.is_dir() else package.parents[1] / "results" / "published"
    return sorted(path for path in folder.glob("*.json") if path.name != "schema.json")


def read_published(path: Path) -> Source:
    """A file of published figures.

    Raises:
        DataError: It cannot be read or breaks the schema, or a value stands below no column.
    """
    facts = parse(read_text(path), str(path))
    wrong = complaint(facts, published_schema())
    if wrong:
        raise DataError(f"{path} {wrong}: see results/README.md for what a file of published figures holds")
    tables = [_table(path, **one) for one in facts["tables"]]
    return Source(**{**facts, "tables": tables, "facts": [Fact(**one) for one in facts.get("facts", [])]})


def figures(source: Source) -> Iterator[Figure]:
    """Every number of a source; ranges are left out, for they are no numbers."""
    for table in source.tables:
        for model, cells in table.values.items():
            for heading, value in cells.items():
                if not isinstance(value, list):
                    scaled = value / 100 if table.percent else float(value)
                    measured = table.columns[heading]
                    yield Figure(model=model, value=scaled, measured=measured, table=table, source=source)


def matches(figure: Figure, score: Score) -> bool:
    """Whether a figure may stand beside a score: it was seen, and nothing about how it was measured is unknown or other."""
    measured, table = figure.measured, figure.table
    counts = [(measured.num_test, score.num_test), (measured.num_classes, score.num_classes)]
    return (
        figure.seen
        and not score.condition
        and (measured.dataset, measured.target, measured.metric) == (score.dataset, score.target, score.metric)
        and (table.protocol, table.variant) == (score.protocol, score.variant)
        and measured.split == score.splits.partition(";")[0]
        and all(stated is not None and stated == found for stated, found in counts)
        and measured.num_train in {None, score.num_train}
    )


def references(scores: Sequence[Score], *, paths: Sequence[Path] | None = None) -> list[Reference]:
    """The published figures that may stand beside scores, each once a contest, in the order of the files.

    Args:
        scores: The records of a run or a suite; only main scores have a place beside them.
        paths: Files of published figures; None for those that come with noss.
    """
    contests = {score.contest: score for score in reversed(scores) if score.main}
    known = [
        figure for path in (published_files() if paths is None else paths) for figure in figures(read_published(path))
    ]
    return [_reference(figure, name) for name, score in contests.items() for figure in known if matches(figure, score)]


def _reference(figure: Figure, contest: str) -> Reference:
    return Reference(
        contest=contest,
        model=figure.model,
        value=figure.value,
        source=f"{figure.source.title}, {figure.table.where}",
        address=figure.table.address,
        second_hand=figure.table.provenance == "second-hand",
    )


def _table(path: Path, **facts: Any) -> Table:
    columns = {heading: Measured(**one) for heading, one in facts["columns"].items()}
    for model, cells in facts["values"].items():
        for heading, value in cells.items():
            if heading not in columns:
                raise DataError(
                    f"{path} has a value of {model} below {heading!r}, which is none of its columns: add it"
                )
            if isinstance(value, list) and len(value) != 2:
                raise DataError(
                    f"{path} has {len(value)} numbers of {model} for {heading}: give one, or the ends of a range"
                )
    return Table(**{**facts, "columns": columns})
