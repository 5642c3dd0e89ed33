"""Speaker verification: the cosine of two clips' embeddings says whether one speaker says both; nothing is fitted.

The main metric is the equal error rate, beside it the minimum detection cost. Trials are the corpus's published ones, or
else drawn from clips of the task (`_protocol_verify_trials.py`), the same for every model. Numbers:

- the cosine as it is;
- `centred`: the same trials with a centre subtracted first. It is the mean over training speakers, each weighing the same,
  where there are speakers without a trial; else the mean over all speakers but those of the trial. A centre made of the
  trial's own speakers would know what is asked;
- `same-gender`: the trials whose speakers are of one gender, where all tell theirs: a voice's pitch no longer helps.

Trials depend on two speakers each, and intervals draw speakers: see `_bootstrap.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.errors import DataError
from noss.pipeline._predictions import Predictions
from noss.pipeline._predictions_data import Data
from noss.pipeline._predictions_fit import Learner
from noss.pipeline._predictions_task import facts_of, predictions_of
from noss.pipeline._protocol import Job, Variant
from noss.pipeline._protocol_verify_trials import Trials, drawn, genders, published
from noss.pipeline._split import Splits
from noss.pipeline._stratify import Rows

PROBE: str | None = "cosine"
CLASSES = ("different", "same")
METRIC = "eer"
METRICS = ("min_dcf", "min_dcf_05", "auc")
CENTRED, SAME_GENDER = "centred", "same-gender"
_BLOCK = 2_048


class _Cosine:
    """What the records say of a learner that is none."""

    PROBABILITIES: ClassVar[bool] = False


def key(job: Job) -> Any:
    """What trials depend on beside the clips: sessions, genders and the corpus's own list."""
    task = job.task
    listed = [(str(a), str(b), same) for a, b, same in task.trials(task.root)] if task.trials else []
    return [[clip.session, clip.facts.get("gender")] for clip in job.data.clips], listed


def variants(job: Job) -> list[Variant]:
    """The plain number, the centred one with three speakers or more, and that of one gender where genders are known.

    Raises:
        DataError: The task is not about who speaks, or the embeddings have several layers.
    """
    task, num_layers = job.task, job.model.card.layers
    if not _is_about_speakers(job.data):
        raise DataError(f"{task.name} does not ask who speaks, as the protocol verify does: name a target that does")
    if num_layers > 1:
        raise DataError(f"{job.model.name} has {num_layers} layers, and the protocol verify takes one: add @LAYER")
    trials = _trials(job)
    centred, of_one_gender = len(_speakers(job.data)) > 2, _tells_gender(job.data, trials)
    return [Variant(name=name) for name in ["", *[CENTRED] * centred, *[SAME_GENDER] * of_one_gender]]


def predict(job: Job) -> Iterator[Predictions]:
    """A row a trial."""
    vectors_ND, trials = job.embeddings[:, 0], _trials(job)
    for variant in variants(job):
        chosen = _of_one_gender(job, trials) if variant.name == SAME_GENDER else trials
        centre = _centre(job.data, vectors_ND, trials) if variant.name == CENTRED else None
        yield _predictions(job, chosen, _cosines(vectors_ND, chosen, centre), centre=centre)


def _is_about_speakers(data: Data) -> bool:
    """Whether every label is one speaker and every speaker one label."""
    pairs = {(clip.labels[data.task.target], clip.speaker) for clip in data.clips if clip.speaker is not None}
    labels, speakers = {label for label, _ in pairs}, {speaker for _, speaker in pairs}
    return data.task.classes is not None and len(pairs) > 0 and len(labels) == len(speakers) == len(pairs)


def _speakers(data: Data) -> list[str]:
    return sorted({clip.speaker for clip in data.clips if clip.speaker is not None})


def _trials(job: Job) -> Trials:
    return published(job.data) or drawn(job.data, seed=job.seed)


def _tells_gender(data: Data, trials: Trials) -> bool:
    """Whether all speakers of trials tell their gender, and there are two of which each has two speakers."""
    of_speaker = _genders(data, trials)
    numbers = [list(of_speaker.values()).count(kind) for kind in set(of_speaker.values())]
    return None not in of_speaker.values() and len(numbers) > 1 and min(numbers) > 1


def _genders(data: Data, trials: Trials) -> dict[str, str | None]:
    rows = np.unique(np.concatenate([trials.first_N, trials.second_N])).tolist()
    return {str(data.clips[row].speaker): kind for row, kind in zip(rows, genders(data, rows), strict=True)}


def _of_one_gender(job: Job, trials: Trials) -> Trials:
    if published(job.data) is None:
        return drawn(job.data, seed=job.seed, same_gender=True)
    of_first, of_second = genders(job.data, trials.first_N), genders(job.data, trials.second_N)
    return trials.only(np.array(of_first) == np.array(of_second), "those of one gender")


