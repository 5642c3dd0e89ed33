"""Personalisation: trained, chosen and tested within each speaker; the metric is averaged over speakers.

After section 4 of the TRILL paper (Shor et al. 2020), which leaves the details open. Here each speaker's clips go into up
to five folds; settings are chosen in folds inside the training ones, and where these cannot tell, the middle setting is
taken. Clips that belong together are never on two sides: those of one session, or else of one sentence, or else of one
file, by the first of these that most clips tell and that leaves at least half of the speakers who could be scored clip by
clip. A speaker's class
with fewer than two such groups cannot be both trained and tested and is left out; so is a speaker with fewer than two
such classes, or, for numbers, with fewer than ten clips that differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from os import fspath
from typing import Any

import numpy as np

from noss.datasets import Clip
from noss.errors import DataError
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_task import facts_of, predict_task
from noss.pipeline._probe_choice import learner_of
from noss.pipeline._protocol import Job, Variant
from noss.pipeline._split import Fold, Splits
from noss.pipeline._stratify import Rows, stratified

PROBE: str | None = None
NUM_FOLDS = 5
NUM_INNER = 4
MIN_NUMBERS = 10


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Usable rows (N,) by speaker, in groups (N,) that stay on one side, and what these groups are."""

    by: str
    rows: Mapping[str, tuple[Rows, Rows]]


def key(job: Job) -> list[list[Any]]:
    """What keeps clips together beside their bytes: session, sentence and file."""
    files: dict[str, int] = {}
    return [[clip.session, clip.sentence, files.setdefault(fspath(clip.path), len(files))] for clip in job.data.clips]


def variants(job: Job) -> list[Variant]:
    """One number, for every task in which some speaker can be trained and tested.

    Raises:
        DataError: No speaker can.
    """
    _plan(job.data)
    return [Variant()]


def predict(job: Job) -> Iterable[Predictions]:
    """A probe a speaker and fold, a row a test clip."""
    assert job.probe is not None
    data, plan = job.data, _plan(job.data)
    made = [fold for rows_n, group_n in plan.rows.values() for fold in _folds(data, rows_n, group_n, seed=job.seed)]
    split = Splits(
        name=f"up to {NUM_FOLDS} folds by {plan.by} within each of {len(plan.rows)} speakers",
        selection=f"up to {NUM_INNER} folds inside a speaker's training clips",
        folds=made,
        speakers="shared",
        warnings=_said(data, plan),
    )
    learner = learner_of(job.task, job.probe, seed=job.seed, mixes=job.model.mixed)
    facts = facts_of(data, job.embedded, job.model, split=split, learner=learner)
    facts |= {"speakers": "shared", "average": "speakers"}
    found = predict_task(data, job.inputs, split, learner=learner, facts=facts)
    counted = _counted(found.facts["probe_options"])
    return [replace(found, facts={**found.facts, "probe_options": counted})]


def _plan(data: Data) -> _Plan:
    """The first way to keep clips together that leaves enough speakers."""
    by_clip = _Plan(by="clip", rows=_grouped(data, by="clip"))
    if not by_clip.rows:
        raise DataError(f"{data.task.name}: {_needs(data)}, and the protocol intra works within a speaker: use clean")
    told = (by for by in ("session", "sentence", "file") if _is_told(data, by=by))
    plans = (_Plan(by=by, rows=_grouped(data, by=by)) for by in told)
    return next((plan for plan in plans if 2 * len(plan.rows) >= len(by_clip.rows)), by_clip)


def _is_told(data: Data, *, by: str) -> bool:
    return 2 * sum(_key(clip, by=by)[0] == by for clip in data.clips) > len(data.clips)


def _needs(data: Data) -> str:
    if data.task.classes is None:
        return f"no speaker has {MIN_NUMBERS} clips whose numbers differ"
    return "no speaker has two classes with two clips each"


def _grouped(data: Data, *, by: str) -> dict[str, tuple[Rows, Rows]]:
    """The rows (N,) and groups (N,) of every speaker who can be trained and tested, by name."""
    rows: dict[str, list[int]] = {}
    seen: set[tuple[str, str]] = set()
    for row in sorted(range(len(data.clips)), key=lambda row: _place(data.clips[row])):
        speaker = data.clips[row].speaker
        if speaker is not None and (speaker, data.ids[row]) not in seen:
            seen.add((speaker, data.ids[row]))
            rows.setdefault(speaker, []).append(row)
    found = {speaker: _usable(data, np.array(rows[speaker]), by=by) for speaker in sorted(rows)}
    return {speaker: pair for speaker, pair in found.items() if pair is not None}


def _place(clip: Clip) -> tuple[str, float, float]:
    return fspath(clip.path), clip.start_s, clip.end_s or 0.0


