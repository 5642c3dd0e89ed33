"""Studies of one model under many conditions as tables: robustness, a table a model; context, a table a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from noss.reports import Details, Score, Unit
from noss.reports._table import shown, unit_of

Study = Literal["robustness", "context"]
PLAIN: Final[Mapping[Study, str]] = {"robustness": "clean", "context": "own windows"}
ABOUT: Final[Mapping[Study, str]] = {
    "robustness": (
        "Probes fitted on clean clips, tested on altered ones: value [95 % interval], the paired change from clean with its own "
        "interval, and how far embeddings moved (0: not at all, 1: as far as to an unrelated clip). Bold: the interval of the "
        "change leaves zero out."
    ),
    "context": (
        "Every clip cut into windows of that length, in training and test alike, embeddings averaged, weighted by length: "
        "value [95 % interval]."
    ),
}


@dataclass(frozen=True, kw_only=True)
class StudyCell:
    """A score under a condition, in words; `change` is empty where nothing is paired, `clear` where it leaves zero out."""

    text: str
    interval: str
    change: str = ""
    change_interval: str = ""
    moved: str = ""
    clear: bool = False

    def __str__(self) -> str:
        return f"{self.text} [{self.interval}]"


@dataclass(frozen=True, kw_only=True)
class StudyTable:
    """A table of a study: a row a condition, a column a task (or a model), a cell None where nothing was scored."""

    study: Study
    title: str
    columns: list[str]
    rows: list[tuple[str, list[StudyCell | None]]]
    warnings: list[str]
    points: list[dict[str, Any]]
    unit: str

    @property
    def cells(self) -> dict[str, dict[str, StudyCell]]:
        """By condition and column."""
        return {
            name: {column: cell for column, cell in zip(self.columns, cells, strict=True) if cell is not None}
            for name, cells in self.rows
        }


def study_tables(study: Study, scores: Sequence[Score], details: Details) -> list[StudyTable]:
    """The tables of a study: of robustness one a model, of context one a task."""
    main = [score for score in scores if score.main]
    of = _model if study == "robustness" else _task
    titles = list(dict.fromkeys(of(score) for score in main))
    return [_table(study, title, [score for score in main if of(score) == title], details) for title in titles]


def _table(study: Study, title: str, scores: Sequence[Score], details: Details) -> StudyTable:
    across: Callable[[Score], str] = _task if study == "robustness" else _model
    columns = list(dict.fromkeys(map(across, scores)))
    found = {(score.condition, across(score)): score for score in scores}
    conditions = dict.fromkeys(["", *(score.condition for score in scores)])
    names = sorted(conditions, key=_seconds) if study == "context" else list(conditions)
    metrics = {across(score): score.metric for score in scores}
    rows = [(name or PLAIN[study], [_cell(found.get((name, column)), details) for column in columns]) for name in names]
    return StudyTable(
        study=study,
        title=title,
        columns=[_heading(column, metrics[column], details, study) for column in columns],
        rows=rows,
        warnings=_warnings(study, scores, of=across),
        points=_points(
            study, [found[key] for name in names for column in columns if (key := (name, column)) in found], details
        ),
        unit=_unit(study, scores, details),
    )


def as_text(study: Study, scores: Sequence[Score], details: Details) -> str:
    """The tables for the terminal."""
    return "\n\n".join(_text(table) for table in study_tables(study, scores, details))


def _text(table: StudyTable) -> str:
    cells = [
        [name, *("–" if cell is None else f"{cell} {cell.change}".rstrip() for cell in row)] for name, row in table.rows
    ]
    lines = [[table.title, *table.columns], *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([*rows, *(f"! {line}" for line in table.warnings)])


def _cell(score: Score | None, details: Details) -> StudyCell | None:
    if score is None:
        return None
    unit = unit_of(score.metric, details)
    interval = f"{shown(score.low, unit)}, {shown(score.high, unit)}"
    if not score.shift:
        return StudyCell(text=shown(score.value, unit), interval=interval)
    low, high = score.shift["low"], score.shift["high"]
    return StudyCell(
        text=shown(score.value, unit),
        interval=interval,
        change=_signed(score.shift["change"], unit),
        change_interval=f"{_signed(low, unit)}, {_signed(high, unit)}",
        moved=f"{score.shift['cosine']:.2f}",
        clear=low > 0 or high < 0,
    )


def _signed(value: float, unit: Unit) -> str:
    text = shown(value, unit)
    if not float(text.replace("\u2212", "-").replace(",", "")):
        return text.removeprefix("\u2212")
    return text if text.startswith("\u2212") else f"+{text}"


def _heading(column: str, metric: str, details: Details, study: Study) -> str:
    if study == "context":
        return column
    return f"{column}, {metric}{' %' if unit_of(metric, details).percent else ''}"


def _unit(study: Study, scores: Sequence[Score], details: Details) -> str:
    """What a chart's axis says."""
    metrics = list(dict.fromkeys(score.metric for score in _charted(study, scores, details)))
    percent = all(unit_of(metric, details).percent for metric in metrics)
    titles = ", ".join(unit_of(metric, details).title for metric in metrics)
    if study == "context":
        return f"{titles}{', %' if percent else ''}"
    return f"change from clean, {'points' if percent else titles} (left is worse)"


