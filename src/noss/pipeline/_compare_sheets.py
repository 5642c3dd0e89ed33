"""A comparison as tables of words, for the terminal and for a page in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from noss import shelf
from noss.pipeline._compare_contest import Pair, Result
from noss.pipeline._compare_groups import Group
from noss.pipeline._compare_many import Correction
from noss.pipeline._compare_power import LEVEL, POWER
from noss.pipeline._compare_seeds import SeedNoise
from noss.pipeline._compare_suite import Suite
from noss.reports import Unit
from noss.reports._table import shown

if TYPE_CHECKING:
    from rich.console import Group as Tables

_FAMILIES = {
    "holm": "Holm over {}: at most one table in twenty holds a false difference",
    "max": "Westfall and Young over {}: at most one table in twenty holds a false difference",
    "bh": "Benjamini and Hochberg over {}: of the differences found, at most one in twenty is false",
    "none": "not at all: of pairs that are equal, one in twenty looks different",
}


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table: a title, headings, rows of cells, and what to read under it."""

    title: str
    headings: list[str]
    rows: list[list[str]]
    below: list[str] = field(default_factory=list)


def sheets(
    results: Sequence[Result],
    suite: Suite | None,
    groups: Sequence[Group],
    seeds: Sequence[SeedNoise],
    *,
    correction: Correction,
) -> list[Sheet]:
    """The tables of a comparison.

    Args:
        results: The contests.
        suite: All of them together.
        groups: Scores of sub-groups.
        seeds: Noise of seeds.
        correction: How p-values were corrected.
    """
    found = [_scores(results, suite), *([_overall(suite)] if suite else []), _pairs(results, suite, correction)]
    found += [_by_group(results, groups)] if groups else []
    found += [_by_seed(results, seeds)] if seeds else []
    return [sheet for sheet in found if sheet.rows]


