"""Context: the score against how much a model hears at once, every clip cut into windows of one length after another.

Training and test clips are cut alike, by the one policy for long audio: windows side by side, the last piece included, their
embeddings averaged, weighted by length. Source: the ablation of Shor et al., "Universal paralinguistic speech
representations using self-supervised conformers" (CAP12), ICASSP 2022.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from noss.audio import read
from noss.datasets import Clip
from noss.errors import AudioError, DataError
from noss.pipeline._analyse_request import Analysed, Request
from noss.pipeline._analyse_sample import Sampled
from noss.pipeline._analyse_study import Study
from noss.pipeline._leaderboard import units
from noss.pipeline._models import Model
from noss.pipeline._models_altered import windowed
from noss.pipeline._probe_choice import check_pooled
from noss.pipeline._protocol import DEFAULT, probe_for, run_protocol
from noss.pipeline._request import words
from noss.pipeline.score import score_predictions
from noss.reports import Details, Score
from noss.reports._studies import as_text

NAME = "context.jsonl"
WINDOWS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
_LEAST_S: Final = 0.01


def analyse(request: Request) -> Analysed:
    """Score every model on every task at every length of window, and at the model's own.

    Raises:
        DataError: A length is no number of seconds, or nothing could be scored.
    """
    windows = _windows(request.own["windows"])
    study = Study(request.out / NAME, request)
    study.run(lambda model, task: _scores(model, task, windows, request, study))
    text = as_text("context", study.scores, Details(units=units(study.scores)))
    return Analysed(path=study.path, text=text, notes=study.notes, failures=study.failures)


def _windows(given: Sequence[str | float]) -> list[float]:
    """Lengths in seconds, the shortest first."""
    found = []
    for word in words([str(one) for one in given]):
        try:
            seconds = float(word.removesuffix("s"))
        except ValueError:
            seconds = math.nan
        if not (math.isfinite(seconds) and seconds >= _LEAST_S):
            raise DataError(f"a window of {word!r} holds nothing: give seconds, from {_LEAST_S:g} on, as 0.5,1,2")
        found.append(seconds)
    return sorted(set(found)) or list(WINDOWS_S)


def _scores(model: Model, sampled: Sampled, windows: Sequence[float], request: Request, study: Study) -> list[Score]:
    """The record of the model's own windows, then one a shorter length."""
    check_pooled(probe_for(sampled.task, DEFAULT, request.own["probe"]), what="noss analyse context")
    longest_s = max((_seconds(clip) for clip in sampled.task.clips), default=0.0)
    fitting = [seconds for seconds in windows if not _passed_over(model, seconds, longest_s, sampled, study)]
    models = [model, *(windowed(model, seconds) for seconds in fitting)]
    return [_score(one, sampled, request, study) for one in models]


def _passed_over(model: Model, seconds: float, longest_s: float, sampled: Sampled, study: Study) -> bool:
    """Whether a length would change nothing, or is more than the model takes; a note says which."""
    own_s, task = model.card.window_s, sampled.task.name
    if own_s is not None and seconds >= own_s:
        study.note(f"{model.name}: {seconds:g} s left out, its own windows are {own_s:g} s")
        return True
    if seconds >= longest_s:
        study.note(f"{task}: {seconds:g} s left out, the longest clip has {longest_s:.2f} s")
        return True
    return False


def _score(model: Model, sampled: Sampled, request: Request, study: Study) -> Score:
    task = sampled.task
    embedded = request.embed(model, task.clips, sampled.ids)
    study.lose(*embedded.failures)
    given: dict[str, Any] = {"model": model, "out": request.out, "probe": request.own["probe"], "seed": request.seed}
    path = run_protocol(replace(task, warnings=[*task.warnings, *_padded(model)]), embedded, **given)[0]
    return score_predictions(path, metrics=[], draws=request.draws, seed=request.seed, known=study.known)[0]


def _padded(model: Model) -> list[str]:
    """A loud line where every window is padded to the least that the model takes."""
    window_s, min_s = model.card.window_s, model.card.min_s
    if not model.condition or window_s is None or window_s >= min_s:
        return []
    return [f"windows of {window_s:g} s are padded to {min_s:g} s, the least that {model.name} takes"]


def _seconds(clip: Clip) -> float:
    """How long a clip is, by the header of its file; 0 where that cannot be read."""
    try:
        whole_s = read.info(clip.path).duration_s
    except AudioError:
        return 0.0
    return (whole_s if clip.end_s is None else min(clip.end_s, whole_s)) - clip.start_s
