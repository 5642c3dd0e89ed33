"""What others published: every file keeps its schema, and a figure is shown only beside what was measured in the same way."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import noss
from noss import shelf
from noss.errors import DataError
from noss.pipeline._published import (
    Figure,
    figures,
    published_files,
    published_schema,
    read_published,
    references,
)
from noss.pipeline.report import report
from noss.pipeline.score import write_scores
from noss.reports import Details, Reference, Score, Unit
from noss.reports._table import leaderboard

FILES = published_files()
ROOT = Path(noss.__file__).parents[2]
FRILL = {
    "FRILL released": 71.3,
    "FRILL released, TFLite": 71.3,
    "FRILL in the paper": 70.9,
    "TRILL, run again for FRILL": 65.9,
}
UNITS = {"accuracy": Unit(title="Accuracy", percent=True), "uar": Unit(title="Recall", percent=True)}
COLUMN = {"dataset": "crema_d", "target": "emotion", "metric": "accuracy", "split": "published split",
          "num_train": 5144, "num_test": 1556, "num_classes": 6}  # fmt: skip
TABLE = {"where": "table 1", "address": "https://example.org/paper", "provenance": "author", "protocol": "paper",
         "variant": "best-on-test", "percent": True, "columns": {"CREMA-D": COLUMN},
         "values": {"theirs": {"CREMA-D": 71.3}}}  # fmt: skip


def crema_d() -> Score:
    """CREMA-D's emotion as the FRILL card scored it."""
    return Score(
        model="mine", model_revision="0" * 32, dataset="crema_d", dataset_revision="1" * 32, target="emotion",
        protocol="paper", variant="best-on-test", aside=True, splits="published split; settings chosen on the published dev split",
        probe="noss_grid", probe_options=[{}], metric="accuracy", main=True, higher_is_better=True, value=0.6, low=0.55, high=0.65,
        interval="95 % BCa bootstrap over 19 speakers, 2000 draws", num_train=5144, num_test=1556, num_failed=0,
        num_speakers=19, speakers="disjoint", num_classes=6, chance=0.17, ranked=True, seed=0, signature="2" * 32,
        noss_version="0.1.0", date="2026-01-02T03:04:05Z", embed_s=1.0, audio_s=2.0, device="x86_64, 2 cores", size_mb=None,
        num_parameters=None, dim=4, predictions="predictions/mine.parquet",
    )  # fmt: skip


@pytest.fixture
def score() -> Score:
    return crema_d()


