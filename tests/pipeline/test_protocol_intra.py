"""Within a speaker: nobody else's clips train, clips that belong together stay together, speakers weigh the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_task import CLASSES, clips, embedded, model, task

from noss.errors import DataError
from noss.pipeline import _protocol_intra as intra
from noss.pipeline._predictions import read_facts, read_predictions
from noss.pipeline._predictions_data import data_of
from noss.pipeline._protocol import Job, run_protocol
from noss.pipeline.score import score_predictions
from noss.probes.nearest_centroid import Probe


class Spy(Probe):
    """A probe that remembers the rows it was fitted on: the first dimension holds the row's number."""

    SETTINGS = Probe.SETTINGS[:1]
    fitted_on: list[set[int]] = []

    def fit(self, x_ND, y_N):
        self.fitted_on.append({round(row) for row in x_ND[:, 0].tolist()})
        return super().fit(x_ND, y_N)


@pytest.fixture
def spy(monkeypatch):
    monkeypatch.setattr(Spy, "fitted_on", [])
    real = intra.learner_of
    monkeypatch.setattr(intra, "learner_of", lambda *given, **named: replace(real(*given, **named), probe=Spy))
    return Spy


def made(*, num: int = 120, num_speakers: int = 4, **columns):
    """A task in which speaker s says class (row // speakers) % 3, and embeddings that hold the row's number."""
    y_N = np.arange(num) // num_speakers % 3
    given = task(clips([CLASSES[y] for y in y_N], num_speakers=num_speakers, **columns))
    x_ND = np.concatenate([np.arange(num)[:, None], 3 * np.eye(3)[y_N]], axis=1)
    return given, x_ND[:, None]


def intra_path(given, x_NLD, out: Path, **options) -> Path:
    made_of = embedded(given, x_NLD)
    return run_protocol(given, made_of, model=model(), out=out, protocol="intra", **options)[0]


def groups_on_both_sides(path: Path, fitted_on: list[set[int]], group_of) -> list[set]:
    """For every fit of a fold's training set, the groups it shares with the fold's test clips."""
    read = read_predictions(path)
    rows = [int(name, 16) for name in read.ids]
    found = []
    for fold in set(read.folds):
        tested = {row for row, of in zip(rows, read.folds, strict=True) if of == fold}
        of_speaker = {row for row in rows if row % 4 == min(tested) % 4}
        assert of_speaker - tested in fitted_on, "the fold is fitted on all the other clips of its speaker"
        found.append({group_of(row) for row in tested} & {group_of(row) for row in of_speaker - tested})
    return found


def test_every_fit_is_on_clips_of_one_speaker_and_every_clip_is_tested_once(tmp_path: Path, spy):
    given, x_NLD = made()
    read = read_predictions(intra_path(given, x_NLD, tmp_path))
    assert sorted(int(name, 16) for name in read.ids) == list(range(120))
    assert len(spy.fitted_on) >= 20 and all(len({row % 4 for row in rows}) == 1 for rows in spy.fitted_on)


def test_what_one_speaker_means_by_a_class_another_need_not(tmp_path: Path):
    """Every speaker has directions of his own for the classes: learned within him, and never across."""
    y_N, speaker_N = np.arange(240) // 8 % 3, np.arange(240) % 8
    own = np.random.default_rng(0).standard_normal((8, 3, 6)) * 4
    x_ND = own[speaker_N, y_N] + np.random.default_rng(1).standard_normal((240, 6))
    given = task(clips([CLASSES[y] for y in y_N], num_speakers=8))
    within, across = (
        score_predictions(
            run_protocol(given, embedded(given, x_ND[:, None]), model=model(), out=tmp_path, protocol=name)[0],
            draws=200,
        )[0]
        for name in ("intra", "clean")
    )
    assert within.value > 0.95 and across.value < 0.6
    assert within.speakers == "shared" and "within each of 8 speakers" in within.splits


