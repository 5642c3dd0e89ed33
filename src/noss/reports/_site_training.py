"""What a site says of how a model was made: on its own page a few facts, on the page of its training what it scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from noss.reports._site_facts import Site
from noss.reports._site_shown import Shown
from noss.reports._table import Column, Row
from noss.reports._training import Training, facts

_TOLD: Final[tuple[str, ...]] = ("Objective", "Teacher", "Trained on", "Licences", "Time in steps", "Cost", "Machine")
_CHECKPOINTS: Final = {
    ":start": "before its first step",
    ":last": "its last step",
    "/uncompressed": "before it was made smaller",
}
_BASELINE: Final = "logmel_stats"  # which the page's own line for scoring sets beside a run
_CONTROL: Final = "control"


@dataclass(frozen=True, kw_only=True)
class Made:
    """How a model was made: its run, what the model is to it, and a few facts."""

    stem: str
    training: Training
    role: str
    facts: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The scores of a run's models in one suite, with what they are to be read against: a row and its role a column."""

    one: Shown
    columns: list[Column]
    rows: list[tuple[Row, str]]


def how_made(model: str, site: Site) -> Made | None:
    """What is known of how a model was made; None where it is no run's."""
    stem = site.made.get(model)
    if stem is None:
        return None
    training = site.trainings[stem]
    known = facts(training)
    told = {label: known[label] for label in _TOLD if label in known}
    return Made(stem=stem, training=training, role=_own_role(model), facts=told)


def standings(stem: str, site: Site, shown: list[Shown]) -> list[Standing]:
    """The suites in which a run's models stand, each with the models, their start, teachers, baselines and controls."""
    found = []
    for one in shown:
        own = [row for row in one.board.rows if site.made.get(row.facts.model) == stem]
        rows = [*((row, _own_role(row.facts.model)) for row in own), *_beside(stem, site, one)]
        columns = [column for column in one.board.columns if any(column.task in row.cells for row in own)]
        if own:
            found.append(Standing(one=one, columns=columns, rows=rows))
    return found


def _own_role(model: str) -> str:
    return next((role for part, role in _CHECKPOINTS.items() if part in model), "")


def _beside(stem: str, site: Site, one: Shown) -> Iterator[tuple[Row, str]]:
    """The rows of a suite that a run's models are read against, in the order of their roles."""
    known = _roles(site.trainings[stem].recipe)
    others = [row for row in one.board.rows if site.made.get(row.facts.model) != stem]
    named = {name: [row for row in others if row.facts.model == name] for name in known}
    yield from ((row, ", ".join(known[name])) for name, rows in named.items() for row in rows)
    told = {*known, *site.made}  # the start of another run is no control of this one
    yield from ((row, _CONTROL) for row in others if not row.ranked and row.facts.model not in told)


def _roles(recipe: Any) -> dict[str, list[str]]:
    """What models are to a run, by their names."""
    teachers = recipe.get("teacher") or []
    given = [
        *((name, "teacher") for name in ([teachers] if isinstance(teachers, str) else teachers)),
        (recipe.get("start"), "its start"),
        (recipe["student"], "before training"),
        ((recipe.get("watch") or {}).get("baseline"), "baseline"),
        (_BASELINE, "baseline"),
    ]
    found: dict[str, list[str]] = {}
    for name, role in given:
        if name and role not in found.setdefault(name, []):
            found[name].append(role)
    return found
