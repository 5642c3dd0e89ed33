"""A site says how its models were made: on their pages, on a page a training run, and nothing of it can run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_training import ATTACK, made
from test_site import Links

from noss.reports import Details, Score, Unit, html
from noss.reports._site_facts import Site, Suite
from noss.reports._site_shown import shown_suites
from noss.reports._site_training import how_made, standings

OWN, SHIPPED, START = f"trained/runs/{ATTACK}", "noss/small", f"trained/runs/{ATTACK}:start"
TEACHER = f"onnx/{ATTACK}"
VALUES = {SHIPPED: 0.7, START: 0.3, TEACHER: 0.8, "logmel_stats": 0.5, "yamnet": 0.6}


@pytest.fixture(scope="module", autouse=True)
def bare() -> Iterator[None]:
    """Pages without the plotting script and without drawings, which take seconds to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("noss.reports._training_page.vega", lambda cache: "// no charts")
        patch.setattr("noss.reports._site.tradeoffs", lambda rows, **options: [])
        yield


@pytest.fixture(scope="module")
def site(make_score: Any) -> Site:
    """Two suites, and a run that made one of their models, whose start and teacher are scored, too."""
    (task, other) = ("ravdess/emotion", "languages/language")
    scores = [_score(make_score, task, model, value) for model, value in VALUES.items()]
    left_out = [_score(make_score, other, model, value) for model, value in VALUES.items() if model != START]
    units = Details(units={"uar": Unit(title="Recall", percent=True)})
    names = sorted({task, other, *VALUES})
    return Site(
        suites=[Suite(name="first", scores=scores, details=units), Suite(name="ablation", scores=left_out, details=units)],
        models={}, tasks={}, families={}, pages={name: f"page-{index}" for index, name in enumerate(names)},
        records={"training/run.json": "{}", **{f"{suite}/page-{n}.jsonl": "{}" for suite in ("first", "ablation") for n in range(9)}},
        trainings={"run": made(models=[OWN, SHIPPED], failures=[], num_failed=2)}, made={SHIPPED: "run", START: "run"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    html.write_site(site, folder)
    return folder


def _score(make_score: Any, task: str, model: str, value: float) -> Score:
    made_up: Score = make_score(task, "yamnet", value=value, low=value - 0.1, high=value + 0.1)
    return replace(made_up, model=model, ranked=model != START, predictions=f"{model}{task}")


def test_the_run_of_a_model_stands_on_the_page_of_its_training_beside_start_teacher_and_baseline(site: Site) -> None:
    found = standings("run", site, shown_suites(site))
    assert [standing.one.name for standing in found] == ["first", "ablation"]
    assert [(row.name, role) for row, role in found[0].rows] == [
        (SHIPPED, ""),
        (START, "before its first step"),
        (TEACHER, "teacher"),
        ("logmel_stats", "baseline"),
    ]


def test_a_control_stands_beside_and_the_start_of_another_run_does_not(site: Site, make_score: Any) -> None:
    first = site.suites[0]
    more = [
        replace(_score(make_score, "ravdess/emotion", name, 0.2), ranked=False)
        for name in ("trivial", "trained/b:start")
    ]
    suites = [replace(first, scores=[*first.scores, *more])]
    pages = {**site.pages, "trivial": "page-90", "trained/b:start": "page-91"}
    made_by = {**site.made, "trained/b:start": "other"}
    whole = replace(site, suites=suites, pages=pages, made=made_by, trainings={**site.trainings, "other": made()})
    (found,) = standings("run", whole, shown_suites(whole))
    assert [row.name for row, role in found.rows if role == "control"] == ["trivial"]


@pytest.mark.parametrize(
    ("model", "role"),
    [(f"{OWN}:last", "its last step"), (f"{OWN}/uncompressed", "before it was made smaller"), (OWN, "")],
)
def test_what_a_model_is_to_its_run_is_told(site: Site, model: str, role: str) -> None:
    found = how_made(model, replace(site, made={model: "run"}))
    assert found is not None and found.role == role


def test_a_model_of_no_run_has_no_such_section(site: Site, written: Path) -> None:
    assert how_made("yamnet", site) is None
    assert "How it was made" not in (written / "models" / f"{site.pages['yamnet']}.html").read_text(encoding="utf-8")


def test_a_models_page_says_how_it_was_made_and_what_stands_beside_it(site: Site, written: Path) -> None:
    text = (written / "models" / f"{site.pages[SHIPPED]}.html").read_text(encoding="utf-8")
    section = text[text.index('id="made"') :]
    for told in ("match_teacher", "(75%)", "7 min 30 s", "were not counted", 'href="../training/run.html"'):
        assert told in section
    assert "This is the student" not in section
    (beside,) = re.findall(r'<h2 id="beside-1">.*?</table>', text, re.DOTALL)
    assert beside.count("<tr") == 1 + 4 and "this one" in beside and "60.0–80.0" in beside
    start = (written / "models" / f"{site.pages[START]}.html").read_text(encoding="utf-8")
    assert "This is the student before its first step" in start and 'id="beside-1"' not in start


def test_the_page_of_a_run_shows_its_scores_and_how_others_open_it(written: Path) -> None:
    text = (written / "training" / "run.html").read_text(encoding="utf-8")
    assert re.findall(r'<section id="(\w+)"', text) == ["scores", "suite", "curves", "use", "repeat"]
    scores = text[text.index('id="scores"') : text.index('id="suite"')]
    assert [value in scores for value in ("70.0", "60.0–80.0", "30.0", "80.0", "yamnet")] == [
        True,
        True,
        True,
        True,
        False,
    ]
    assert "noss embed noss/small " in text and "2 recordings could not be used<" in text
    assert 'href="../index.html"' in text and "noss/small</code> ships the weights of step 900" in text


def test_a_run_whose_models_are_not_scored_says_so(site: Site, tmp_path: Path) -> None:
    html.write_site(replace(site, made={}), tmp_path)
    text = (tmp_path / "training" / "run.html").read_text(encoding="utf-8")
    assert "No suite here has scores of these models yet" in text and 'href="#scores"' not in text


def test_every_link_leads_somewhere_and_no_name_becomes_markup(written: Path) -> None:
    for page in written.rglob("*.html"):
        links = Links(page.read_text(encoding="utf-8"))
        assert "img" not in links.tags
        for address in links.addresses:
            if not address.startswith(("#", "data:", "https://")):
                assert (page.parent / address).is_file(), f"{page.name} links to {address}"
