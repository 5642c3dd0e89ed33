"""What a user's own table gives away: reasons to distrust a good score, in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from noss import shelf
from noss.pipeline._bootstrap import clusters, paired_interval
from noss.pipeline._predictions import read_predictions, shared_rows
from noss.pipeline._predictions_data import Data
from noss.reports import Score

_IMBALANCE = 10
_FEW_CLIPS = 10


def table_warnings(data: Data) -> list[str]:
    """What is wrong with a table whatever the model: rare classes, classes of one speaker, the same audio twice."""
    if data.task.classes is None:
        return _repeated(data)
    return [*_repeated(data), *_counts(data), *_speakers(data)]


def score_warnings(scores: Sequence[Score], *, run: Path, draws: int) -> list[str]:
    """What the main scores say: no better than a guess, or no better than a control that hardly listens.

    Args:
        scores: Main scores, the model's first, then the controls'.
        run: The folder that holds their predictions.
        draws: Bootstrap draws of a comparison.
    """
    ours, *controls = scores
    said = [] if _beats_chance(ours) else [f"{ours.model} is not better than guessing: {_in_words(ours)}"]
    for control in controls:
        low, high = _lead(ours, control, run=run, draws=draws)
        against = f"({_in_words(ours)} against {_in_words(control)})"
        if high < 0:
            said.append(f"{control.model} does better than {ours.model} {against}: fit that instead")
        elif low <= 0 and _beats_chance(ours):
            said.append(f"{ours.model} is not clearly better than {control.model} {against}{_why(control)}")
        elif not control.ranked and _beats_chance(control):
            said.append(f"{control.model} alone predicts the label better than guessing: {_in_words(control)}")
    return said


def _why(control: Score) -> str:
    if control.ranked:
        return ""
    return ": duration, level or noise alone predict the label as well, so it may be how clips were recorded"


def _lead(ours: Score, control: Score, *, run: Path, draws: int) -> tuple[float, float]:
    """The 95 % interval of how far our model is ahead, on the same clips; positive is better."""
    metric = shelf.load("metrics", ours.metric)
    a, b = read_predictions(run / ours.predictions), read_predictions(run / control.predictions)
    rows_N, other_N = shared_rows(a, b)
    cluster_N, _ = clusters([a.speakers[row] for row in rows_N])
    true_N, ours_NK, theirs_NK = a.true_N[rows_N], a.scores_NK[rows_N], b.scores_NK[other_N]
    _, low, high = paired_interval(metric, true_N, ours_NK, theirs_NK, cluster_N, draws=draws, seed=ours.seed)
    return (low, high) if ours.higher_is_better else (-high, -low)


def _beats_chance(score: Score) -> bool:
    if score.chance is None:
        return True
    return score.low > score.chance if score.higher_is_better else score.high < score.chance


def _in_words(score: Score) -> str:
    percent = shelf.load("metrics", score.metric).METRIC.percent
    value, low, high = (f"{100 * x:.1f}" if percent else f"{x:.3g}" for x in (score.value, score.low, score.high))
    return f"{score.metric} {value} [{low}, {high}]"


def _repeated(data: Data) -> list[str]:
    repeats = len(data.ids) - len(set(data.ids))
    return [f"{repeats} clips are the same audio as another clip: remove them"] if repeats else []


def _counts(data: Data) -> list[str]:
    counts = Counter(str(clip.labels[data.task.target]) for clip in data.clips)
    (most, num_most), (fewest, num_fewest) = counts.most_common()[0], counts.most_common()[-1]
    said = [f"class {name!r} has {num} clips only" for name, num in sorted(counts.items()) if num < _FEW_CLIPS]
    if num_most >= _IMBALANCE * num_fewest:
        said.append(f"classes are uneven: {most!r} has {num_most} clips and {fewest!r} has {num_fewest}")
    return said


def _speakers(data: Data) -> list[str]:
    speakers: dict[str, set[str]] = defaultdict(set)
    for clip in data.clips:
        if clip.speaker is not None:
            speakers[str(clip.labels[data.task.target])].add(clip.speaker)
    alone = sorted(name for name, members in speakers.items() if len(members) < 2)
    return [f"class {name!r} has one speaker only: nothing shows that it is the class that is heard" for name in alone]
