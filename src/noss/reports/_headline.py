"""The answer in a sentence: who wins, by how much, how sure."""

from __future__ import annotations

from collections.abc import Sequence

from noss.reports import Unit
from noss.reports._table import Cell, Column, Leaderboard, shown


def headline(board: Leaderboard) -> str:
    """Who is first, on how many of the tasks, and on how many of them by a clear lead."""
    ranked = [row for row in board.rows if row.ranked]
    if not board.rows:
        return "What analyses say; nothing was scored here."
    if not ranked:
        return "Only controls were scored: there is nothing to rank."
    if len(ranked) == 1:
        return f"{ranked[0].name} is the only ranked model: there is nothing to compare it with."
    counted = [column.task for column in board.counted]
    firsts = {row.name: [task for task in counted if task in row.cells and row.cells[task].rank == 1] for row in ranked}
    most = max(len(tasks) for tasks in firsts.values())
    winners = [name for name, tasks in firsts.items() if len(tasks) == most]
    if len(winners) > 1:
        return f"{_list(winners)} are each first on {_of(most, len(counted))}."
    clear = sum(_alone(board, column.task) for column in board.counted if winners[0] in _first(board, column.task))
    return f"{winners[0]} is first on {_of(most, len(counted))}{_how_sure(clear, most, board)}."


def verdict(board: Leaderboard, column: Column) -> str:
    """How the best of one task stands to the next best: `leads X by 4.2 points, 95 % interval 1.1 to 7.3`, or who is tied."""
    ranked = _ranked(board, column.task)
    if len(ranked) < 2:
        return "the only ranked model"
    name, cell = ranked[1]
    by = f"{difference(column.unit, cell)}"
    tied = [name for name, other in ranked[1:] if other.tied]
    if cell.gap is None:
        return f"{by} ahead of {name}"
    if not tied:
        return f"leads {name} by {by}"
    if name not in tied:
        return f"{by} ahead of {name}; tied with {_list(tied)}"
    others = f" and {len(tied) - 1} more" if len(tied) > 1 else ""
    return f"tied with {name}{others}: ahead by {by}"


def difference(unit: Unit, cell: Cell) -> str:
    """How far a model is behind the best, as `4.2 points, 95 % interval 1.1 to 7.3`."""
    if cell.gap is None:
        return "an unknown distance"
    behind, low, high = (shown(value, unit) for value in (cell.gap.behind, cell.gap.low, cell.gap.high))
    return f"{behind}{' points' if unit.percent else ''}, 95 % interval {low} to {high}"


def best(board: Leaderboard, column: Column) -> tuple[str, Cell] | None:
    """The name and score of the best ranked model of a task; None where only controls were scored."""
    ranked = _ranked(board, column.task)
    return ranked[0] if ranked else None


def _ranked(board: Leaderboard, task: str) -> list[tuple[str, Cell]]:
    found = [(row.name, row.cells[task]) for row in board.rows if task in row.cells and row.cells[task].rank]
    return sorted(found, key=lambda pair: pair[1].rank or 0)


def _first(board: Leaderboard, task: str) -> list[str]:
    return [name for name, cell in _ranked(board, task) if cell.rank == 1]


def _alone(board: Leaderboard, task: str) -> bool:
    return sum(cell.tied for _, cell in _ranked(board, task)) == 1


def _how_sure(clear: int, most: int, board: Leaderboard) -> str:
    known = any(cell.gap is not None for row in board.rows for cell in row.cells.values())
    if not known:
        return ""
    if most == 1:
        return ", with a clear lead" if clear else ", but without a clear lead"
    return f", with a clear lead on {'all' if clear == most else clear or 'none'} of them"


def _of(count: int, total: int) -> str:
    return "the one task" if total == 1 else f"{count} of {total} tasks"


def _list(names: Sequence[str]) -> str:
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
