"""The results store: its files keep the schema, the schema is the record's, and what breaks a rule is told in a line."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from noss import cli
from noss.errors import DataError
from noss.pipeline._results import check_results, read_result, read_results, result_path, score_schema
from noss.pipeline.publish import publish
from noss.pipeline.score import write_scores
from noss.reports import Score

RESULTS = Path(__file__).parent.parent / "results"
FILES = sorted(path for path in RESULTS.glob("*/*.jsonl"))
Row = dict[str, Any]


@pytest.fixture
def row() -> Row:
    """A record as it stands in a file."""
    score = Score(
        model="mine", model_revision="0" * 32, dataset="ravdess", dataset_revision="1" * 32, target="emotion",
        protocol="clean", splits="published folds", probe="logistic", probe_options=[{"c": 1.0}], metric="uar", main=True,
        higher_is_better=True, value=0.5, low=0.4, high=0.6, interval="95 % BCa bootstrap over 24 speakers, 2000 draws",
        num_train=1152, num_test=1440, num_failed=0, num_speakers=24, speakers="disjoint", num_classes=8, chance=0.125,
        ranked=True, seed=0, signature="2" * 32, noss_version="0.1.0", date="2026-01-02T03:04:05Z", embed_s=1.0, audio_s=2.0,
        device="x86_64, 2 cores", size_mb=None, num_parameters=None, dim=4, predictions="predictions/mine.parquet",
    )  # fmt: skip
    return asdict(score)


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows to a suite's file and gives the results folder."""

    def write(*rows: Row | str, name: str = "mine.jsonl") -> Path:
        folder = tmp_path / "results" / "suite"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path / "results"

    return write


def schemas() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("make_schemas", RESULTS / "make_schemas.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[str, str] = module.schemas()
    return made


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    return int(stop.value.code or 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_results_file_keeps_the_rules(path: Path) -> None:
    validator = Draft202012Validator(json.loads((RESULTS / "schema.json").read_text(encoding="utf-8")))
    for line in path.read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))
    assert read_result(path)


def test_every_suite_of_results_is_a_recipe() -> None:
    recipes = {path.stem for path in (RESULTS.parent / "recipes").glob("*.py")}
    assert {path.parent.name for path in FILES} <= recipes
    assert FILES


def test_nothing_stands_in_the_results_folder_that_no_reader_finds() -> None:
    assert [path.name for path in RESULTS.glob("*.jsonl")] == []


def test_the_schemas_are_those_of_the_records() -> None:
    there = {name: (RESULTS / name).read_text(encoding="utf-8") for name in schemas()}
    assert there == schemas(), "run `python results/make_schemas.py`"


def test_the_schema_is_a_schema_and_names_every_field() -> None:
    Draft202012Validator.check_schema(score_schema())
    assert list(score_schema()["properties"]) == [field.name for field in fields(Score)]


def test_what_is_written_is_read_back(row: Row, store: Callable[..., Path]) -> None:
    assert read_results(store(row)) == {"suite": [Score(**row)]}


def test_the_folder_of_one_suite_may_be_given(row: Row, store: Callable[..., Path]) -> None:
    assert list(read_results(store(row) / "suite")) == ["suite"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "line 1 has the unknown field 'colour'.*noss 0.1.0"),
        ({"low": None}, "null as 'low', and needs a number"),
        ({"value": "0.5"}, "\"0.5\" as 'value', and needs a number"),
        ({"value": True}, "true as 'value', and needs a number"),
        ({"num_test": 1.5}, "1.5 as 'num_test', and needs a whole number"),
        ({"speakers": "some"}, "\"some\" as 'speakers', and needs one of disjoint, shared, unknown"),
        ({"warnings": [1]}, "1 as 'warnings/0', and needs text"),
        ({"value": 0.7}, r"value 0.7 outside its interval \[0.4, 0.6\]"),
        ({"metric": "uarr"}, "metric 'uarr', which is not on the shelf: did you mean uar"),
        ({"dataset": "csv/./mine.csv"}, "path of one machine: run it under a name, as --tasks NAME=csv/./mine.csv/emotion"),
        ({"dataset": "csv//home/me/mine.csv"}, "path of one machine"),
        ({"model": "./mine.py"}, "path of one machine: add its file to the shelf"),
        ({"model": "onnx/~/mine.onnx"}, "path of one machine"),
        ({"model": "yours"}, "is of yours: it belongs in yours.jsonl"),
    ],
)  # fmt: skip
def test_a_record_that_breaks_a_rule_is_told_in_a_line(
    change: Row, said: str, row: Row, store: Callable[..., Path]
) -> None:
    folder = store({**row, **change})
    with pytest.raises(DataError, match=said) as error:
        read_results(folder)
    assert str(folder / "suite" / "mine.jsonl") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["low", "high", "interval", "noss_version"])
