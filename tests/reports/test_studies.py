"""Tables and charts of studies: what stands in a cell, what is bold, what is charted, and the page in a browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from watched import Watched, chromium

from noss.reports import Details, Score, Unit, html, markdown
from noss.reports._studies import study_tables

UNITS = {"uar": Unit(title="Unweighted average recall", percent=True), "mae": Unit(title="Error", percent=False)}


def stressed(make_score: Any, task: str, model: str, **facts: Any) -> list[Score]:
    clean = replace(make_score(task, model, value=0.7, low=0.6, high=0.8), **{"warnings": [], **facts})
    lost = {"change": -0.2, "low": -0.3, "high": -0.1, "cosine": 0.41}
    kept = {"change": 0.0004, "low": -0.1, "high": 0.1, "cosine": 0.02}
    return [
        clean,
        replace(clean, value=0.5, low=0.4, high=0.6, condition="pink noise 0 dB", shift=lost),
        replace(clean, condition="<i>hum</i> noise 9 dB", shift=kept, warnings=["<b>rough"]),
    ]


def windowed(make_score: Any, model: str) -> list[Score]:
    own = replace(make_score("ravdess/emotion", model, value=0.7, low=0.6, high=0.8), warnings=[])
    return [own, *(replace(own, value=0.6, condition=f"window {seconds} s") for seconds in ("10", "2", "0.5"))]


@pytest.fixture
def details(make_score: Any) -> Details:
    tasks = [("ravdess/emotion", {}), ("csv/./calls.csv/age", {"metric": "mae", "higher_is_better": False})]
    robust = [score for task, facts in tasks for score in stressed(make_score, task, "yamnet", **facts)]
    context = [score for model in ("yamnet", "logmel_stats") for score in windowed(make_score, model)]
    return Details(units=UNITS, studies={"robustness": robust, "context": context})


def test_a_table_a_model_and_what_is_clear_is_bold(details: Details, tmp_path: Path) -> None:
    table = study_tables("robustness", details.studies["robustness"], details)[0]
    assert (table.title, table.columns) == ("yamnet", ["ravdess/emotion, uar %", "csv/./calls.csv/age, mae"])
    assert [name for name, _ in table.rows] == ["clean", "pink noise 0 dB", "<i>hum</i> noise 9 dB"]
    markdown.write([], tmp_path / "a.md", details=details)
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert "| 50.0 [40.0, 60.0]; **−20.0** [−30.0, −10.0], moved 0.41 |" in text
    assert "| 70.0 [60.0, 80.0]; 0.0 [−10.0, +10.0], moved 0.02 |" in text
    assert "&lt;i&gt;hum" in text and "<i>" not in text


def test_a_warning_says_what_it_is_about(details: Details) -> None:
    table = study_tables("robustness", details.studies["robustness"], details)[0]
    assert "<i>hum</i> noise 9 dB: <b>rough" in table.warnings


def test_a_chart_shows_per_cent_and_turns_worse_to_the_left(details: Details) -> None:
    table = study_tables("robustness", details.studies["robustness"], details)[0]
    assert {point["task"] for point in table.points} == {"ravdess/emotion"} and "points" in table.unit
    errors = [score for score in details.studies["robustness"] if score.metric == "mae"]
    point = study_tables("robustness", errors, details)[0].points[0]
    assert (point["change"], point["low"], point["high"]) == (0.2, 0.1, 0.3)


def test_windows_stand_in_their_order_and_the_own_ones_last(details: Details) -> None:
    table = study_tables("context", details.studies["context"], details)[0]
    assert [name for name, _ in table.rows] == ["window 0.5 s", "window 2 s", "window 10 s", "own windows"]
    assert (table.title, table.columns) == ("ravdess/emotion", ["yamnet", "logmel_stats"])
    assert [point["seconds"] for point in table.points if point["model"] == "logmel_stats"] == [0.5, 2.0, 10.0, None]


def test_a_page_without_scores_shows_its_studies(details: Details, tmp_path: Path) -> None:
    html.write([], tmp_path / "a.html", details=details)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert 'href="#robustness"' in page and 'href="#context"' in page
    assert "<i>hum" not in page and "<b>rough" not in page


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
def test_the_charts_are_drawn_without_a_complaint(width: int, details: Details, tmp_path: Path) -> None:
    html.write([], tmp_path / "a.html", details=details)
    with chromium() as browser:
        watched = Watched(browser, (tmp_path / "a.html").as_uri(), viewport={"width": width, "height": 800})
        watched.see_everything()
        page = watched.page
        for kind, texts in [("robustness", ["pink noise 0 dB"]), ("context", ["0.5", "10", "own"])]:
            drawn = page.locator(f"[data-chart={kind}] svg").first.text_content() or ""
            assert all(text in drawn for text in texts)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        watched.close()