def _charted(study: Study, scores: Sequence[Score], details: Details) -> list[Score]:
    """Scores that one axis can show: those in per cent, where there are some."""
    percent = [score for score in scores if unit_of(score.metric, details).percent]
    return percent if percent and study == "robustness" else list(scores)


def _points(study: Study, scores: Sequence[Score], details: Details) -> list[dict[str, Any]]:
    """The rows of a chart."""
    charted = _charted(study, scores, details)
    make = _changed if study == "robustness" else _in_context
    return [
        make(score, 100.0 if unit_of(score.metric, details).percent else 1.0)
        for score in charted
        if score.condition or study == "context"
    ]


def _changed(score: Score, times: float) -> dict[str, Any]:
    sign = times if score.higher_is_better else -times
    ends = [sign * score.shift.get(name, 0.0) for name in ("low", "high")]
    return {
        "condition": score.condition,
        "task": score.task,
        "change": sign * score.shift.get("change", 0.0),
        "low": min(ends),
        "high": max(ends),
        "moved": score.shift.get("cosine", 0.0),
    }


def _in_context(score: Score, times: float) -> dict[str, Any]:
    values = {name: times * getattr(score, name) for name in ("value", "low", "high")}
    return {"model": score.model, "seconds": _seconds(score.condition) if score.condition else None, **values}


def _seconds(condition: str) -> float:
    """The seconds of `window 0.5 s`; longer than any for no condition."""
    return float(condition.split()[1]) if condition else float("inf")


def _warnings(study: Study, scores: Sequence[Score], *, of: Callable[[Score], str]) -> list[str]:
    """Loud lines, each once, with what they are about where that is not everything."""
    found: dict[str, list[Score]] = {}
    for score in scores:
        for line in score.warnings:
            found.setdefault(line, []).append(score)
    return [f"{_about(study, told, scores, of=of)}{line}" for line, told in found.items()]


def _about(study: Study, told: Sequence[Score], scores: Sequence[Score], *, of: Callable[[Score], str]) -> str:
    """Of which columns and conditions something is said; empty where it is of all."""
    columns = list(dict.fromkeys(map(of, told)))
    some = [score for score in scores if of(score) in columns]
    conditions = list(dict.fromkeys(score.condition or PLAIN[study] for score in told))
    words = [
        ", ".join(columns) if len(some) < len(scores) else "",
        ", ".join(conditions) if len(told) < len(some) else "",
    ]
    text = " under ".join(filter(None, words))
    return f"{text}: " if text else ""


def _model(score: Score) -> str:
    return score.model


def _task(score: Score) -> str:
    return score.task