def test_the_value_is_the_mean_of_the_speakers_values_and_draws_weigh_speakers(tmp_path: Path):
    given, x_NLD = made(num=96, num_speakers=4)
    noisy_NLD = x_NLD[:, :, 1:] + np.random.default_rng(0).standard_normal((96, 1, 3)) * 2.5
    given.clips = [clip for row, clip in enumerate(given.clips) if row % 4 or row < 48]
    kept_N = [row for row in range(96) if row % 4 or row < 48]
    path = intra_path(given, noisy_NLD[kept_N], tmp_path)
    read, found = read_predictions(path), score_predictions(path, draws=500)[0]
    right_N, speakers = read.scores_NK.argmax(1) == read.true_N, np.array(read.speakers)
    of_speaker = [
        np.mean([right_N[(speakers == name) & (read.true_N == k)].mean() for k in range(3)])
        for name in np.unique(speakers)
    ]
    assert found.value == pytest.approx(np.mean(of_speaker))
    assert min(of_speaker) <= found.low < found.value < found.high <= max(of_speaker)
    assert "over 4 speakers" in found.interval


def test_clips_of_a_session_are_never_on_both_sides(tmp_path: Path, spy):
    session_of = [f"day {row // 12 % 5}" for row in range(120)]
    path = intra_path(*made(session=session_of), tmp_path)
    assert "by session" in read_facts(path)["splits"]
    assert not any(groups_on_both_sides(path, spy.fitted_on, session_of.__getitem__))
    assert not any("sessions" in line for line in read_facts(path)["warnings"])


def test_without_sessions_sentences_are_kept_apart(tmp_path: Path, spy):
    sentence_of = [f"sentence {row // 12 % 2}" for row in range(120)]
    path = intra_path(*made(sentence=sentence_of), tmp_path)
    assert "by sentence" in read_facts(path)["splits"]
    assert not any(groups_on_both_sides(path, spy.fitted_on, sentence_of.__getitem__))


def test_sentences_that_are_the_classes_cannot_be_kept_apart_and_a_line_says_what_may_leak(tmp_path: Path):
    given, x_NLD = made()
    given.clips = [replace(clip, sentence=str(clip.labels["mood"])) for clip in given.clips]
    facts = read_facts(intra_path(given, x_NLD, tmp_path))
    assert "by file" in facts["splits"]
    assert (
        "sessions do not part a speaker's clips: those of one session may be in training and test" in facts["warnings"]
    )


def test_settings_are_chosen_within_the_training_clips_of_a_fold(tmp_path: Path, spy, monkeypatch):
    """With two settings every fit that chooses is on a part of some fold's training clips."""
    monkeypatch.setattr(Spy, "SETTINGS", Probe.SETTINGS[:1] * 2)
    path = intra_path(*made(), tmp_path)
    read = read_predictions(path)
    rows = [int(name, 16) for name in read.ids]
    trained = [
        {row for row in rows if row % 4 == speaker and row not in tested}
        for fold in set(read.folds)
        for tested in [{row for row, of in zip(rows, read.folds, strict=True) if of == fold}]
        for speaker in [min(tested) % 4]
    ]
    refits = [rows for rows in spy.fitted_on if rows in trained]
    chosen = [rows for rows in spy.fitted_on if rows not in trained]
    assert len(refits) == len(trained) and chosen
    assert all(any(rows < whole for whole in trained) for rows in chosen)


def test_speakers_with_one_class_or_one_clip_a_class_are_left_out_and_counted(tmp_path: Path):
    given, x_NLD = made()
    only_calm = {row for row in range(120) if row % 4 == 0 and given.clips[row].labels["mood"] != "calm"}
    one_each = {row for row in range(12, 120) if row % 4 == 1}
    kept = [row for row in range(120) if row not in only_calm | one_each]
    given.clips = [given.clips[row] for row in kept]
    path = intra_path(given, x_NLD[kept], tmp_path)
    assert set(read_predictions(path).speakers) == {"s002", "s003"}
    said = "\n".join(read_facts(path)["warnings"])
    assert "2 of 4 speakers are left out: they lack two classes with clips in two files" in said
    assert f"60 of {len(kept)} clips are used" in said