def test_a_missing_field_is_named(name: str, row: Row, store: Callable[..., Path]) -> None:
    del row[name]
    with pytest.raises(DataError, match=f"lacks the field '{name}'"):
        read_results(store(row))


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(word: str, row: Row, store: Callable[..., Path]) -> None:
    line = json.dumps({**row, "high": "?"}).replace('"?"', word)
    with pytest.raises(DataError, match=f"line 1 holds {word}, which is no number"):
        read_results(store(line))


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"model": "a", "model": "b"}', "\x00"])
def test_a_line_that_is_no_record_is_refused(line: str, store: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="line 1"):
        read_results(store(line))


def test_bytes_that_are_no_text_are_refused(row: Row, store: Callable[..., Path]) -> None:
    folder = store(row)
    (folder / "suite" / "mine.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="cannot be read"):
        read_results(folder)


def test_a_second_row_for_a_model_task_and_protocol_is_refused(row: Row, store: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"line 2 is a second row for mine on ravdess/emotion .*line 1 has the first"):
        read_results(store(row, {**row, "value": 0.45}))


def test_two_main_metrics_of_one_task_are_refused(row: Row, store: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="second row"):
        read_results(store(row, {**row, "metric": "accuracy"}))


@pytest.mark.parametrize(
    "change",
    [{"protocol": "paper"}, {"variant": "best-on-test"}, {"probe": "lda"}, {"metric": "accuracy", "main": False}],
)
def test_rows_of_another_protocol_variant_probe_or_metric_stand_beside(
    change: Row, row: Row, store: Callable[..., Path]
) -> None:
    assert len(read_results(store(row, {**row, **change}))["suite"]) == 2


def test_records_of_another_version_are_read_and_remarked_on(row: Row, store: Callable[..., Path]) -> None:
    folder = store({**row, "noss_version": "0.0.9"})
    assert read_results(folder)["suite"][0].noss_version == "0.0.9"
    remarks = [verdict.detail for verdict in check_results(folder) if verdict.ok is None]
    assert len(remarks) == 1
    assert "1 records were made with noss 0.0.9" in remarks[0]


def test_models_scored_on_other_clips_are_remarked_on(row: Row, store: Callable[..., Path]) -> None:
    store(row)
    folder = store({**row, "model": "yours", "dataset_revision": "9" * 32}, name="yours.jsonl")
    assert [verdict.detail for verdict in check_results(folder) if verdict.ok is None] == [
        "ravdess/emotion: mine scored on other clips, or by another metric"
    ]


def test_a_record_beside_the_suites_is_refused(row: Row, store: Callable[..., Path]) -> None:
    folder = store(row)
    (folder / "stray.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(DataError, match="move it into the folder of its suite"):
        read_results(folder)


def test_a_folder_without_results_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no results in"):
        read_results(tmp_path)
    with pytest.raises(DataError, match="there is no folder"):
        read_results(tmp_path / "none")


def test_check_lists_every_broken_file_and_ends_with_3(
    row: Row, store: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    store({**row, "colour": "red"})
    store({**row, "model": "other"}, name="other.jsonl")
    folder = store({**row, "model": "third", "value": 2.0}, name="third.jsonl")
    assert call("check", "results", str(folder)) == 3
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines] == ["FAIL", "ok  ", "FAIL"]


def test_check_tries_published_figures_too(row: Row, store: Callable[..., Path]) -> None:
    folder = store(row)
    (folder / "published").mkdir()
    (folder / "published" / "theirs.json").write_text('{"title": "Theirs", "paper": ""}', encoding="utf-8")
    assert [verdict.detail for verdict in check_results(folder) if verdict.ok is False] == [
        f"{folder}/published/theirs.json lacks the field 'tables': see results/README.md for what a file of published "
        "figures holds"
    ]


def test_every_file_of_the_project_passes() -> None:
    assert [verdict for verdict in check_results(RESULTS) if verdict.ok is False] == []


class TestPublish:
    @pytest.fixture
    def run(self, row: Row, tmp_path: Path) -> Path:
        """A run of two models on one task, with two metrics."""
        rows = [
            {**row, **change, "model": model}
            for model in ("mine", "hub/yours")
            for change in ({}, {"metric": "accuracy", "main": False})
        ]
        write_scores(tmp_path / "run" / "scores.jsonl", [Score(**one) for one in rows])
        return tmp_path / "run"

    def test_a_run_becomes_a_file_a_model(self, run: Path, tmp_path: Path) -> None:
        made = publish(run, tmp_path / "results" / "suite")
        assert made.num_written == 2
        assert [path.name for path in made.paths] == ["mine.jsonl", result_path(Path(), "hub/yours").name]
        assert len(read_results(tmp_path / "results")["suite"]) == 4

    def test_the_same_run_again_writes_nothing(self, run: Path, tmp_path: Path) -> None:
        first = publish(run, tmp_path / "suite")
        before = [path.stat().st_mtime_ns for path in first.paths]
        assert publish(run, tmp_path / "suite").num_written == 0
        assert [path.stat().st_mtime_ns for path in first.paths] == before

    def test_rows_of_the_same_task_are_replaced_and_others_stay(self, run: Path, row: Row, tmp_path: Path) -> None:
        publish(run, tmp_path / "suite")
        rows = [{**row, "value": 0.55}, {**row, "dataset": "fsdd", "target": "digit"}]
        write_scores(tmp_path / "again" / "scores.jsonl", [Score(**one) for one in rows])
        publish(tmp_path / "again", tmp_path / "suite")
        found = {(one.task, one.metric): one.value for one in read_result(tmp_path / "suite" / "mine.jsonl")}
        assert found == {("fsdd/digit", "uar"): 0.5, ("ravdess/emotion", "uar"): 0.55}

    def test_a_broken_file_is_left_as_it_is(
        self, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        suite = tmp_path / "suite"
        suite.mkdir()
        (suite / "mine.jsonl").write_text("{}\n", encoding="utf-8")
        assert call("publish", str(run), str(suite)) == 2
        assert [path.name for path in suite.iterdir()] == ["mine.jsonl"]
        assert (suite / "mine.jsonl").read_text(encoding="utf-8") == "{}\n"
        assert len(capsys.readouterr().err.splitlines()) == 1

    def test_a_model_that_is_a_path_is_refused_and_nothing_is_written(self, row: Row, tmp_path: Path) -> None:
        rows = [row, {**row, "model": "./mine.py"}]
        write_scores(tmp_path / "run" / "scores.jsonl", [Score(**one) for one in rows])
        with pytest.raises(DataError, match="add its file to the shelf"):
            publish(tmp_path / "run", tmp_path / "suite")
        assert not (tmp_path / "suite").exists()

    def test_the_folder_of_published_figures_takes_no_records(self, run: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="give the folder of a suite"):
            publish(run, tmp_path / "published")

    def test_a_folder_without_scores_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="cannot read the scores"):
            publish(tmp_path, tmp_path / "suite")