@dataclass(frozen=True, kw_only=True)
class _Centre:
    """The mean over the speakers that count (J,) of their mean embeddings (J, D), less those of a trial.

    `speaker_N` (N,) says whose each usable row is, `num_clips` how many clips it is made from.
    """

    mean_JD: NDArray[np.float64]
    counts_J: NDArray[np.bool_]
    speaker_N: Rows
    num_clips: int

    def of(self, first_n: Rows, second_n: Rows) -> NDArray[np.float64]:
        """The centre (N, D) for trials of these rows (N,)."""
        pairs = zip(self.speaker_N[first_n], self.speaker_N[second_n], strict=True)
        left_out_nJ = np.zeros((len(first_n), len(self.mean_JD)))
        for row, (a, b) in enumerate(pairs):
            left_out_nJ[row, [a, b]] = self.counts_J[[a, b]]
        num_n = self.counts_J.sum() - left_out_nJ.sum(axis=1)
        return np.asarray((self.mean_JD[self.counts_J].sum(axis=0) - left_out_nJ @ self.mean_JD) / num_n[:, None])


def _centre(data: Data, vectors_ND: NDArray[np.float32], trials: Trials) -> _Centre:
    """Made from the speakers who cannot be in a trial, if there are two, or else from all."""
    speakers = _speakers(data)
    places = {name: place for place, name in enumerate(speakers)}
    speaker_N = np.array([-1 if clip.speaker is None else places[clip.speaker] for clip in data.clips])
    apart_J = np.array([name not in trials.tested for name in speakers])
    counts_J = apart_J if apart_J.sum() > 1 else np.ones(len(speakers), dtype=bool)
    return _Centre(
        mean_JD=np.stack([vectors_ND[speaker_N == place].mean(axis=0, dtype=np.float64) for place in places.values()]),
        counts_J=counts_J,
        speaker_N=speaker_N,
        num_clips=int(counts_J[speaker_N[speaker_N >= 0]].sum()),
    )


def _cosines(vectors_ND: NDArray[np.float32], trials: Trials, centre: _Centre | None) -> NDArray[np.float64]:
    """The cosine (N,) of every trial, 0 where a vector has no length; a block at a time."""
    found = []
    for start in range(0, len(trials.same_N), _BLOCK):
        first_n, second_n = (rows[start : start + _BLOCK] for rows in (trials.first_N, trials.second_N))
        a_nD, b_nD = vectors_ND[first_n].astype(np.float64), vectors_ND[second_n].astype(np.float64)
        if centre is not None:
            centre_nD = centre.of(first_n, second_n)
            a_nD, b_nD = a_nD - centre_nD, b_nD - centre_nD
        length_n = np.linalg.norm(a_nD, axis=1) * np.linalg.norm(b_nD, axis=1)
        found.append(np.einsum("nd,nd->n", a_nD, b_nD) / np.where(length_n > 0.0, length_n, 1.0))
    return np.concatenate(found)


def _predictions(job: Job, trials: Trials, cosine_N: NDArray[np.float64], *, centre: _Centre | None) -> Predictions:
    rows_N, place_N = np.unique(np.concatenate([trials.first_N, trials.second_N]), return_inverse=True)
    clips = predictions_of(
        job.data,
        _facts(job, trials, centre=centre),
        rows_N=rows_N,
        folds=[None] * len(rows_N),
        scores_NK=np.zeros((len(rows_N), 2)),
    )
    pairs = [(int(a), int(b)) for a, b in zip(*np.split(place_N, 2), strict=True)]
    firsts = [a for a, _ in pairs]
    return replace(
        clips,
        ids=[f"{clips.ids[a]}+{clips.ids[b]}" for a, b in pairs],
        files=[f"{clips.files[a]} + {clips.files[b]}" for a, b in pairs],
        start_s=clips.start_s[firsts],
        end_s=[clips.end_s[a] for a in firsts],
        speakers=[clips.speakers[a] for a in firsts],
        partners=[clips.speakers[b] for _, b in pairs],
        folds=[None] * len(pairs),
        true_N=trials.same_N.astype(np.int64),
        scores_NK=np.stack([-cosine_N, cosine_N], axis=1),
    )


def _facts(job: Job, trials: Trials, *, centre: _Centre | None) -> dict[str, Any]:
    split = Splits(name=trials.how, selection="", folds=[], speakers="disjoint", warnings=trials.warnings)
    learner = Learner(probe=_Cosine, metric=shelf.load("metrics", METRIC), num_classes=2, seed=job.seed)
    facts = facts_of(job.data, job.embedded, job.model, split=split, learner=learner)
    said = "no centre" if centre is None else f"a centre from {centre.num_clips:,} clips of speakers not in the trial"
    own = {
        "classes": CLASSES,
        "metric": METRIC,
        "metrics": METRICS,
        "trials": True,
        "speakers": "disjoint",
        "splits": f"{trials.how}; cosine, {said}; nothing fitted",
        "probe_options": [],
        "num_train": 0 if centre is None else centre.num_clips,
    }
    return {**facts, **own}