def test_a_class_a_speaker_said_once_is_left_out_for_that_speaker(tmp_path: Path):
    given, x_NLD = made(num=48)
    sad = [row for row in range(48) if row % 4 == 0 and given.clips[row].labels["mood"] == "sad"]
    kept = [row for row in range(48) if row not in sad[1:]]
    given.clips = [given.clips[row] for row in kept]
    read = read_predictions(intra_path(given, x_NLD[kept], tmp_path))
    assert {read.true_N[row] for row, name in enumerate(read.speakers) if name == "s000"} == {0, 1}
    assert {read.true_N[row] for row, name in enumerate(read.speakers) if name == "s001"} == {0, 1, 2}


@pytest.mark.parametrize("labels", ["one class each", "no speakers"])
def test_a_task_in_which_nobody_can_be_tested_is_refused(tmp_path: Path, labels: str):
    given, x_NLD = made(num=24)
    if labels == "no speakers":
        given.clips = [replace(clip, speaker=None) for clip in given.clips]
    else:
        given.clips = [replace(clip, speaker=str(clip.labels["mood"])) for clip in given.clips]
    with pytest.raises(DataError, match="no speaker has two classes with two clips each"):
        intra_path(given, x_NLD, tmp_path)


def test_copies_of_a_clip_are_one_clip(tmp_path: Path):
    given, x_NLD = made(num=48)
    made_of = embedded(given, x_NLD)
    made_of = replace(made_of, ids=[made_of.ids[0], *made_of.ids[1:44], *[made_of.ids[0]] * 4])
    path = run_protocol(given, made_of, model=model(), out=tmp_path, protocol="intra")[0]
    ids = [
        name
        for name, who in zip(*(lambda p: (p.ids, p.speakers))(read_predictions(path)), strict=True)
        if who == "s000"
    ]
    assert len(ids) == len(set(ids)) == 11


def test_every_class_stays_in_training_where_five_folds_would_take_it_out():
    """Two groups of a class, and others that crowd them into one fold: then each group is a fold."""
    y_n = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    group_n = np.array([0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    for seed in range(20):
        fold_n = intra._dealt(y_n, group_n, seed=seed)
        assert all(set(y_n[fold_n != fold]) == {0, 1} for fold in set(fold_n.tolist()))


def test_numbers_need_ten_clips_that_differ(tmp_path: Path):
    numbers = np.random.default_rng(0).standard_normal(60)
    given = task(clips(numbers.tolist(), num_speakers=4), classes=None, metric="mae")
    given.clips = [clip for row, clip in enumerate(given.clips) if row % 4 or row < 32]
    kept = [row for row in range(60) if row % 4 or row < 32]
    read = read_predictions(intra_path(given, numbers[kept][:, None, None], tmp_path))
    assert set(read.speakers) == {"s001", "s002", "s003"}


def test_another_session_makes_the_score_anew(tmp_path: Path):
    given, x_NLD = made(session=[f"day {row // 12 % 5}" for row in range(120)])
    key = read_facts(intra_path(given, x_NLD, tmp_path))["signature"]
    given.clips[0] = replace(given.clips[0], session="another day")
    assert read_facts(intra_path(given, x_NLD, tmp_path))["signature"] != key


def test_the_order_of_clips_does_not_matter():
    given, x_NLD = made(num=48)
    order = np.random.default_rng(0).permutation(48)
    folds = []
    for places in (np.arange(48), order):
        other = replace_clips(given, places)
        made_of = embedded(other, x_NLD[places])
        made_of = replace(made_of, ids=[f"{place:032x}" for place in places])
        job = Job(data=data_of(other, made_of.ids), embedded=made_of, model=model(), probe="nearest_centroid")
        made_of.store.rows = {f"{place:032x}": x_NLD[place] for place in places}
        found = next(iter(intra.predict(job)))
        folds.append({name: tuple(scores) for name, scores in zip(found.ids, found.scores_NK.tolist(), strict=True)})
    assert folds[0] == folds[1]


def replace_clips(given, places):
    return replace(given, clips=[given.clips[place] for place in places])
