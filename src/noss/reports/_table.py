"""The leaderboard as plain rows: what every style shows, ranked and put into words once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noss.reports import Details, Gap, Score, Unit

CLEAN = "clean"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One task of the leaderboard under one protocol: its main metric, how it is shown, and one of its scores.

    `task` names the protocol too where that is not `clean`. `counts` says whether its ranks go into the mean rank.
    """

    task: str
    metric: str
    unit: Unit
    higher_is_better: bool
    score: Score
    counts: bool = True

    @property
    def aside(self) -> bool:
        """Whether it is shown beside the others and takes no part in any rank."""
        return self.score.aside

    @property
    def heading(self) -> str:
        """The task with its metric, as `ravdess/emotion, uar %`."""
        return f"{self.task}, {self.metric}{' %' if self.unit.percent else ''}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A model's main score on a task; `rank` counts from 1 and is None for a control, and in a column set aside."""

    score: Score
    unit: Unit
    rank: int | None
    gap: Gap | None

    @property
    def tied(self) -> bool:
        """Whether it is the best of its task or cannot be told apart from it."""
        return self.rank is not None and (self.rank == 1 or (self.gap is not None and self.gap.tied))

    @property
    def text(self) -> str:
        """The value, as `72.1`."""
        return shown(self.score.value, self.unit)

    @property
    def interval(self) -> str:
        """The ends of the 95 % interval, as `68.0, 76.2`."""
        return f"{shown(self.score.low, self.unit)}, {shown(self.score.high, self.unit)}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model (with its probe, where a run compares several) over all tasks; `place` is None for a control.

    The mean rank is over `counted` tasks.
    """

    name: str
    place: int | None
    mean_rank: float | None
    cells: Mapping[str, Cell]
    counted: int
    hours_per_s: float | None
    devices: tuple[str, ...]
    facts: Score

    @property
    def ranked(self) -> bool:
        """Whether it takes part in the ranking; a control does not."""
        return self.facts.ranked


@dataclass(frozen=True)
class Loud:
    """A line to be said aloud about a task."""

    task: str
    text: str

    def __str__(self) -> str:
        return f"{self.task}: {self.text}"


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Models by tasks, best mean rank first and controls last, with the lines to be said aloud.

    Numbers of several protocols stand in columns of their own. Mean ranks are over the columns of `protocol` alone: that of
    the first score, or `clean` where it is among them.
    """

    columns: list[Column]
    rows: list[Row]
    warnings: list[Loud]
    protocol: str = CLEAN

    @property
    def counted(self) -> list[Column]:
        """The columns whose ranks make the mean rank."""
        return [column for column in self.columns if column.counts]

    @property
    def protocols(self) -> str:
        """Under which protocols the numbers were made, as a line to stand below them."""
        others = [column for column in self.columns if not column.counts]
        if not others:
            return f"Protocol: {self.protocol}."
        aside = (
            " Columns set aside, as those chosen on test, take no rank at all."
            if any(column.aside for column in others)
            else ""
        )
        return (
            f"Protocol: {self.protocol} where the heading names no other. Mean ranks are over {self.protocol} alone: "
            f"numbers of different protocols are never ranked together.{aside}"
        )


def leaderboard(scores: Sequence[Score], *, details: Details | None = None) -> Leaderboard:
    """Rank models by their main scores; ties with the best are known where `details` brings the gaps."""
    details = details or Details()
    main = [score for score in scores if score.main]
    protocol = _protocol(main)
    columns = _columns(main, details, protocol=protocol)
    names = row_names(main)
    cells: dict[str, dict[str, Cell]] = {name: {} for name in names.values()}
    for score in main:
        cells[names[score.predictions]][score.contest] = _cell(score, main, details)
    counted = [column.task for column in columns if column.counts]
    rows = [_row(name, cells[name], counted) for name in cells]
    return Leaderboard(columns=columns, rows=_in_order(rows), warnings=_warnings(main, columns), protocol=protocol)


def row_names(scores: Sequence[Score]) -> dict[str, str]:
    """What a model is called, by file name of its predictions: the model, and its probe where there are several.

    Probes are several where one task was scored with more than one under one protocol: a run over classes and numbers
    is not.
    """
    probes: dict[str, set[str]] = {}
    for score in scores:
        probes.setdefault(score.contest, set()).add(score.probe)
    several = any(len(found) > 1 for found in probes.values())
    return {score.predictions: f"{score.model} + {score.probe}" if several else score.model for score in scores}


def shown(value: float, unit: Unit) -> str:
    """A value in words: one decimal for per cent, three for other numbers, with a true minus sign."""
    return (f"{100 * value:.1f}" if unit.percent else f"{value:.3f}").replace("-", "\u2212")


def _warnings(main: Sequence[Score], columns: Sequence[Column]) -> list[Loud]:
    """Task by task: what it gives away, what a control reaches, and clips that were lost."""
    return [
        Loud(column.task, text)
        for column in columns
        for scores in [[score for score in main if score.contest == column.task]]
        for text in [*_said(scores), *_controls(scores, column.unit), *_lost(scores)]
    ]


