"""Markdown, CSV and LaTeX: golden pages, and text that must stay text."""

from __future__ import annotations

import csv as csv_module
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from noss import shelf
from noss.reports import Details, Gap, Score, Unit
from noss.reports._headline import headline, verdict
from noss.reports._table import leaderboard
from noss.reports.markdown import escaped as markdown_escaped

GOLDEN = Path(__file__).parent.parent / "golden"
UNITS = {
    "uar": Unit(title="Unweighted average recall", percent=True),
    "mae": Unit(title="Mean absolute error", percent=False),
}
Make = Callable[..., Score]


@pytest.fixture
def few(make_score: Make) -> list[Score]:
    """Two models and a control on three tasks, numbers chosen by hand."""
    values = {
        "ravdess/emotion": {
            "yamnet": (0.7, 0.65, 0.74),
            "logmel_stats": (0.51, 0.47, 0.56),
            "trivial": (0.2, 0.17, 0.24),
        },
        "fsdd/speaker": {"yamnet": (0.9, 0.85, 0.95), "logmel_stats": (0.92, 0.88, 0.96), "trivial": (0.3, 0.2, 0.42)},
        "csv/./calls.csv/age": {
            "yamnet": (5.5, 5.0, 6.25),
            "logmel_stats": (7.25, 6.5, 8.0),
            "trivial": (14.0, 12.5, 15.5),
        },
    }
    return [
        make_score(task, model, value=value, low=low, high=high)
        for task, models in values.items()
        for model, (value, low, high) in models.items()
    ]


@pytest.fixture
def known(few: list[Score]) -> Details:
    names = {(score.task, score.model): score.predictions for score in few}
    gaps = {
        names["ravdess/emotion", "logmel_stats"]: Gap(behind=0.19, low=0.14, high=0.24, p=0.001),
        names["fsdd/speaker", "yamnet"]: Gap(behind=0.02, low=-0.01, high=0.05, p=0.2),
        names["csv/./calls.csv/age", "logmel_stats"]: Gap(behind=1.75, low=1.0, high=2.5, p=0.004),
    }
    return Details(units=UNITS, gaps=gaps, failures=[{"model": "yamnet", "file": "a.wav"}])


@pytest.mark.parametrize("style", ["markdown", "csv", "latex"])
def test_page_is_the_golden_one(style: str, few: list[Score], known: Details, tmp_path: Path) -> None:
    """The golden pages were read by eye when they were made; a changed page must be read again."""
    part = shelf.load("reports", style)
    part.write(few, tmp_path / "report", details=known)
    assert (tmp_path / "report").read_text(encoding="utf-8") == (GOLDEN / f"report{part.SUFFIX}").read_text(
        encoding="utf-8"
    )


def test_csv_holds_every_field_of_every_score(few: list[Score], tmp_path: Path) -> None:
    shelf.load("reports", "csv").write(few, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv_module.DictReader(file))
    assert list(rows[0]) == [field.name for field in fields(Score)]
    assert [float(row["value"]) for row in rows] == [score.value for score in few]


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_csv_turns_formulas_into_text(text: str, few: list[Score], tmp_path: Path) -> None:
    shelf.load("reports", "csv").write([replace(few[0], model=text)], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv_module.DictReader(file))["model"] == f"'{text}".replace("\r", "\n")


def test_csv_leaves_negative_numbers_numbers(few: list[Score], tmp_path: Path) -> None:
    shelf.load("reports", "csv").write([replace(few[0], value=-0.25)], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv_module.DictReader(file))["value"] == "-0.25"


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("a|b", "a\\|b"),
        ("<img src=x>", "&lt;img src=x&gt;"),
        ("[a](http://b)", "\\[a\\](http://b)"),
        ("**x**", "\\*\\*x\\*\\*"),
        ("logmel_stats", "logmel_stats"),
        ("_x_", "\\_x\\_"),
        ("a\nb", "a b"),
        ("`x`", "\\`x\\`"),
        ("![a](b)", "\\!\\[a\\](b)"),
    ],
)
def test_markdown_escapes(text: str, inert: str) -> None:
    assert markdown_escaped(text) == inert


def test_latex_escapes_what_tex_would_run(few: list[Score], tmp_path: Path) -> None:
    shelf.load("reports", "latex").write([replace(few[0], model="\\input{x}%$#_&^~<>")], tmp_path / "a.tex")
    text = (tmp_path / "a.tex").read_text(encoding="utf-8")
    assert "\\input" not in text
    assert (
        "\\textbackslash{}input\\{x\\}\\%\\$\\#\\_\\&\\textasciicircum{}\\textasciitilde{}\\textless{}\\textgreater{}"
        in text
    )


def test_every_style_writes_bare_records(few: list[Score], tmp_path: Path) -> None:
    for style in shelf.names("reports"):
        part, path = shelf.load("reports", style), tmp_path / style
        if getattr(part, "FOLDER", False):
            path.mkdir()
        part.write(few, path)
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        text = "".join(file.read_text(encoding="utf-8") for file in files).replace("\\_", "_").replace("<wbr>", "")
        assert "logmel_stats" in text


