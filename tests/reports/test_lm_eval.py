"""Results in the shape of lm-evaluation-harness: the keys that its own tools read, by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from noss.errors import DataError
from noss.pipeline.report import report
from noss.pipeline.score import write_scores
from noss.reports import Score

Make = Callable[..., Score]
EMOTION, AGE = "ravdess_emotion--logistic--clean", "csv_._calls.csv_age--ridge--clean"


@pytest.fixture
def run(make_score: Make, tmp_path: Path) -> Path:
    emotion = make_score("ravdess/emotion", "yamnet", value=0.7, low=0.65, high=0.74)
    scores = [
        emotion,
        replace(emotion, metric="accuracy", main=False, value=0.71, num_failed=4),
        make_score("csv/./calls.csv/age", "yamnet", value=5.5, low=5.0, high=6.25),
        replace(emotion, model="trivial", date="2026-01-05T00:00:00+02:00"),
    ]
    write_scores(tmp_path / "run" / "scores.jsonl", scores)
    return tmp_path / "run"


def read(run: Path, model: str = "yamnet") -> dict[str, Any]:
    [path] = (report(run, style="lm_eval") / model).iterdir()
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_file_a_model_is_named_by_its_date_in_utc(run: Path) -> None:
    written = report(run, style="lm_eval")
    assert written == run / "report-lm-eval"
    assert sorted(str(path.relative_to(written)) for path in written.rglob("*.json")) == [
        "trivial/results_2026-01-04T22-00-00.000000.json",
        "yamnet/results_2026-01-02T03-04-05.000000.json",
    ]


def test_a_metric_has_its_value_and_standard_error(run: Path) -> None:
    values = read(run)["results"][EMOTION]
    assert (values["uar,none"], values["accuracy,none"]) == (0.7, 0.71)
    assert values["uar_stderr,none"] == pytest.approx((0.74 - 0.65) / 3.919928)


def test_every_table_has_every_task(run: Path) -> None:
    found = read(run)
    for name in (
        "results",
        "group_subtasks",
        "configs",
        "versions",
        "n-shot",
        "higher_is_better",
        "n-samples",
        "task_hashes",
    ):
        assert list(found[name]) == [EMOTION, AGE], name
    assert found["higher_is_better"] == {EMOTION: {"uar": True, "accuracy": True}, AGE: {"mae": False}}
    assert found["n-samples"][EMOTION] == {"original": 1440, "effective": 1440}
    assert found["config"]["model_num_parameters"] == 3_751_369


def test_whole_records_stand_beside(run: Path) -> None:
    records = [Score(**record) for record in read(run)["noss_records"]]
    assert [(one.task, one.metric, one.low) for one in records] == [
        ("ravdess/emotion", "uar", 0.65),
        ("ravdess/emotion", "accuracy", 0.65),
        ("csv/./calls.csv/age", "mae", 5.0),
    ]


def test_two_models_of_one_name_and_moment_are_refused(make_score: Make, tmp_path: Path) -> None:
    one = make_score("ravdess/emotion", "yamnet", value=0.7, low=0.65, high=0.74)
    write_scores(tmp_path / "scores.jsonl", [one, replace(one, model_revision="other")])
    with pytest.raises(DataError, match="would share the file yamnet/results_"):
        report(tmp_path, style="lm_eval")
