"""A probe is chosen on validation, never sees a test clip, and scores every one of them once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_task import CLASSES, clips, embedded, model, mood_task, task

from noss.errors import DataError, ProbeError, UnknownPartError
from noss.pipeline import _protocol_clean as step
from noss.pipeline._predictions import read_facts, read_predictions, shared_rows
from noss.pipeline._predictions_fit import Choice, Learner, choose, fit_rows
from noss.pipeline._split import folds
from noss.pipeline.probe import probe_task


class Spy:
    """A probe that remembers the rows it was fitted on; its score is good only for setting 2 on layer 1."""

    TARGET = "classes"
    PROBABILITIES = True
    SETTINGS = ({"width": 1}, {"width": 2}, {"width": 3})
    fitted_on: list[set[float]] = []

    def __init__(self, *, seed: int = 0, width: int = 1) -> None:
        self.width = width

    def fit(self, x_ND, y_N):
        self.num_classes = int(y_N.max()) + 1
        self.fitted_on.append(set(x_ND[:, 0].tolist()))
        return self

    def scores(self, x_ND):
        told = np.abs(x_ND[:, 1]) if self.width == 2 else np.zeros(len(x_ND))
        scores_NK = np.full((len(x_ND), self.num_classes), 1e-3)
        scores_NK[np.arange(len(x_ND)), told.astype(int) % self.num_classes] = 1
        return scores_NK / scores_NK.sum(1, keepdims=True)


@pytest.fixture
def spy(monkeypatch):
    monkeypatch.setattr(Spy, "fitted_on", [])
    real = step.learner_of
    monkeypatch.setattr(step, "learner_of", lambda *given, **named: replace(real(*given, **named), probe=Spy))
    return Spy


def _layered(given, y_N):
    """Embeddings (N, 2, 2): the row's number, and what tells the class, on layer 1 only."""
    number_N = np.arange(len(given.clips), dtype=float)
    return np.stack([np.stack([number_N, 0 * number_N], 1), np.stack([number_N, y_N], 1)], axis=1)


def test_every_test_clip_is_scored_once_with_its_truth_and_file(tmp_path: Path):
    given, x_NLD = mood_task()
    path = probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    table = pq.read_table(path).to_pydict()
    assert table["id"] == [f"{row:032x}" for row in range(240)]
    assert table["file"][7] == "clips/00007.wav" and table["speaker"][7] == "s007"
    assert table["truth"] == [clip.labels["mood"] for clip in given.clips]
    assert set(table["split"]) == {"test"} and set(table["fold"]) == set(range(5))
    scores_NK = np.stack([table[f"score_{name}"] for name in CLASSES], axis=1)
    assert table["predicted"] == [CLASSES[k] for k in scores_NK.argmax(1)]
    assert np.mean(np.array(table["predicted"]) == np.array(table["truth"])) > 0.9


def test_clips_without_signal_are_predicted_at_chance(tmp_path: Path):
    """Leakage of any kind would show here: with pure noise nothing can be learned."""
    given, x_NLD = mood_task(num=600)
    noise_NLD = np.random.default_rng(1).standard_normal(x_NLD.shape)
    table = pq.read_table(probe_task(given, embedded(given, noise_NLD), model=model(), out=tmp_path)).to_pydict()
    assert abs(np.mean(np.array(table["predicted"]) == np.array(table["truth"])) - 1 / 3) < 0.08


def test_no_speaker_is_fitted_on_and_tested(tmp_path: Path, spy):
    given, _ = mood_task(num=120)
    y_N = np.array([CLASSES.index(clip.labels["mood"]) for clip in given.clips])
    read = read_predictions(
        probe_task(given, embedded(given, _layered(given, y_N)), model=model(layers=2), out=tmp_path)
    )
    for fold in range(5):
        tested = {row for row in range(120) if read.folds[row] == fold}
        speakers = {given.clips[row].speaker for row in tested}
        refit = [rows for rows in spy.fitted_on if len(rows) == 120 - len(tested) and not rows & tested]
        assert refit, "the fold's refit uses every training clip and no test clip"
        assert all(given.clips[int(row)].speaker not in speakers for rows in refit for row in rows)


