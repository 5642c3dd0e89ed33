"""A score says everything about how it came about, is made once, and reads back as it was written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_task import clips, embedded, model, mood_task, task

from noss.errors import DataError, UnknownPartError
from noss.pipeline import score as step
from noss.pipeline._predictions import read_predictions
from noss.pipeline.probe import probe_task
from noss.pipeline.score import read_scores, score, score_predictions, write_scores


@pytest.fixture
def run(tmp_path: Path) -> Path:
    given, x_NLD = mood_task(num=240, noise=1.5)
    probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    return tmp_path


def _predictions(run: Path) -> Path:
    return next((run / "predictions").glob("*.parquet"))


def _binary(tmp_path: Path, **options) -> Path:
    generator = np.random.default_rng(0)
    y_N = generator.integers(2, size=200)
    x_NLD = (y_N[:, None] + generator.standard_normal((200, 4)))[:, None]
    given = task(clips([("no", "yes")[y] for y in y_N], num_speakers=20), classes=("no", "yes"))
    return probe_task(given, embedded(given, x_NLD), model=model(dim=4), out=tmp_path, **options)


def test_the_main_metric_comes_first_and_is_worked_out_right(run: Path):
    scores = score_predictions(_predictions(run), draws=200)
    read = read_predictions(_predictions(run))
    right_N = read.scores_NK.argmax(1) == read.true_N
    assert scores[0].metric == "uar" and scores[0].main and not any(one.main for one in scores[1:])
    assert scores[0].value == pytest.approx(np.mean([right_N[read.true_N == k].mean() for k in range(3)]))
    by_name = {one.metric: one for one in scores}
    assert by_name["accuracy"].value == pytest.approx(right_N.mean())
    assert all(one.low <= one.value <= one.high for one in scores)


def test_a_record_says_how_the_number_came_about(run: Path):
    one = score_predictions(_predictions(run), draws=200, seed=0)[0]
    assert (one.model, one.model_revision, one.task, one.probe) == ("made", "r1", "made/mood", "logistic")
    assert one.interval == "95 % BCa bootstrap over 10 speakers, 200 draws"
    assert (one.num_train, one.num_test, one.num_failed, one.num_speakers, one.num_classes) == (192, 240, 0, 10, 3)
    assert len(one.probe_options) == 5 and "c" in one.probe_options[0]
    assert (one.embed_s, one.audio_s, one.device, one.size_mb, one.dim) == (2.0, 7200.0, "a machine", 0.1, 8)
    assert one.predictions == f"predictions/{_predictions(run).name}"
    assert one.chance == pytest.approx(1 / 3) and one.speakers == "disjoint" and one.warnings == []
    assert "folds by speaker" in one.splits


def test_metrics_that_do_not_fit_are_left_out(tmp_path: Path):
    three_given, x_NLD = mood_task(num=90)
    three = score_predictions(
        probe_task(three_given, embedded(three_given, x_NLD), model=model(), out=tmp_path), draws=50
    )
    two = score_predictions(_binary(tmp_path / "two"), draws=50)
    assert "eer" in {one.metric for one in two} and "eer" not in {one.metric for one in three}
    assert not {"ccc", "mae", "spearman"} & {one.metric for one in two + three}


def test_probabilities_are_not_measured_where_there_are_none(tmp_path: Path):
    with_them = {one.metric for one in score_predictions(_binary(tmp_path / "a"), draws=50)}
    without = {one.metric for one in score_predictions(_binary(tmp_path / "b", probe="svm"), draws=50)}
    assert "log_loss" in with_them and "log_loss" not in without


def test_numbers_have_metrics_of_their_own(tmp_path: Path):
    x_NLD = np.random.default_rng(0).standard_normal((100, 1, 8))
    given = task(clips(x_NLD[:, 0, 0].tolist()), classes=None, metric="ccc")
    scores = score_predictions(probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path), draws=100)
    assert {one.metric for one in scores} == {"ccc", "mae", "spearman"}
    assert scores[0].metric == "ccc" and scores[0].num_classes is None


def test_without_speakers_clips_are_drawn_and_it_is_said(tmp_path: Path):
    given, x_NLD = mood_task(num=90)
    nameless = task([replace(clip, speaker=None) for clip in given.clips], warnings=["no clip says who speaks"])
    one = score_predictions(probe_task(nameless, embedded(nameless, x_NLD), model=model(), out=tmp_path), draws=100)[0]
    assert "over 90 clips" in one.interval and one.num_speakers is None and one.speakers == "unknown"
    assert "no clip says who speaks" in one.warnings


def test_few_speakers_are_said(tmp_path: Path):
    given, x_NLD = mood_task(num=90)
    few = task([replace(clip, speaker=f"s{row % 4}") for row, clip in enumerate(given.clips)])
    one = score_predictions(probe_task(few, embedded(few, x_NLD), model=model(), out=tmp_path), draws=100)[0]
    assert any(line.startswith("4 speakers only") for line in one.warnings)


def test_chosen_metrics_follow_the_main_one(run: Path):
    assert [one.metric for one in score_predictions(_predictions(run), metrics=["accuracy"], draws=50)] == [
        "uar",
        "accuracy",
    ]


def test_an_unknown_metric_is_met_with_a_hint(run: Path):
    with pytest.raises(UnknownPartError, match="did you mean accuracy"):
        score_predictions(_predictions(run), metrics=["acuracy"])


def test_records_read_back_as_they_were_written(run: Path, tmp_path: Path):
    scores = score_predictions(_predictions(run), draws=50)
    odd = [replace(scores[0], model='=cmd|" /C calc"!A0\n<script>', warnings=["ü\u2028"]), *scores[1:]]
    write_scores(tmp_path / "scores.jsonl", odd)
    assert read_scores(tmp_path / "scores.jsonl") == odd


def test_a_second_run_reads_the_records_and_scores_nothing(run: Path, monkeypatch: pytest.MonkeyPatch):
    first = score(run, draws=50)
    monkeypatch.setattr(step, "intervals", lambda *_, **__: pytest.fail("scored again"))
    assert score(run, draws=50).scores == first.scores
    assert read_scores(run / "scores.jsonl") == first.scores


@pytest.mark.parametrize("change", [{"draws": 60}, {"seed": 1}, {"metrics": ["accuracy"]}])
def test_another_way_of_scoring_scores_again(run: Path, change):
    first = score(run, draws=50).scores[0]
    assert score(run, **{"draws": 50, **change}).scores[0].signature != first.signature


def test_records_of_other_predictions_are_kept(run: Path):
    given, x_NLD = mood_task(num=240, noise=1.5)
    other = probe_task(given, embedded(given, x_NLD), model=model("other"), out=run)
    both = score(run, draws=50).scores
    again = score(other, draws=60).scores
    assert {one.model for one in both} == {one.model for one in again} == {"made", "other"}
    assert len(both) == len(again)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{not json", "line 2 is not JSON"),
        ("[1, 2]", "line 2 is not a record"),
        ('{"model": "x"}', "line 2 lacks the field"),
        ("unknown", "line 2 has the unknown field 'colour'"),
    ],
)
def test_a_broken_record_is_named_by_its_line(run: Path, line: str, says: str):
    path = score(run, draws=50).path
    good = path.read_text(encoding="utf-8").splitlines()[0]
    bad = json.dumps({**json.loads(good), "colour": "red"}) if line == "unknown" else line
    path.write_text(f"{good}\n{bad}\n", encoding="utf-8")
    with pytest.raises(DataError, match=says):
        read_scores(path)


def test_a_folder_without_predictions_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no predictions in"):
        score(tmp_path)
    with pytest.raises(DataError, match="no predictions at"):
        score_predictions(tmp_path / "missing.parquet")


def test_a_main_metric_that_is_not_defined_is_an_error(tmp_path: Path):
    made = [
        replace(clip, speaker=f"{clip.split}{row % 5}")
        for row, clip in enumerate(clips(["no", "yes"] * 20 + ["no"] * 20, split=["train"] * 40 + ["test"] * 20))
    ]
    given = task(made, classes=("no", "yes"), metric="eer")
    x_NLD = np.random.default_rng(0).standard_normal((60, 1, 8))
    path = probe_task(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    with pytest.raises(DataError, match="eer is not defined"):
        score_predictions(path)