def test_leaderboard_ranks_by_mean_rank_and_leaves_controls_unranked(few: list[Score], known: Details) -> None:
    board = leaderboard(few, details=known)
    assert [(row.name, row.place, row.mean_rank) for row in board.rows] == [
        ("yamnet", 1, pytest.approx(4 / 3)),
        ("logmel_stats", 2, pytest.approx(5 / 3)),
        ("trivial", None, None),
    ]


def test_lower_is_better_turns_the_ranking(few: list[Score]) -> None:
    board = leaderboard(few)
    ranks = {row.name: row.cells["csv/./calls.csv/age"].rank for row in board.rows}
    assert ranks == {"yamnet": 1, "logmel_stats": 2, "trivial": None}


def test_a_control_is_never_first_even_when_it_scores_best(few: list[Score]) -> None:
    won = [replace(score, value=1.0) if score.model == "trivial" else score for score in few if score.higher_is_better]
    board = leaderboard(won)
    assert all(row.cells[task].rank is None for row in board.rows if row.name == "trivial" for task in row.cells)
    assert "trivial" not in headline(board)


def test_ties_are_those_that_the_test_does_not_tell_apart(few: list[Score], known: Details) -> None:
    board = leaderboard(few, details=known)
    tied = {column.task: {row.name for row in board.rows if row.cells[column.task].tied} for column in board.columns}
    assert tied == {
        "ravdess/emotion": {"yamnet"},
        "fsdd/speaker": {"yamnet", "logmel_stats"},
        "csv/./calls.csv/age": {"yamnet"},
    }


def test_headline_says_who_wins_and_how_sure(few: list[Score], known: Details) -> None:
    board = leaderboard(few, details=known)
    assert headline(board) == "yamnet is first on 2 of 3 tasks, with a clear lead on all of them."
    said = {column.task: verdict(board, column) for column in board.columns}
    assert said["ravdess/emotion"] == "leads logmel_stats by 19.0 points, 95 % interval 14.0 to 24.0"
    assert said["fsdd/speaker"] == "tied with yamnet: ahead by 2.0 points, 95 % interval −1.0 to 5.0"
    assert said["csv/./calls.csv/age"] == "leads logmel_stats by 1.750, 95 % interval 1.000 to 2.500"


def test_headline_names_all_who_share_the_first_place(few: list[Score]) -> None:
    two = [score for score in few if score.task != "csv/./calls.csv/age"]
    assert headline(leaderboard(two)) == "yamnet and logmel_stats are each first on 1 of 2 tasks."


def test_headline_of_a_single_model_ranks_nothing(few: list[Score]) -> None:
    one = [score for score in few if score.model == "yamnet"]
    assert headline(leaderboard(one)) == "yamnet is the only ranked model: there is nothing to compare it with."


def test_headline_of_controls_alone_ranks_nothing(few: list[Score]) -> None:
    assert (
        headline(leaderboard([s for s in few if not s.ranked]))
        == "Only controls were scored: there is nothing to rank."
    )


def test_unknown_and_shared_speakers_are_said_aloud(few: list[Score]) -> None:
    loud = {line.task: line.text for line in leaderboard(few).warnings}
    assert set(loud) == {"fsdd/speaker"}
    assert "same speakers" in loud["fsdd/speaker"]


def test_a_warning_of_one_model_names_it(few: list[Score]) -> None:
    said = [
        replace(few[0], warnings=["rough", "odd"]),
        replace(few[1], warnings=["rough"]),
        replace(few[2], warnings=["rough"]),
    ]
    assert [line.text for line in leaderboard(said).warnings] == ["rough", "odd (yamnet)"]


def test_a_control_that_meets_the_best_is_said_aloud(few: list[Score]) -> None:
    near = [replace(score, high=0.66) if score.model == "trivial" else score for score in few[:3]]
    assert [line.text for line in leaderboard(near).warnings] == [
        "controls with intervals that meet that of the best, yamnet: trivial (0.200)"
    ]
    near = [replace(score, low=6.0) if score.model == "trivial" else score for score in few[6:]]
    assert len(leaderboard(near).warnings) == 1


def test_several_controls_that_meet_the_best_are_said_in_one_line(few: list[Score]) -> None:
    near = [replace(few[0], model=name, ranked=False, value=0.6) for name in ("one", "two")]
    assert [line.text for line in leaderboard([*few[:2], *near]).warnings] == [
        "controls with intervals that meet that of the best, yamnet: one (0.600), two (0.600)"
    ]


def test_lost_clips_are_said_aloud(few: list[Score]) -> None:
    lost = [replace(few[0], num_failed=3), *few[1:]]
    assert "3 clips could not be used with yamnet" in [line.text for line in leaderboard(lost).warnings]


def test_several_probes_make_several_rows(few: list[Score]) -> None:
    two = [few[0], replace(few[0], probe="svm", predictions="predictions/other.parquet", value=0.6)]
    assert [row.name for row in leaderboard(two).rows] == ["yamnet + logistic", "yamnet + svm"]