def test_setting_and_layer_are_chosen_on_validation(tmp_path: Path, spy):
    given, _ = mood_task(num=120)
    y_N = np.array([CLASSES.index(clip.labels["mood"]) for clip in given.clips])
    facts = read_facts(probe_task(given, embedded(given, _layered(given, y_N)), model=model(layers=2), out=tmp_path))
    assert facts["probe_options"] == [{"width": 2, "layer": 1}] * 5
    assert facts["num_train"] == 96


def test_rows_that_several_folds_fit_on_are_fitted_once(tmp_path: Path, spy):
    """With five published folds, the folds inside a training set are the other four: ten pairs and not twenty."""
    given, _ = mood_task(num=120)
    given.clips[:] = [replace(clip, fold=row % 5) for row, clip in enumerate(given.clips)]
    y_N = np.array([CLASSES.index(clip.labels["mood"]) for clip in given.clips])
    probe_task(given, embedded(given, _layered(given, y_N)), model=model(layers=2), out=tmp_path)
    selections = 10 * 2 * len(Spy.SETTINGS)
    assert len(spy.fitted_on) == selections + 5 + 5, "each fold's refit, and the layer it did not choose for the curve"


def test_ties_go_to_the_simplest_setting_and_the_lowest_layer():
    given, _ = mood_task(num=60)
    y_N = np.array([CLASSES.index(clip.labels["mood"]) for clip in given.clips])
    learner = replace(step.learner_of(given, "logistic", seed=0), probe=Spy)
    pairs = [(np.arange(40), np.arange(40, 60))]
    choice = choose(learner, np.zeros((60, 3, 2), dtype=np.float32), y_N, pairs)
    assert choice == Choice(setting={"width": 1}, layer=0)


def test_a_published_split_is_kept_and_dev_chooses(tmp_path: Path, spy):
    splits = ["train"] * 60 + ["dev"] * 30 + ["test"] * 30
    speakers = {"train": 0, "dev": 1, "test": 2}
    labels = [CLASSES[row % 3] for row in range(120)]
    made = [
        replace(clip, speaker=f"{split}{row % 4}", split=split)
        for row, (clip, split) in enumerate(zip(clips(labels), splits, strict=True))
    ]
    assert len(speakers) == 3
    given = task(made)
    y_N = np.arange(120) % 3
    path = probe_task(given, embedded(given, _layered(given, y_N)), model=model(layers=2), out=tmp_path)
    read = read_predictions(path)
    assert read.ids == [f"{row:032x}" for row in range(90, 120)] and set(read.folds) == {None}
    assert all(rows <= set(range(60)) for rows in spy.fitted_on)
    assert "published split" in read.facts["splits"] and "dev" in read.facts["splits"]


def test_other_sessions_of_unknown_speakers_are_another_result(tmp_path: Path):
    labels, generator = [CLASSES[row % 3] for row in range(60)], np.random.default_rng(0)
    x_NLD = generator.standard_normal((60, 1, 8)).astype(np.float32)
    for num_speakers, differs in ((None, True), (10, False)):
        keys = []
        for width in (4, 5):
            given = task(clips(labels, num_speakers=num_speakers, session=[f"r{row // width}" for row in range(60)]))
            out = tmp_path / f"{num_speakers}-{width}"
            keys.append(read_facts(probe_task(given, embedded(given, x_NLD), model=model(), out=out))["signature"])
        assert (keys[0] != keys[1]) == differs


def test_nothing_is_done_where_the_same_signature_stands(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    first = embedded(given, x_NLD)
    path = probe_task(given, first, model=model(), out=tmp_path)
    written = path.stat().st_mtime_ns
    again = embedded(given, x_NLD)
    assert probe_task(given, again, model=model(), out=tmp_path) == path
    assert path.stat().st_mtime_ns == written and again.store.num_lookups == 0


@pytest.mark.parametrize("change", ["model", "seed", "label", "speaker", "probe", "failure"])
def test_whatever_changes_the_result_makes_it_anew(tmp_path: Path, change: str):
    given, x_NLD = mood_task(num=60)
    key = read_facts(probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path))["signature"]
    other = {"model": model(revision="r2")}.get(change, model())
    first = given.clips[0]
    if change == "label":
        given.clips[0] = replace(first, labels={"mood": "sad" if first.labels["mood"] != "sad" else "calm"})
    if change == "speaker":
        given.clips[0] = replace(first, speaker="s009")
    path = probe_task(
        given, embedded(given, x_NLD, failed=(3,) if change == "failure" else ()), model=other, out=tmp_path,
        probe="lda" if change == "probe" else None, seed=1 if change == "seed" else 0,
    )  # fmt: skip
    assert read_facts(path)["signature"] != key


