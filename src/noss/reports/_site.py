"""A results store as a static site: a leaderboard over suites, a page a suite, model, task and training, and the records.

Every page is self-contained, needs no network, and links to the others by relative paths, so that the folder can be opened
from disk, sent as an archive or put on any web server.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from noss.reports import Details, Score
from noss.reports._quoted import LEGEND
from noss.reports._render import environment, policy, source
from noss.reports._site_charts import tradeoffs
from noss.reports._site_facts import Site
from noss.reports._site_shown import TIES, Shown, shown_suites
from noss.reports._site_training import how_made, standings
from noss.reports._studies_pages import study_sections
from noss.reports._table import Column, Row
from noss.reports._training_page import training_page

_SCRIPTS = ("table.js", "site.js")
_ABLATION = "ablation"  # how the names of suites begin that hold a model beside itself with a part left out


def write_pages(site: Site, folder: Path) -> None:
    """Write all pages and records below `folder`, but for the page of analyses."""
    shown = shown_suites(site)
    pages = _Pages(site)
    cards = _analysed(site.analyses)
    pages.write(
        folder / "index.html",
        "site_index.html",
        shown=shown,
        models=_models(shown),
        tasks=_tasks(shown),
        analyses=cards,
    )
    for one in shown:
        charts = tradeoffs(
            one.board.rows, quality="mean rank", values={row.name: row.mean_rank for row in one.board.rows}
        )
        pages.write(folder / "suites" / f"{one.name}.html", "site_suite.html", one=one, charts=charts)
    for name, found in _models(shown).items():
        own = {"name": name, "found": found, "studies": _stressed(site.analyses, name), "made": how_made(name, site)}
        beside = [one for one, _ in found if one.name.startswith(_ABLATION)]
        pages.write(folder / "models" / f"{site.pages[name]}.html", "site_model.html", beside=beside, **own)
    for name, columns in _tasks(shown).items():
        pages.write(
            folder / "tasks" / f"{site.pages[name]}.html", "site_task.html", name=name, columns=_charted(columns)
        )
    for name, training in site.trainings.items():
        text = training_page(training, site=site, stem=name, standings=standings(name, site, shown))
        _write(folder / "training" / f"{name}.html", text)
    for place, text in site.records.items():
        _write(folder / "records" / place, text)


class _Pages:
    """The templates, with what they all share."""

    def __init__(self, site: Site) -> None:
        script = "\n".join(map(source, _SCRIPTS))
        self._environment = environment()
        self._shared: dict[str, Any] = {
            "site": site,
            "ties": TIES,
            "legend": LEGEND,
            "policy": policy([script]),
            "script": Markup(script),
            "style": Markup(source("page.css") + source("site.css")),
        }

    def write(self, path: Path, template: str, **facts: Any) -> None:
        root = "" if path.name == "index.html" else "../"
        _write(path, self._environment.get_template(template).render(**self._shared, root=root, **facts))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _analysed(details: Details | None) -> list[tuple[str, str, str]]:
    """What was analysed: the place on the page of analyses, its title, and how much of it there is."""
    if details is None:
        return []
    found = {**details.studies, **({"layers": details.layers} if details.layers else {})}
    cards = [(kind, kind.capitalize(), _extent(scores)) for kind, scores in found.items()]
    if alike := details.similarities:
        models, datasets = {model.name for one in alike for model in one.models}, {one.dataset for one in alike}
        cards.append(("similarity", "Similarity", f"{_many(models, 'model')} on {_many(datasets, 'dataset')}"))
    return cards


def _extent(scores: list[Score]) -> str:
    models, tasks = ({getattr(score, name) for score in scores} for name in ("model", "task"))
    conditions = {score.condition for score in scores if score.condition}
    under = f", {_many(conditions, 'condition')}" if conditions else ""
    return f"{_many(models, 'model')} on {_many(tasks, 'task')}{under}"


def _many(things: set[str], word: str) -> str:
    return f"{len(things)} {word}{'s' * (len(things) != 1)}"


def _stressed(details: Details | None, model: str) -> list[dict[str, Any]]:
    """What is left of one model under altered sound."""
    if details is None:
        return []
    own = [score for score in details.studies.get("robustness", []) if score.model == model]
    return study_sections(replace(details, studies={"robustness": own}))


def _models(shown: list[Shown]) -> dict[str, list[tuple[Shown, Row]]]:
    """The rows of each model over all suites, as they are placed in the first that it is in; controls last."""
    found: dict[str, list[tuple[Shown, Row]]] = {}
    for one in shown:
        for row in one.board.rows:
            found.setdefault(row.facts.model, []).append((one, row))
    return dict(sorted(found.items(), key=lambda pair: all(row.place is None for _, row in pair[1])))


def _tasks(shown: list[Shown]) -> dict[str, list[tuple[Shown, Column]]]:
    """The columns of each task over all suites: several where it was scored under several protocols."""
    found: dict[str, list[tuple[Shown, Column]]] = {}
    for one in shown:
        for column in one.board.columns:
            found.setdefault(column.score.task, []).append((one, column))
    return dict(sorted(found.items()))


def _charted(columns: list[tuple[Shown, Column]]) -> Iterator[tuple[Shown, Column, list[tuple[str, Markup]]]]:
    for one, column in columns:
        rows = one.ranked(column)
        scale = 100 if column.unit.percent else 1
        values = {row.name: scale * row.cells[column.task].score.value for row in rows}
        quality = f"{column.metric}{' %' if column.unit.percent else ''}"
        yield one, column, tradeoffs(rows, quality=quality, values=values, higher_is_better=column.higher_is_better)