def as_tables(found: Sequence[Sheet], notes: Sequence[str]) -> Tables:
    """The same for the terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Group as Tables
    from rich.table import Table
    from rich.text import Text

    tables: list[Table | Text] = []
    for sheet in found:
        below = Text("\n".join(sheet.below))
        table = Table(
            title=Text(sheet.title), caption=below, caption_justify="left", title_justify="left", box=SIMPLE_HEAD
        )
        for place, heading in enumerate(sheet.headings):
            table.add_column(Text(heading), justify="right" if place else "left")
        for row in sheet.rows:
            table.add_row(*map(Text, row))
        tables.append(table)
    return Tables(*tables, *(Text(f"! {line}") for line in notes))


def as_markdown(found: Sequence[Sheet], notes: Sequence[str]) -> str:
    """The same as a page in Markdown."""
    escaped = shelf.load("reports", "markdown").escaped
    blocks = ["# Comparison"]
    for sheet in found:
        lines = [sheet.headings, [":--", *["--:"] * (len(sheet.headings) - 1)]]
        cells = [[escaped(cell) for cell in row] for row in (sheet.headings, *sheet.rows)]
        table = [cells[0], lines[1], *cells[1:]]
        blocks += [f"## {escaped(sheet.title)}", "\n".join(f"| {' | '.join(row)} |" for row in table)]
        blocks += [escaped(line) for line in sheet.below]
    if notes:
        blocks += ["## To be said aloud", "\n".join(f"- {escaped(line)}" for line in notes)]
    return "\n\n".join(blocks) + "\n"


def _unit(result: Result) -> Unit:
    return Unit(title=result.metric, percent=result.percent)


def _within(value: float, low: float, high: float, unit: Unit) -> str:
    return f"{shown(value, unit)} [{shown(low, unit)}, {shown(high, unit)}]"


def _scores(results: Sequence[Result], suite: Suite | None) -> Sheet:
    """Models by tasks: score, interval and letters."""
    names = list(dict.fromkeys(one.name for result in results for one in result.standings))
    if suite:
        order = [one.name for one in suite.skill.standings]
        names.sort(key=lambda name: order.index(name) if name in order else len(order))
    rows = []
    for name in names:
        cells = [_standing(result, name) for result in results]
        rows.append([name, *cells])
    headings = [f"{result.name},\n{result.metric}{' %' if result.percent else ''}" for result in results]
    below = [
        "Score [95 % interval over speakers] and letters: two models of a task share a letter unless they are told apart."
    ]
    return Sheet(title="Scores", headings=["model", *headings], rows=rows, below=below)


def _standing(result: Result, name: str) -> str:
    one = result.standing(name)
    if one is None:
        return "–"
    unit = _unit(result)
    return f"{shown(one.value, unit)} {one.letters}\n[{shown(one.low, unit)}, {shown(one.high, unit)}]"


def _overall(suite: Suite) -> Sheet:
    """Models by suite: mean skill, mean rank, mean skill of each family."""
    ranks = {rank.name: rank for rank in suite.ranks}
    rows = []
    for one in suite.skill.standings:
        rank = ranks[one.name]
        places = f"{one.best_rank}–{one.worst_rank}" if one.best_rank < one.worst_rank else f"{one.best_rank}"
        cells = [_standing(result, one.name) for result in (suite.skill, *suite.families.values())]
        rows.append([one.name, cells[0], places, f"{rank.value:.2f}\n[{rank.low:.2f}, {rank.high:.2f}]", *cells[1:]])
    families = [f"{name} ({len(suite.members[name])})" for name in suite.families]
    below = [
        "Skill %: the share of the way from a constant answer (0) to a perfect one (100), mean over tasks. Intervals are for "
        "other speakers of the same tasks, drawn together for all tasks of a corpus; of ranks, 95 % bootstrap.",
    ]
    headings = ["model", "mean skill %", "rank left open", "mean rank", *families]
    return Sheet(title=f"Suite of {len(suite.contests)} tasks", headings=headings, rows=rows, below=below)


def _pairs(results: Sequence[Result], suite: Suite | None, correction: Correction) -> Sheet:
    """The two best of every task: how far apart, how sure, and how many speakers would settle it."""
    rows = [row for result in (*results, *([suite.skill] if suite else [])) for row in _best_pair(result)]
    two = all(len(result.pairs) <= 1 for result in results)
    over = "the tasks" if two else "the pairs of a task"
    how = _FAMILIES["holm" if two and correction == "max" else correction].format(over)
    below = [
        f"Paired test: two models' answers swapped speaker by speaker. p corrected: {how}.",
        f"Speakers to separate: with so many a test at {LEVEL:.0%} finds a difference as large as the one seen in {POWER:.0%} of "
        "studies; in brackets, were it as large as its interval allows. n = J SE² (t(n-1; 0.975) + t(n-1; 0.8))² / d².",
    ]
    headings = ["task", "first", "second", "ahead by", "seed sd", "p", "p corrected", "has", "speakers to separate"]
    if not any(result.num_seeds > 1 for result in results):
        headings.remove("seed sd")
        rows = [[*row[:4], *row[5:]] for row in rows]
    return Sheet(
        title="Who is ahead" if two else "The two best of each task", headings=headings, rows=rows, below=below
    )


def _best_pair(result: Result) -> list[list[str]]:
    if not result.pairs:
        return []
    pair, unit = result.pairs[0], _unit(result)
    return [
        [
            result.name,
            pair.ahead,
            pair.behind,
            _within(pair.difference, pair.low, pair.high, unit),
            "–" if pair.seed_sd is None else shown(pair.seed_sd, unit),
            f"{pair.p:.2g}{' exact' if result.exact else ''}",
            f"{pair.p_corrected:.2g}",
            f"{result.num_clusters:,} {result.unit}",
            _needed(pair, result.num_clusters),
        ]
    ]


def _needed(pair: Pair, at_hand: int) -> str:
    if pair.apart:
        return "apart"
    if pair.speakers_needed is None:
        return "no number would do"
    if pair.speakers_needed <= at_hand:
        return "enough but for the correction"
    least = f" [{pair.needed_at_least:,} or more]" if pair.needed_at_least is not None else ""
    return f"{pair.speakers_needed:,}{least}"


def _by_group(results: Sequence[Result], groups: Sequence[Group]) -> Sheet:
    units = {result.name: _unit(result) for result in results}
    names = list(dict.fromkeys(group.name for group in groups))
    rows: dict[tuple[str, str, str], dict[str, Group]] = {}
    for group in groups:
        rows.setdefault((group.contest, group.column, group.group), {})[group.name] = group
    lines = [
        [
            contest,
            column,
            value,
            *_size(found),
            *(_grouped(found[name], units[contest]) if name in found else "–" for name in names),
            _notes(found),
        ]
        for (contest, column, value), found in rows.items()
    ]
    below = ["Score [95 % interval] on the clips of the group alone."]
    return Sheet(
        title="Sub-groups",
        headings=["task", "column", "group", "clips", "speakers", *names, "note"],
        rows=lines,
        below=below,
    )


def _size(found: dict[str, Group]) -> list[str]:
    first = next(iter(found.values()))
    return [f"{first.num_clips:,}", "–" if first.num_speakers is None else f"{first.num_speakers:,}"]


def _grouped(group: Group, unit: Unit) -> str:
    if group.value is None:
        return "–"
    if group.low is None or group.high is None:
        return shown(group.value, unit)
    return _within(group.value, group.low, group.high, unit)


def _notes(found: dict[str, Group]) -> str:
    return "; ".join(dict.fromkeys(group.note for group in found.values() if group.note))


def _by_seed(results: Sequence[Result], seeds: Sequence[SeedNoise]) -> Sheet:
    units = {result.name: _unit(result) for result in results}
    rows = [
        [
            row.contest,
            row.name,
            str(row.num_seeds),
            f"{shown(row.lowest, units[row.contest])} to {shown(row.highest, units[row.contest])}",
            shown(row.sd, units[row.contest]),
            shown(row.error, units[row.contest]),
            "–" if row.share is None else f"{row.share:.0%}",
        ]
        for row in seeds
    ]
    below = ["Of the variance of one seed's score, how much is the seed's and not the speakers'."]
    headings = ["task", "model", "seeds", "from seed to seed", "sd over seeds", "error over speakers", "seed's share"]
    return Sheet(title="Noise of seeds and of speakers", headings=headings, rows=rows, below=below)
