"""Numbers of different protocols stand side by side and are never ranked together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from noss import shelf
from noss.pipeline._leaderboard import leaderboard as terminal
from noss.reports import Score
from noss.reports._headline import headline
from noss.reports._table import leaderboard


@pytest.fixture
def mixed(make_score: Any) -> list[Score]:
    """Under `clean` yamnet leads, under `paper` logmel_stats does, and a number beside that is chosen on test."""
    values = {
        ("clean", ""): {"yamnet": 0.7, "logmel_stats": 0.5, "trivial": 0.2},
        ("paper", "best-on-test"): {"yamnet": 0.81, "logmel_stats": 0.91, "trivial": 0.31},
        ("paper", ""): {"yamnet": 0.6, "logmel_stats": 0.9, "trivial": 0.3},
    }
    return [
        replace(
            make_score("ravdess/emotion", model, value=value, low=value - 0.05, high=value + 0.05),
            protocol=protocol,
            variant=variant,
            aside=bool(variant),
            predictions=f"predictions/{model}--{protocol}--{variant}.parquet",
        )
        for (protocol, variant), models in values.items()
        for model, value in models.items()
    ]


def test_each_protocol_has_a_column_and_what_is_set_aside_stands_last(mixed: list[Score]) -> None:
    board = leaderboard(mixed)
    assert [column.task for column in board.columns] == [
        "ravdess/emotion",
        "ravdess/emotion (paper)",
        "ravdess/emotion (paper, best-on-test)",
    ]


def test_mean_ranks_are_over_one_protocol(mixed: list[Score]) -> None:
    ranks = {row.name: (row.place, row.mean_rank) for row in leaderboard(mixed).rows}
    assert ranks == {"yamnet": (1, 1.0), "logmel_stats": (2, 2.0), "trivial": (None, None)}


def test_without_clean_the_first_protocol_counts(mixed: list[Score]) -> None:
    board = leaderboard([score for score in mixed if score.protocol == "paper"])
    assert board.protocol == "paper"
    assert [row.name for row in board.rows] == ["logmel_stats", "yamnet", "trivial"]


def test_each_column_is_ranked_by_itself_and_one_set_aside_not_at_all(mixed: list[Score]) -> None:
    cells = {row.name: row.cells for row in leaderboard(mixed).rows}
    ranks = {name: [cell.rank for _, cell in sorted(of_model.items())] for name, of_model in cells.items()}
    assert ranks == {"yamnet": [1, 2, None], "logmel_stats": [2, 1, None], "trivial": [None, None, None]}
    assert not cells["logmel_stats"]["ravdess/emotion (paper, best-on-test)"].tied


def test_the_headline_speaks_of_what_counts(mixed: list[Score]) -> None:
    assert headline(leaderboard(mixed)) == "yamnet is first on the one task."


@pytest.mark.parametrize("style", ["markdown", "latex", "html"])
def test_every_style_says_which_protocol_a_number_is_of(style: str, mixed: list[Score], tmp_path: Path) -> None:
    shelf.load("reports", style).write(mixed, tmp_path / "page")
    text = (tmp_path / "page").read_text(encoding="utf-8").replace("<wbr>", "")
    assert "(paper, best-on-test)" in text
    assert "Mean ranks are over clean alone: numbers of different protocols are never ranked together." in text


def test_the_terminal_says_it_too(mixed: list[Score]) -> None:
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as caught:
        console.print(terminal(mixed).table())
    text = " ".join(caught.get().split())
    assert "(paper)" in text and "uar %, clean" in text
    assert "numbers of different protocols are never ranked together" in text