def _usable(data: Data, rows_n: Rows, *, by: str) -> tuple[Rows, Rows] | None:
    """A speaker's rows and their groups, less the classes that are in one group only; None where too little is left."""
    keys = [_key(data.clips[row], by=by) for row in rows_n]
    group_n = np.unique(np.array([repr(key) for key in keys]), return_inverse=True)[1]
    y_n = data.y_N[rows_n]
    if data.task.classes is None:
        enough = len(rows_n) >= MIN_NUMBERS and len(np.unique(y_n)) > 1 and len(np.unique(group_n)) > 1
        return (rows_n, group_n) if enough else None
    kept = [y for y in np.unique(y_n) if len(np.unique(group_n[y_n == y])) > 1]
    kept_n = np.isin(y_n, kept)
    return (rows_n[kept_n], group_n[kept_n]) if len(kept) > 1 else None


def _key(clip: Clip, *, by: str) -> tuple[str, ...]:
    known = {"session": clip.session, "sentence": clip.sentence, "file": fspath(clip.path)}.get(by)
    return ("clip", *map(str, _place(clip))) if known is None else (by, known)


def _folds(data: Data, rows_n: Rows, group_n: Rows, *, seed: int) -> list[Fold]:
    """A speaker's folds, with the pairs that choose settings: the other folds, or else single clips."""
    y_n = _strata(data, rows_n)
    fold_n = _dealt(y_n, group_n, seed=seed)
    return [
        Fold(
            train_N=data.rows_N[rows_n[fold_n != fold]],
            test_N=data.rows_N[rows_n[fold_n == fold]],
            inner=_inner(data, rows_n[fold_n != fold], fold_n[fold_n != fold], seed=seed),
        )
        for fold in np.unique(fold_n)
    ]


def _dealt(y_n: Rows, group_n: Rows, *, seed: int) -> Rows:
    """The fold (N,) of each clip: five, or a group each where five would take all of a class out of training."""
    num_groups = len(np.unique(group_n))
    fold_n = stratified(y_n, group_n, num_folds=min(NUM_FOLDS, num_groups), seed=seed)
    whole = all(len(np.unique(y_n[fold_n != fold])) == len(np.unique(y_n)) for fold in np.unique(fold_n))
    return fold_n if whole else np.unique(group_n, return_inverse=True)[1].astype(np.int64)


def _inner(data: Data, rows_n: Rows, fold_n: Rows, *, seed: int) -> tuple[tuple[Rows, Rows], ...]:
    group_n = fold_n if len(np.unique(fold_n)) > 1 else np.arange(len(rows_n))
    num_folds = min(NUM_INNER, len(np.unique(group_n)))
    if num_folds < 2:
        return ()
    inner_n = stratified(_strata(data, rows_n), group_n, num_folds=num_folds, seed=seed)
    row_n = data.rows_N[rows_n]
    return tuple((row_n[inner_n != fold], row_n[inner_n == fold]) for fold in range(num_folds))


def _strata(data: Data, rows_n: Rows) -> Rows:
    """Classes (N,) without gaps; numbers as the fifth of their range that they are in."""
    y_n = data.y_N[rows_n]
    if data.task.classes is None:
        return np.searchsorted(np.quantile(y_n, (0.2, 0.4, 0.6, 0.8)), y_n).astype(np.int64)
    return np.unique(y_n, return_inverse=True)[1].astype(np.int64)


def _said(data: Data, plan: _Plan) -> list[str]:
    """Loud lines: who and what is left out, and what may still be on both sides."""
    num_speakers = len({clip.speaker for clip in data.clips} - {None})
    num_clips = sum(len(rows_n) for rows_n, _ in plan.rows.values())
    where = f"clips in two {plan.by}s" if plan.by != "clip" else "two clips"
    needed = f"{MIN_NUMBERS} clips whose numbers differ" if data.task.classes is None else f"two classes with {where}"
    lines = []
    if len(plan.rows) < num_speakers:
        lines.append(f"{num_speakers - len(plan.rows)} of {num_speakers} speakers are left out: they lack {needed}")
    if num_clips < len(data.clips):
        lines.append(f"{num_clips} of {len(data.clips)} clips are used: the others cannot be both trained and tested")
    if plan.by in ("file", "clip"):
        lines.append("sessions do not part a speaker's clips: those of one session may be in training and test")
    return lines


def _counted(options: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each setting once, with the number of folds that chose it: speakers have too many folds to list."""
    counts = Counter(tuple(sorted((name, value) for name, value in one.items() if name != "mix")) for one in options)
    return [{**dict(items), "folds": count} for items, count in sorted(counts.items(), key=lambda pair: -pair[1])]
