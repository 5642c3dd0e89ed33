"""Charts of quality beside cost: short names beside dots, whole names for who hears them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from noss.reports import Score
from noss.reports._site_charts import tradeoffs
from noss.reports._table import leaderboard


def test_a_long_path_is_drawn_by_its_end_and_heard_whole(make_score: Callable[..., Score]) -> None:
    long = "transformers/facebook/wav2vec2-base@6"
    scores = [
        replace(make_score("fsdd/speaker", name, value=0.5, low=0.4, high=0.6), dim=dim)
        for name, dim in ((long, 768), ("yamnet", 1024))
    ]
    rows = leaderboard(scores).rows
    drawn = dict(tradeoffs(rows, quality="uar", values={row.name: row.mean_rank for row in rows}))
    chart = str(drawn["Embedding size"])
    assert ">…/wav2vec2-base@6<" in chart and ">yamnet<" in chart
    assert f">{long}<" not in chart and f"{long}: uar" in chart