def _said(scores: Sequence[Score]) -> list[str]:
    """The warnings of a task's records, each once, with the models where it is not for all."""
    models: dict[str, list[str]] = {}
    for score in scores:
        for line in _lines(score):
            models.setdefault(line, []).append(score.model)
    everyone = len(scores)
    return [line if len(named) == everyone else f"{line} ({', '.join(named)})" for line, named in models.items()]


def _lines(score: Score) -> list[str]:
    if score.speakers == "shared":
        return ["the same speakers are in training and test, so known voices are scored", *score.warnings]
    if score.speakers == "unknown" and not any("voice" in line for line in score.warnings):
        return ["speakers are unknown, so training and test may share voices", *score.warnings]
    return list(score.warnings)


def _controls(scores: Sequence[Score], unit: Unit) -> list[str]:
    """A control whose interval reaches that of the best: the task can be solved without what it is about."""
    ranked = [score for score in scores if score.ranked]
    if not ranked:
        return []
    sign = 1 if ranked[0].higher_is_better else -1
    best = max(ranked, key=lambda score: sign * score.value)
    floor = best.low if sign > 0 else -best.high
    near = [score for score in scores if not score.ranked and (score.high if sign > 0 else -score.low) >= floor]
    named = ", ".join(f"{score.model} ({shown(score.value, unit)})" for score in near)
    return [f"controls with intervals that meet that of the best, {best.model}: {named}"] if near else []


def _lost(scores: Sequence[Score]) -> list[str]:
    return [
        f"{score.num_failed} {'clip' if score.num_failed == 1 else 'clips'} could not be used with {score.model}"
        for score in scores
        if score.num_failed
    ]


def _protocol(main: Sequence[Score]) -> str:
    """The protocol whose ranks count: `clean`, or that of the first score."""
    found = [score.protocol for score in main]
    return CLEAN if CLEAN in found or not found else found[0]


def _columns(main: Sequence[Score], details: Details, *, protocol: str) -> list[Column]:
    """A column a task, protocol and variant; those that count stand first, those set aside last."""
    first = {score.contest: score for score in reversed(main)}
    counts = {
        task: score.protocol == protocol and not score.aside and not score.condition for task, score in first.items()
    }
    tasks = sorted(
        dict.fromkeys(score.contest for score in main), key=lambda task: (not counts[task], first[task].aside)
    )
    return [
        Column(
            task=task,
            metric=first[task].metric,
            unit=unit_of(first[task].metric, details),
            higher_is_better=first[task].higher_is_better,
            score=first[task],
            counts=counts[task],
        )
        for task in tasks
    ]


def unit_of(metric: str, details: Details) -> Unit:
    """How a metric is shown; as a bare number where nothing is known of it."""
    return details.units.get(metric, Unit(title=metric, percent=False))


def _cell(score: Score, main: Sequence[Score], details: Details) -> Cell:
    sign = 1 if score.higher_is_better else -1
    rivals = [other for other in main if other.ranked and other.contest == score.contest]
    rank = 1 + sum(sign * other.value > sign * score.value for other in rivals)
    return Cell(
        score=score,
        unit=unit_of(score.metric, details),
        rank=rank if score.ranked and not score.aside else None,
        gap=details.gaps.get(score.predictions),
    )


def _row(name: str, cells: Mapping[str, Cell], counted: Sequence[str]) -> Row:
    ranks = [cell.rank for task, cell in cells.items() if cell.rank is not None and task in counted]
    scores = [cell.score for cell in cells.values()]
    spent = {(score.dataset, score.embed_s, score.audio_s) for score in scores}
    embed_s = sum(seconds for _, seconds, _ in spent)
    audio_s = sum(seconds for _, _, seconds in spent)
    return Row(
        name=name,
        place=None,
        mean_rank=sum(ranks) / len(ranks) if ranks else None,
        cells=cells,
        counted=sum(task in counted for task in cells),
        hours_per_s=audio_s / 3600 / embed_s if embed_s > 0 else None,
        devices=tuple(sorted({score.device for score in scores})),
        facts=scores[0],
    )


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """Ranked rows with a place each, those with most tasks first; equal mean ranks share a place; controls last."""
    ranked = [row for row in rows if row.mean_rank is not None]
    keys = {row.name: (-row.counted, row.mean_rank or 0.0) for row in ranked}
    placed = [
        Row(**{**vars(row), "place": 1 + sum(key < keys[row.name] for key in keys.values())})
        for row in sorted(ranked, key=lambda row: keys[row.name])
    ]
    return placed + sorted((row for row in rows if row.mean_rank is None), key=lambda row: not row.ranked)


def readable(value: float | None) -> str:
    """A quantity to three digits, a dash where it is unknown."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