@pytest.fixture
def source(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file with one table, changed here and there."""

    def write(*, column: dict[str, Any] | None = None, **table: Any) -> Path:
        path = tmp_path / "theirs.json"
        columns = {"CREMA-D": {**COLUMN, **(column or {})}}
        facts = {"title": "Theirs", "paper": "", "tables": [{**TABLE, "columns": columns, **table}]}
        path.write_text(json.dumps(facts), encoding="utf-8")
        return path

    return write


def known() -> list[Figure]:
    return [figure for path in FILES for figure in figures(read_published(path))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_keeps_its_schema(path: Path) -> None:
    Draft202012Validator(published_schema()).validate(json.loads(path.read_text(encoding="utf-8")))
    assert list(figures(read_published(path)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_figure_that_was_seen_says_where(path: Path) -> None:
    source = read_published(path)
    for entry in [*source.tables, *source.facts]:
        assert not entry.address or entry.address.startswith("https://")
        assert " " not in entry.address


def test_names_of_datasets_on_the_shelf_have_the_targets_classes_and_metrics_of_the_shelf() -> None:
    for figure in known():
        measured, names = figure.measured, shelf.names("datasets")
        if measured.dataset in names and measured.split == "published split":
            card = shelf.load("datasets", measured.dataset).DATASET
            assert measured.num_classes == len(card.targets[measured.target] or ())
            counts = dict(card.num_by_split)
            if measured.num_test is not None and measured.dataset != "speech_commands":  # two targets, two test sets
                assert (measured.num_train, measured.num_test) == (counts["train"], counts["test"])
        assert measured.metric not in {"wa", "ua", "unweighted_average_recall"}


def test_per_cent_become_shares() -> None:
    assert {figure.model: figure.value for figure in known() if figure.model == "Dasheng"}["Dasheng"] <= 1
    assert max(figure.value for figure in known() if figure.table.percent) == 1.0


def test_the_figures_of_frills_card_stand_beside_the_number_chosen_on_test(score: Score) -> None:
    found = references([score])
    assert {one.model: round(100 * one.value, 1) for one in found} == FRILL
    assert {one.contest for one in found} == {score.contest}
    assert all(one.address.endswith("frill/1.md") and not one.second_hand for one in found)


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "clean"},
        {"variant": ""},
        {"variant": "transductive"},
        {"metric": "uar"},
        {"target": "sentence"},
        {"dataset": "savee"},
        {"splits": "5 folds by speaker; settings chosen on 4 folds inside train"},
        {"splits": "published split, same speakers on both sides; settings chosen on the published dev split"},
        {"num_test": 1551},
        {"num_test": 1555, "num_failed": 1},
        {"num_train": 5882},
        {"num_classes": 5},
        {"main": False},
    ],
    ids=str,
)
def test_no_figure_stands_beside_a_score_that_was_measured_in_another_way(change: dict[str, Any], score: Score) -> None:
    assert [one for one in references([replace(score, **change)]) if one.model in FRILL] == []


def test_no_recalled_figure_is_ever_shown() -> None:
    """Each beside a score made for it, so that nothing but how it is known keeps it away."""
    recalled = [figure for figure in known() if figure.table.provenance == "recalled"]
    assert len(recalled) > 100
    assert not any(figure.seen for figure in recalled)
    assert not any(one.model == "CAP12" or "fine-tuned" in one.model for one in references(_every_score()))


def test_what_is_shown_of_all_that_is_known_is_what_frills_card_says_of_three_tasks() -> None:
    """A score for every dataset, target, metric, protocol and variant that a figure names, on the published split."""
    found = references(_every_score())
    assert {one.contest.partition(" ")[0] for one in found} == {
        "crema_d/emotion",
        "savee/emotion",
        "speech_commands/word12",
    }
    assert {one.model for one in found} == set(FRILL)
    assert len(found) == 12


def _every_score() -> list[Score]:
    """Scores that agree with each figure in all that it states, and in what it leaves open take the likeliest."""
    return [
        replace(
            crema_d(),
            dataset=figure.measured.dataset, target=figure.measured.target, metric=figure.measured.metric,
            protocol=figure.table.protocol, variant=figure.table.variant or "",
            splits=f"{figure.measured.split or 'published split'}; settings chosen on the published dev split",
            num_train=figure.measured.num_train or 100, num_test=figure.measured.num_test or 100,
            num_classes=figure.measured.num_classes or 2,
        )
        for figure in known()
    ]  # fmt: skip


@pytest.mark.parametrize(("provenance", "shown"), [("author", 1), ("second-hand", 1), ("code", 0), ("recalled", 0)])
def test_how_a_figure_is_known_decides_whether_it_is_shown(
    provenance: str, shown: int, score: Score, source: Callable[..., Path]
) -> None:
    found = references([score], paths=[source(provenance=provenance)])
    assert len(found) == shown
    assert all(one.second_hand == (provenance == "second-hand") for one in found)


@pytest.mark.parametrize("name", ["split", "num_test", "num_classes"])
def test_what_a_source_does_not_tell_matches_nothing(name: str, score: Score, source: Callable[..., Path]) -> None:
    assert references([score], paths=[source(column={name: None})]) == []


def test_a_figure_without_an_address_or_with_two_values_is_not_shown(score: Score, source: Callable[..., Path]) -> None:
    assert references([score], paths=[source(address="")]) == []
    assert references([score], paths=[source(values={"theirs": {"CREMA-D": [71.0, 72.0]}})]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"provenance": "hearsay"}, "needs one of author, code, second-hand, recalled"),
        ({"colour": "red"}, "has the unknown field 'tables/0/colour'"),
        ({"column": {"metrik": "uar"}}, "has the unknown field 'tables/0/columns/CREMA-D/metrik'"),
        ({"values": {"theirs": {"SAVEE": 1}}}, "has a value of theirs below 'SAVEE', which is none of its columns"),
        ({"values": {"theirs": {"CREMA-D": [1, 2, 3]}}}, "has 3 numbers of theirs for CREMA-D"),
        ({"values": {"theirs": {"CREMA-D": "71.3"}}}, "needs a number or a list"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_in_a_line(change: dict[str, Any], said: str, source: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=said) as error:
        read_published(source(**change))
    assert "\n" not in str(error.value)


def test_references_take_no_rank_and_change_none(score: Score) -> None:
    other = replace(score, model="other", value=0.5, low=0.45, high=0.55, predictions="predictions/other.parquet")
    board = leaderboard([score, other], details=Details(units=UNITS, references=references([score])))
    assert board == leaderboard([score, other], details=Details(units=UNITS))
    assert [row.name for row in board.rows] == ["mine", "other"]


@pytest.mark.parametrize("style", ["markdown", "latex", "html"])
def test_a_report_shows_references_apart_with_their_source(style: str, score: Score, tmp_path: Path) -> None:
    found = [*references([score]), replace(references([score])[0], model="<b>x|y_#%</b>", contest="elsewhere")]
    shelf.load("reports", style).write([score], tmp_path / "a", details=Details(units=UNITS, references=found))
    text = (tmp_path / "a").read_text(encoding="utf-8")
    assert text.count("published") >= 4
    assert "70.9" in text
    assert "frill/1.md" in text
    assert text.index("FRILL released") > text.index("mine")
    assert "x|y" not in text, "it has no column here"


@pytest.mark.parametrize(("protocol", "variant", "shown"), [("paper", "best-on-test", True), ("clean", "", False)])
def test_the_report_of_a_run_brings_what_matches(
    protocol: str, variant: str, shown: bool, score: Score, tmp_path: Path
) -> None:
    write_scores(tmp_path / "run" / "scores.jsonl", [replace(score, protocol=protocol, variant=variant, aside=False)])
    text = report(tmp_path / "run", style="markdown").read_text(encoding="utf-8")
    assert ("| *FRILL in the paper* (published)" in text) is shown
    assert ("70.9" in text) is shown


@pytest.mark.parametrize("style", ["markdown", "latex", "html"])
def test_a_report_without_references_says_nothing_of_them(style: str, score: Score, tmp_path: Path) -> None:
    shelf.load("reports", style).write([score], tmp_path / "a", details=Details(units=UNITS))
    text = (tmp_path / "a").read_text(encoding="utf-8")
    assert "Published rows" not in text
    assert 'class="published"' not in text


@pytest.mark.parametrize("style", ["markdown", "latex", "html"])
def test_text_of_a_source_stays_text(style: str, score: Score, tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)>"
    made = Reference(
        contest=score.contest, model=evil, value=0.5, source=evil, address="javascript:alert(1)", second_hand=True
    )
    shelf.load("reports", style).write([score], tmp_path / "a", details=Details(units=UNITS, references=[made]))
    text = (tmp_path / "a").read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert 'href="javascript' not in text
    assert "second-hand" in text


def test_the_wheel_carries_the_files() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert carried == {"results/published": "noss/published"}
    assert {path.parent for path in FILES} == {ROOT / "results" / "published"}
