"""The analyses of similarity and layers from the command to the page, on sounds and models made for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_layers
from made_table import TINY, made_rows, write_table

from noss.errors import DataError, ModelError
from noss.pipeline import _similarity_compare
from noss.pipeline.analyse import analyse
from noss.pipeline.report import report
from noss.pipeline.run import run
from noss.pipeline.score import read_scores

DEEP = str(Path(tiny_layers.__file__))
CONSTANT = """
import torch
from noss.models import Card

CARDS = {"": Card(sample_rate=16_000, frame_rate=0.0, dim=3, source="made", licence="MIT", weights=None)}


def build(choice):
    def embed(waveform_BT, lengths_B):
        return torch.full((len(waveform_BT), 1, 1, 3), 0.1), torch.ones(len(waveform_BT), dtype=torch.int64)

    return embed
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    return write_table(folder, made_rows(folder))


def _analyse(kind: Any, models: list[str], table: Path, out: Path, **options: Any) -> Any:
    given = {"tasks": [f"calls=csv/{table}/mood"], "out": out, "workers": 0, "draws": 200, **options}
    return analyse(kind, models, **given)


def test_layers_score_as_noss_run_scores_them_and_know_their_neighbours(table: Path, tmp_path: Path) -> None:
    found = _analyse("layers", [f"{DEEP}@all"], table, tmp_path / "a")
    ran = run(models=[f"{DEEP}@all"], tasks=[f"calls=csv/{table}/mood"], out=tmp_path / "b", workers=0, draws=200)
    (score,) = read_scores(found.path)
    (main,) = [one for one in ran.scores if one.main]
    assert score.layers == main.layers
    assert (score.value, score.low, score.high) == (main.value, main.low, main.high)
    assert [row["layer"] for row in score.layers] == [0, 1, 2]
    assert "layer 1" in found.text
    assert "CKA 1.000" in found.text  # layer 1 doubles layer 0


def test_a_finished_analysis_compares_nothing_again(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _analyse("similarity", [TINY, f"{DEEP}@all"], table, tmp_path)
    before = first.path.read_bytes()
    monkeypatch.delattr(_similarity_compare, "measured")
    assert _analyse("similarity", [TINY, f"{DEEP}@all"], table, tmp_path).text == first.text
    assert first.path.read_bytes() == before


def test_reports_show_analyses_without_scores(table: Path, tmp_path: Path) -> None:
    _analyse("similarity", [TINY, f"{DEEP}@all"], table, tmp_path)
    _analyse("layers", [f"{DEEP}@all"], table, tmp_path)
    page = report(tmp_path).read_text(encoding="utf-8")
    assert 'id="similarity"' in page
    assert 'id="layers"' in page
    assert 'id="leaderboard"' not in page
    told = report(tmp_path, style="markdown").read_text(encoding="utf-8")
    assert "linear CKA on 24 clips, 6 speakers" in told
    assert "CKA 1.000" in told


def test_names_from_outside_are_escaped_on_the_page(table: Path, tmp_path: Path) -> None:
    analyse(
        "similarity", [TINY, f"{DEEP}@all"], tasks=[f"<b>calls=csv/{table}/mood"], out=tmp_path, workers=0
    )  # fmt: skip
    page = report(tmp_path).read_text(encoding="utf-8")
    assert "<b>calls" not in page.partition('<script type="application/json"')[0]
    assert "&lt;b&gt;calls" in page


def test_fewer_clips_are_drawn_where_asked_and_it_is_said(table: Path, tmp_path: Path) -> None:
    found = _analyse("similarity", [TINY, f"{DEEP}@all"], table, tmp_path, max_clips=12)
    assert "linear CKA on 12 clips" in found.text
    assert found.notes == ["calls: 12 of 24 clips were drawn"]


def test_a_constant_model_is_said_to_be_one(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "constant.py"
    path.write_text(CONSTANT, encoding="utf-8")
    found = _analyse("similarity", [TINY, str(path)], table, tmp_path / "out")
    assert found.notes == [f"calls: {path} gives every clip the same vector: CKA with it is not defined"]
    assert "nan" not in found.path.read_text(encoding="utf-8").lower()
    assert report(tmp_path / "out").is_file()


@pytest.mark.parametrize(
    ("kind", "models", "options", "said"),
    [
        ("similarity", [TINY], {}, "similarity compares two models"),
        ("similarity", [TINY, f"{DEEP}@all"], {"max_clips": 3}, "3 clips of calls .* and CKA needs 4"),
        ("similarity", [TINY, f"{DEEP}@all"], {"estimator": "median"}, "no estimator 'median': write unbiased"),
        ("similarity", [TINY, f"{DEEP}@all"], {"windows": ["1"]}, "--windows is for noss analyse context"),
        ("layers", [TINY], {}, "tiny_model.py has one layer"),
        ("layers", [f"{DEEP}@mix"], {}, "write @all in place of @mix"),
        ("layers", [f"{DEEP}@all"], {"standardise": True}, "--standardise is for noss analyse similarity"),
    ],
)
def test_requests_that_mean_nothing_are_refused(
    kind: str, models: list[str], options: dict[str, Any], said: str, table: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said):
        _analyse(kind, models, table, tmp_path, **options)


def test_a_layer_that_is_not_there_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no layer '3': write @0 to @2"):
        _analyse("similarity", [f"{DEEP}@3", TINY], table, tmp_path)
