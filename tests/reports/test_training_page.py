"""The page of a training run: whole, unfinished, without a watcher, and with numbers that are none."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made_training import ATTACK, made

from noss.reports import html, markdown
from noss.reports._training import Training, curves, smoothed, thinned, warnings, watched


class Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without the plotting script, which takes seconds to bundle."""
    monkeypatch.setattr("noss.reports._training_page.vega", lambda cache: "// no charts")


def page(training: Training, folder: Path) -> str:
    html.write_training(training, folder / "a.html")
    return (folder / "a.html").read_text(encoding="utf-8")


def data(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


@pytest.mark.usefixtures("bare")
def test_the_page_shows_curves_suite_recipe_use_and_repeat(tmp_path: Path) -> None:
    text = page(made(), tmp_path)
    assert [tag for tag, _ in Tags(text).found].count("figure") == 4 + 4
    assert re.findall(r'<section id="(\w+)"', text) == ["suite", "curves", "use", "repeat", "failures"]
    for told in (
        "600,192",
        "2.4 MB",
        "7 min 30 s",
        "(75%)",
        "50.0 [45.0, 55.0]",
        "noss train &#39;&lt;img",
        "step 900",
    ):
        assert told in text
    assert len(data(text)["watched"][0]["rows"]) == 3 + 2


@pytest.mark.usefixtures("bare")
def test_names_with_markup_are_text_and_nothing_is_fetched(tmp_path: Path) -> None:
    text = page(made(), tmp_path)
    tags = Tags(text).found
    assert ATTACK not in text
    assert "img" not in {tag for tag, _ in tags}
    assert not any(key.startswith("on") or key in {"src", "srcset"} for _, attributes in tags for key in attributes)
    assert {a["href"] for tag, a in tags if tag in {"a", "link"} and not (a["href"] or "").startswith("#")} == {
        "data:,"
    }
    assert any((a.get("content") or "").startswith("default-src 'none'") for tag, a in tags if tag == "meta")


@pytest.mark.usefixtures("bare")
def test_lines_to_copy_bear_a_folder_with_a_space(tmp_path: Path) -> None:
    text = page(made(run="runs/my run"), tmp_path)
    assert "noss embed &#39;trained/runs/my run&#39; FILES" in text
    assert "noss run --models &#39;trained/runs/my run&#39;,logmel_stats" in text


@pytest.mark.usefixtures("bare")
def test_the_page_shows_what_compression_gained_and_cost(tmp_path: Path) -> None:
    row = {"model": f"trained/{ATTACK}", "bytes": 2_400_000, "parameters": 600_192, "ms_for_1_s": 4.0}
    drift = {"cosine": 0.99, "least_cosine": 0.95, "largest_difference": 0.1, "crops": 64, "held_out": True}
    known = {"kind": "low_rank", "before": row, "after": {**row, "bytes": 1_200_000}, "drift": drift}
    training = made(compression=known, licences={"ravdess": "CC-BY-NC-SA-4.0"}, cost="1.5 core hours")
    text = page(training, tmp_path)
    assert 'id="smaller"' in text and 'id="smaller"' not in page(made(), tmp_path) and ATTACK not in text
    for told in ("thin matrices", "2.400", "1.200", "0.9500 at least", "ravdess: CC-BY-NC-SA-4.0", "1.5 core hours"):
        assert told in text
    markdown.write_training(training, tmp_path / "a.md")
    assert "| after | 1.200 | 600,192 | 4.00 |" in (tmp_path / "a.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("bare")
def test_a_run_without_a_watcher_has_no_suite(tmp_path: Path) -> None:
    text = page(made(looks=[], best=900), tmp_path)
    assert 'id="suite"' not in text and data(text)["watched"] == []


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("step", [0, 1, 250])
def test_an_unfinished_run_shows_what_there_is(tmp_path: Path, step: int) -> None:
    text = page(made(step=step), tmp_path)
    assert f"{step} of 900 steps are in a checkpoint" in text
    assert "There is no checkpoint yet" in text
    assert ("Nothing is logged yet" in text) == (step == 0)


@pytest.mark.usefixtures("bare")
def test_a_loss_that_is_no_number_is_told_and_not_drawn(tmp_path: Path) -> None:
    known = made()
    broken = {**known.numbers, "loss": [(1, 1.0), (5, 0.5)]}
    looks = [replace(known.looks[0], value=math.nan), *known.looks[1:]]
    text = page(replace(known, numbers=broken, lost={"loss": 2}, looks=looks), tmp_path)
    assert "no number, and not drawn: loss 2 times" in text
    assert [row["step"] for row in data(text)["curves"][0]["rows"] if row["series"] == "training"] == [1, 5]


def test_markdown_says_the_same_without_charts(tmp_path: Path) -> None:
    markdown.write_training(made(), tmp_path / "a.md")
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    assert "| step 900 (kept) | 50.0 \\[45.0, 55.0\\] | 50.0 \\[45.0, 55.0\\] | 50.0 \\[45.0, 55.0\\] | 0.800 |" in text
    assert "| logmel\\_stats |" in text or "| logmel_stats |" in text
    assert all(line.startswith("    ") for line in text.splitlines() if "<img" in line), "only in code"


def test_a_held_out_loss_that_rises_again_is_called_overfitting() -> None:
    assert any("least at step 400 and has risen" in line for line in warnings(made()))
    assert not any(
        "has risen" in line for line in warnings(made(numbers={"held_out/loss": [(1, 3.0), (2, 2.0), (3, 1.0)]}))
    )


def test_the_loss_comes_first_and_what_the_optimiser_does_last() -> None:
    assert [curve.title for curve in curves(made())] == ["loss", ATTACK, "learning rate", "crops per second"]
    assert [curve.log for curve in curves(made())] == [True, True, False, False]
    assert not curves(made(numbers={"accuracy speaker": [(1, 0.001), (2, 0.9)]}))[0].log
    assert [one.name for one in watched(made())] == [
        "suite",
        "ravdess/emotion uar",
        "demo/word uar",
        "cka to the teacher",
    ]


def test_the_mean_of_a_single_task_is_left_out() -> None:
    looks = [look for look in made().looks if look.name != "demo/word uar"]
    assert [one.name for one in watched(made(looks=looks))] == ["ravdess/emotion uar", "cka to the teacher"]


def test_thinning_keeps_means_and_smoothing_keeps_what_is_level() -> None:
    points = [(step, float(step)) for step in range(1, 1001)]
    thin = thinned(points)
    assert len(thin) == 400 and thin[-1][0] == 1000
    assert thin[0][1] == pytest.approx(1.0, abs=1.0) and thin[-1][1] == pytest.approx(999.0, abs=1.0)
    assert smoothed([2.0] * 5, over=3.0) == pytest.approx([2.0] * 5)
    assert smoothed([0.0, 1.0], over=0.0) == [0.0, 1.0]