def test_a_broken_predictions_file_is_made_anew(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    path = probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="holds no predictions"):
        read_facts(path)
    probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    assert len(read_predictions(path).ids) == 60


def test_failed_clips_are_left_out_and_counted(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    read = read_predictions(probe_task(given, embedded(given, x_NLD, failed=(0, 5)), model=model(), out=tmp_path))
    assert len(read.ids) == 58 and f"{5:032x}" not in read.ids
    assert read.facts["num_failed"] == 2
    assert any("2 of 60 clips" in line for line in read.facts["warnings"])


def test_a_task_without_a_readable_clip_says_why(tmp_path: Path):
    given, x_NLD = mood_task(num=6)
    with pytest.raises(DataError, match=r"no clip of made/mood could be read \(/data/clips/00000.wav: it is empty\)"):
        probe_task(given, embedded(given, x_NLD, failed=tuple(range(6))), model=model(), out=tmp_path)


def test_a_task_whose_readable_clips_have_one_class_is_refused(tmp_path: Path):
    given, x_NLD = mood_task(num=6)
    lost = tuple(row for row, clip in enumerate(given.clips) if clip.labels["mood"] != "sad")
    with pytest.raises(DataError, match="'sad': a task needs two classes"):
        probe_task(given, embedded(given, x_NLD, failed=lost), model=model(), out=tmp_path)


def test_a_class_unseen_in_train_scores_lowest_and_is_said(tmp_path: Path):
    labels = ["calm", "happy"] * 30 + ["sad", "calm", "happy"] * 10
    splits = ["train"] * 60 + ["test"] * 30
    made = [replace(clip, speaker=f"{clip.split}{row % 6}") for row, clip in enumerate(clips(labels, split=splits))]
    given = task(made)
    x_NLD = np.random.default_rng(0).standard_normal((90, 1, 8))
    read = read_predictions(probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path))
    assert (read.scores_NK[:, 2] == 0).all() and not (read.scores_NK.argmax(1) == 2).any()
    assert any("sad" in line for line in read.facts["warnings"])


def test_a_class_with_one_clip_is_scored_all_the_same(tmp_path: Path):
    given, x_NLD = mood_task(num=60, noise=0.2)
    odd = task(
        [replace(given.clips[0], labels={"mood": "only once"}), *given.clips[1:]], classes=(*CLASSES, "only once")
    )
    read = read_predictions(probe_task(odd, embedded(odd, x_NLD), model=model(), out=tmp_path))
    assert len(read.ids) == 60 and read.classes == (*CLASSES, "only once")


def test_numbers_are_fitted_by_ridge(tmp_path: Path):
    generator = np.random.default_rng(0)
    x_NLD = generator.standard_normal((200, 1, 8))
    given = task(clips((2 * x_NLD[:, 0, 0] + 1).tolist()), classes=None, metric="ccc")
    path = probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    read = read_predictions(path)
    assert read.classes is None and read.facts["probe"] == "ridge"
    np.testing.assert_allclose(read.scores_NK[:, 0], read.true_N, atol=0.2)
    assert pq.read_table(path)["predicted"].to_pylist() == read.scores_NK[:, 0].tolist()


def test_a_label_that_is_not_finite_is_refused(tmp_path: Path):
    given = task(clips([0.5, float("nan"), 1.0, 2.0] * 5), classes=None, metric="ccc")
    with pytest.raises(DataError, match="not a finite number"):
        probe_task(given, embedded(given, np.ones((20, 1, 8))), model=model(), out=tmp_path)


