"""Layers in reports: one row a model, a curve or a bar a layer on the page, a table in markdown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from noss.reports import Details, Score, Unit, html, markdown

UNITS = {"uar": Unit(title="Unweighted average recall", percent=True)}
CURVE: list[dict[str, Any]] = [
    {"layer": 0, "dev": 0.40, "value": 0.41, "low": 0.35, "high": 0.47, "folds": 0},
    {"layer": 1, "dev": 0.60, "value": 0.58, "low": 0.50, "high": 0.64, "folds": 4},
    {"layer": 2, "dev": 0.59, "value": 0.61, "low": 0.54, "high": 0.67, "folds": 1},
]
MIX = [{"layer": 0, "weight": 0.125}, {"layer": 1, "weight": 0.875}]


@pytest.fixture
def layered(scores: list[Score]) -> list[Score]:
    """One task: a model with a curve, one with a mix, one with a single layer."""
    of_task = [one for one in scores if one.main and one.task == "ravdess/emotion"][:3]
    rows: list[list[dict[str, Any]]] = [CURVE, MIX, []]
    names = ["net@all", "net@mix", "yamnet"]
    return [replace(one, model=name, layers=row) for one, name, row in zip(of_task, names, rows, strict=True)]


def _page(scores: list[Score], path: Path) -> str:
    html.write(scores, path, details=Details(units=UNITS))
    return path.read_text(encoding="utf-8")


def test_the_page_draws_the_curve_and_the_mix_beside_one_row_a_model(layered: list[Score], tmp_path: Path) -> None:
    text = _page(layered, tmp_path / "a.html")
    assert text.count('data-chart="curve"') == text.count('data-chart="mix"') == 1
    assert len(re.findall(r"<tr[^>]* data-name=", text)) == 3
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    models = {model["name"]: model for model in json.loads(found.group(1))["tasks"][0]["models"]}
    assert (models["net@all"]["curve"], models["net@all"]["mix"]) == (CURVE, [])
    assert (models["net@mix"]["curve"], models["net@mix"]["mix"]) == ([], MIX)
    assert (models["yamnet"]["curve"], models["yamnet"]["mix"]) == ([], [])


def test_a_page_without_layers_draws_neither(layered: list[Score], tmp_path: Path) -> None:
    text = _page(layered[2:], tmp_path / "a.html")
    assert 'data-chart="curve"' not in text
    assert 'data-chart="mix"' not in text


def test_a_layer_without_a_value_is_left_out_of_the_curve(layered: list[Score], tmp_path: Path) -> None:
    gone = [{**row, "value": None, "low": None, "high": None} for row in CURVE]
    text = _page([replace(layered[0], layers=gone)], tmp_path / "a.html")
    assert 'data-chart="curve"' not in text


def test_markdown_has_a_row_a_layer_and_marks_the_chosen_one(layered: list[Score], tmp_path: Path) -> None:
    markdown.write(layered, tmp_path / "a.md", details=Details(units=UNITS))
    text = (tmp_path / "a.md").read_text(encoding="utf-8")
    table = {tuple(line.strip("| ").split(" | ")) for line in text.splitlines() if re.match(r"\| (\d|ravdess)", line)}
    assert {
        ("ravdess/emotion, layer", "net@all", "net@mix"),
        ("0", "41.0 [35.0, 47.0], dev 40.0", "weight 0.125"),
        ("1", "**58.0 [50.0, 64.0], dev 60.0**", "weight 0.875"),
        ("2", "61.0 [54.0, 67.0], dev 59.0", "–"),
    } <= table
    assert "nothing is chosen on test" in text


def test_markdown_without_layers_says_nothing_of_them(layered: list[Score], tmp_path: Path) -> None:
    markdown.write(layered[2:], tmp_path / "a.md", details=Details(units=UNITS))
    assert "layer" not in (tmp_path / "a.md").read_text(encoding="utf-8")
