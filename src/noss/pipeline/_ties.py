"""Who cannot be told apart from the best of a task: the tests of `noss compare`, run on the ranked models of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from noss.pipeline._compare_contest import Result
from noss.pipeline._compare_files import Contest, File
from noss.pipeline._compare_results import decide_all
from noss.pipeline._kept import kept
from noss.pipeline._predictions import read_facts
from noss.reports import Gap, Score

_VERSION = 3  # raised by one whenever what is kept changes


def gaps(run: Path, scores: Sequence[Score], *, draws: int = 2000) -> dict[str, Gap]:
    """How far each ranked model is behind the best of its task and protocol, by file name of its predictions.

    The best itself has none, nor has a model without a clip in common with the others. Gaps are kept in the run's folder.

    Args:
        run: The run's folder, which holds the predictions.
        scores: Its records.
        draws: Bootstrap draws behind an interval.

    Raises:
        DataError: Predictions are missing or unreadable.
    """
    rivals: dict[str, list[Score]] = {}
    for score in scores:
        if score.main and score.ranked and not score.aside:
            rivals.setdefault(score.contest, []).append(score)
    rivals = {contest: found for contest, found in rivals.items() if len(found) > 1}
    facts = [{contest: [score.signature for score in found] for contest, found in rivals.items()}, draws, _VERSION]
    found = kept(run / "details", "gaps", facts=facts, make=lambda: _gaps(run, rivals, draws=draws))
    return {predictions: Gap(**gap) for predictions, gap in found.items()}


def predictions_file(run: Path, score: Score) -> Path:
    """Where the predictions behind a score stand."""
    return run / "predictions" / Path(score.predictions).name


def _gaps(run: Path, rivals: Mapping[str, Sequence[Score]], *, draws: int) -> dict[str, dict[str, float]]:
    contests = [
        Contest(name=name, entrants={s.predictions: _files(run, s) for s in found}) for name, found in rivals.items()
    ]
    seed = min((score.seed for found in rivals.values() for score in found), default=0)
    results = decide_all(contests, draws=draws, seed=seed).results
    return {name: gap for result in results for name, gap in _behind(result, rivals[result.name]).items()}


def _files(run: Path, score: Score) -> dict[int, File]:
    path = predictions_file(run, score)
    return {score.seed: File(path=path, run=run, facts=read_facts(path))}


def _behind(result: Result, rivals: Sequence[Score]) -> dict[str, dict[str, float]]:
    """The gaps to the best by its record: on the clips that all have, it may be behind."""
    best = max(rivals, key=lambda score: score.value if score.higher_is_better else -score.value).predictions
    found = {}
    for pair in result.pairs:
        if best == pair.ahead:
            found[pair.behind] = asdict(Gap(behind=pair.difference, low=pair.low, high=pair.high, p=pair.p_corrected))
        elif best == pair.behind:
            found[pair.ahead] = asdict(Gap(behind=-pair.difference, low=-pair.high, high=-pair.low, p=pair.p_corrected))
    return found