def test_a_probe_of_the_wrong_kind_is_refused_and_the_right_ones_named(tmp_path: Path):
    given, x_NLD = mood_task(num=30)
    with pytest.raises(ProbeError, match=r"made/mood has classes and probe ridge predicts numbers: use .*logistic"):
        probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path, probe="ridge")
    numbers = task(clips([float(row) for row in range(30)]), classes=None, metric="ccc")
    with pytest.raises(ProbeError, match="use ridge"):
        probe_task(numbers, embedded(numbers, x_NLD), model=model(), out=tmp_path, probe="logistic")


def test_an_unknown_probe_is_met_with_a_hint(tmp_path: Path):
    given, x_NLD = mood_task(num=30)
    with pytest.raises(UnknownPartError, match="did you mean logistic"):
        probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path, probe="logisitc")


def test_a_probe_without_probabilities_is_refused_where_the_metric_needs_them(tmp_path: Path):
    given, x_NLD = mood_task(num=30, metric="log_loss")
    with pytest.raises(ProbeError, match="svm gives none"):
        probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path, probe="svm")


def test_the_same_seed_gives_the_same_predictions(tmp_path: Path):
    given, x_NLD = mood_task(num=90)
    paths = [probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path / name) for name in "ab"]
    a, b = map(read_predictions, paths)
    assert (a.scores_NK == b.scores_NK).all() and a.folds == b.folds


def test_labels_that_look_like_markup_or_formulas_come_back_as_they_are(tmp_path: Path):
    odd = ("<b>x</b>", '=HYPERLINK("x")', "naïve, ü\n")
    given = task(clips([odd[row % 3] for row in range(60)]), classes=odd)
    x_NLD = np.eye(3, 8)[np.arange(60) % 3][:, None]
    read = read_predictions(probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path))
    assert read.classes == odd and (read.scores_NK.argmax(1) == read.true_N).all()


def test_scores_of_a_fitted_probe_stand_in_the_tasks_class_order():
    given, x_NLD = mood_task(num=60, noise=0.1)
    learner = step.learner_of(given, "logistic", seed=0)
    y_N = np.array([CLASSES.index(clip.labels["mood"]) for clip in given.clips])
    rows = np.flatnonzero(y_N != 1)
    fitted = fit_rows(learner, x_NLD.astype(np.float32), y_N, rows, choice=Choice(setting={"c": 1.0}, layer=0))
    scores_NK = fitted.scores(x_NLD.astype(np.float32))
    assert scores_NK.shape == (60, 3) and (scores_NK[:, 1] == 0).all()
    assert (scores_NK[rows].argmax(1) == y_N[rows]).all()


def test_one_class_cannot_be_fitted():
    given, x_NLD = mood_task(num=30)
    learner = step.learner_of(given, "logistic", seed=0)
    with pytest.raises(ProbeError, match="one class only"):
        fit_rows(learner, x_NLD, np.zeros(30, dtype=int), np.arange(30), choice=Choice(setting={}, layer=0))


def test_a_validation_that_tells_nothing_takes_the_middle_setting_and_says_so():
    given, x_NLD = mood_task(num=30)
    learner = Learner(probe=Spy, metric=step.learner_of(given, "logistic", seed=0).metric, num_classes=3)
    choice = choose(learner, x_NLD.astype(np.float32), np.arange(30) % 3, [])
    assert choice == Choice(setting={"width": 2}, layer=0, chosen=False)


def test_predictions_of_two_models_are_paired_by_clip(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    a = read_predictions(probe_task(given, embedded(given, x_NLD, failed=(2,)), model=model("a"), out=tmp_path))
    b = read_predictions(probe_task(given, embedded(given, x_NLD, failed=(7,)), model=model("b"), out=tmp_path))
    rows_N, other_N = shared_rows(a, b)
    assert len(rows_N) == 58
    assert [a.ids[row] for row in rows_N] == [b.ids[row] for row in other_N]


def test_the_folds_do_not_depend_on_which_clips_failed(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    whole = folds(given, seed=0)
    read = read_predictions(probe_task(given, embedded(given, x_NLD, failed=(2,)), model=model(), out=tmp_path))
    expected = {int(row): place for place, fold in enumerate(whole.folds) for row in fold.test_N}
    assert all(read.folds[place] == expected[int(name, 16)] for place, name in enumerate(read.ids))
