"""Who cannot be told apart from the best of a task: paired bootstrap over speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from noss import shelf
from noss.pipeline._average import averaged
from noss.pipeline._bootstrap import clusters, paired_interval
from noss.pipeline._kept import kept
from noss.pipeline._predictions import read_predictions, shared_rows
from noss.reports import Gap, Score


def gaps(run: Path, scores: Sequence[Score], *, draws: int = 2000) -> dict[str, Gap]:
    """How far each ranked model is behind the best of its task and protocol, by file name of its predictions.

    The best itself has none. Gaps are kept in the run's folder.

    Args:
        run: The run's folder, which holds the predictions.
        scores: Its records.
        draws: Bootstrap draws behind an interval.

    Raises:
        DataError: Predictions are missing or unreadable.
    """
    ranked = [score for score in scores if score.main and score.ranked and not score.aside]
    found: dict[str, Gap] = {}
    for contest in dict.fromkeys(score.contest for score in ranked):
        rivals = [score for score in ranked if score.contest == contest]
        best = max(rivals, key=lambda score: score.value if score.higher_is_better else -score.value)
        for score in rivals:
            if score.predictions != best.predictions:
                found[score.predictions] = _kept_gap(run, best, score, draws=draws)
    return found


def predictions_file(run: Path, score: Score) -> Path:
    """Where the predictions behind a score stand."""
    return run / "predictions" / Path(score.predictions).name


def _kept_gap(run: Path, best: Score, other: Score, *, draws: int) -> Gap:
    facts = [best.signature, other.signature, best.metric, best.seed, draws, 1]
    value = kept(
        run / "details",
        f"gap {Path(other.predictions).stem}",
        facts=facts,
        make=lambda: asdict(_gap(run, best, other, draws=draws)),
    )
    return Gap(**value)


def _gap(run: Path, best: Score, other: Score, *, draws: int) -> Gap:
    ours, theirs = (read_predictions(predictions_file(run, score)) for score in (best, other))
    rows_N, other_N = shared_rows(ours, theirs)
    metric: Any = averaged(shelf.load("metrics", best.metric), ours, rows=rows_N)
    partners = None if ours.partners is None else [ours.partners[row] for row in rows_N.tolist()]
    cluster_N, _ = clusters([ours.speakers[row] for row in rows_N.tolist()], partners)
    true_N, ours_NK, theirs_NK = ours.true_N[rows_N], ours.scores_NK[rows_N], theirs.scores_NK[other_N]
    behind, low, high = paired_interval(metric, true_N, ours_NK, theirs_NK, cluster_N, draws=draws, seed=best.seed)
    return (
        Gap(behind=behind, low=low, high=high) if best.higher_is_better else Gap(behind=-behind, low=-high, high=-low)
    )
