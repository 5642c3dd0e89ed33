"""Results in MTEB's shape: MTEB loads them, and noss reads its own records back unchanged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from noss import shelf
from noss.errors import DataError
from noss.pipeline._published import figures, read_published
from noss.pipeline.convert import convert
from noss.pipeline.report import report
from noss.pipeline.score import read_scores, write_scores
from noss.reports import Score

Make = Callable[..., Score]


@pytest.fixture
def two(make_score: Make) -> list[Score]:
    """A model on two tasks, one of them by two metrics, and another model on one."""
    emotion = make_score("ravdess/emotion", "yamnet", value=0.7, low=0.65, high=0.74)
    return [
        emotion,
        replace(emotion, metric="macro_f1", main=False, value=0.68),
        make_score("csv/./calls.csv/age", "yamnet", value=5.5, low=5.0, high=6.25),
        make_score("ravdess/emotion", "transformers/facebook/wav2vec2-base@6", value=0.8, low=0.7, high=0.9),
    ]


def run_of(scores: list[Score], folder: Path) -> Path:
    write_scores(folder / "scores.jsonl", scores)
    return folder


def theirs(folder: Path, facts: dict[str, Any], *, model: str = "org__model", name: str = "CREMA_D") -> Path:
    """A file as MTEB writes it."""
    path = folder / model / "main" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"task_name": name, "mteb_version": "2.20.0", **facts}), encoding="utf-8")
    return path


def entry(**values: Any) -> dict[str, Any]:
    return {"hf_subset": "default", "languages": ["eng-Latn"], "f1": 0.3, "ap": float("nan"), **values}


def test_a_file_a_model_and_task_stands_where_mteb_looks(two: list[Score], tmp_path: Path) -> None:
    written = report(run_of(two, tmp_path / "run"), style="mteb")
    assert written == tmp_path / "run" / "report-mteb"
    revision = "0" * 32
    assert sorted(str(path.relative_to(written / "results")) for path in written.rglob("*.json")) == [
        f"noss__transformers_facebook_wav2vec2-base@6/{revision}/model_meta.json",
        f"noss__transformers_facebook_wav2vec2-base@6/{revision}/ravdess_emotion--logistic--clean.json",
        f"noss__yamnet/{revision}/csv_._calls.csv_age--ridge--clean.json",
        f"noss__yamnet/{revision}/model_meta.json",
        f"noss__yamnet/{revision}/ravdess_emotion--logistic--clean.json",
    ]


def test_names_of_mteb_stand_beside_ours_where_they_are_one(two: list[Score], tmp_path: Path) -> None:
    written = report(run_of(two, tmp_path / "run"), style="mteb")
    [path] = written.rglob("noss__yamnet/*/ravdess_emotion--logistic--clean.json")
    [scores] = json.loads(path.read_text(encoding="utf-8"))["scores"]["test"]
    assert (scores["uar"], scores["recall"], scores["f1"], scores["main_score"]) == (0.7, 0.7, 0.68, 0.7)
    assert (scores["main_metric"], scores["main_score_low"], scores["main_score_high"]) == ("uar", 0.65, 0.74)


def test_what_is_written_is_read_back_as_it_was(two: list[Score], tmp_path: Path) -> None:
    written = report(run_of(two, tmp_path / "run"), style="mteb", out=tmp_path / "cache")
    done = convert(written, out=tmp_path / "read")
    read = read_scores(tmp_path / "read" / "scores.jsonl")
    assert sorted(map(str, map(asdict, read))) == sorted(map(str, map(asdict, two)))
    assert (done.num_records, done.num_figures, done.failures) == (4, 0, [])


def test_protocols_probes_variants_and_seeds_are_tasks_of_their_own(make_score: Make, tmp_path: Path) -> None:
    one = make_score("fsdd/speaker", "yamnet", value=0.5, low=0.4, high=0.6)
    ways = [one, replace(one, probe="lda"), replace(one, protocol="paper"), replace(one, seed=3)]
    ways.append(replace(one, protocol="paper", variant="best-on-test", aside=True))
    written = report(run_of(ways, tmp_path / "run"), style="mteb")
    assert sorted(path.stem.partition("--")[2] for path in written.rglob("fsdd*.json")) == [
        "lda--clean", "logistic--clean", "logistic--clean--seed3", "logistic--paper", "logistic--paper--best-on-test",
    ]  # fmt: skip


def test_a_cache_keeps_what_others_wrote(two: list[Score], tmp_path: Path) -> None:
    other = theirs(tmp_path / "cache" / "results", {"scores": {"test": [entry(main_score=0.4)]}})
    before = other.read_bytes()
    report(run_of(two, tmp_path / "run"), style="mteb", out=tmp_path / "cache")
    assert other.read_bytes() == before
    done = convert(tmp_path / "cache", out=tmp_path / "read")
    assert (done.num_records, done.num_figures) == (4, 1)


def test_two_records_of_one_score_are_refused(two: list[Score], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two records of uar for yamnet on ravdess/emotion"):
        report(run_of([*two, two[0]], tmp_path / "run"), style="mteb")


def test_a_task_without_its_main_metric_is_refused(two: list[Score], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no record of the main metric for yamnet"):
        report(run_of(two[1:], tmp_path / "run"), style="mteb")


def test_names_that_fall_on_one_file_are_refused(two: list[Score], tmp_path: Path) -> None:
    twins = [replace(two[0], dataset="a/b"), replace(two[0], dataset="a_b")]
    with pytest.raises(DataError, match="a/b/emotion and a_b/emotion would share the file"):
        shelf.load("reports", "mteb").write(twins, tmp_path)
    models = [replace(two[0], model="a/b"), replace(two[0], model="a_b")]
    with pytest.raises(DataError, match="two models or tasks would share the file"):
        shelf.load("reports", "mteb").write(models, tmp_path)


def test_no_name_leaves_the_folder_or_outgrows_a_file_system(make_score: Make, tmp_path: Path) -> None:
    odd = make_score("ravdess/emotion", "yamnet", value=0.5, low=0.4, high=0.6)
    models = ["../../../etc/passwd", "/", "..", "a" * 400, "c:\\x|y?*", "голос"]
    scores = [replace(odd, model=name, dataset=f"../{name}") for name in models]
    written = report(run_of(scores, tmp_path / "run"), style="mteb")
    files = list(tmp_path.rglob("*--clean.json"))
    assert len(files) == len(models)
    assert all(written / "results" in path.parents and len(path.name.encode()) < 255 for path in files)


def test_scores_of_mteb_become_published_figures(tmp_path: Path) -> None:
    folds = {"train": [entry(accuracy=0.387, main_score=0.387, scores_per_experiment=[{"accuracy": 0.4}])]}
    theirs(tmp_path / "results", {"dataset_revision": "abc", "scores": folds})
    several = {"test": [entry(main_score=0.3), {**entry(main_score=0.5), "hf_subset": "deu"}]}
    theirs(tmp_path / "results", {"scores": several}, model="org__other", name="Minds14")
    done = convert(tmp_path / "results", out=tmp_path / "read")
    source = read_published(tmp_path / "read" / "mteb.json")
    found = {
        (one.model, heading)
        for table in source.tables
        for one in figures(source)
        for heading in table.values[one.model]
    }
    assert done.num_figures == 3
    assert found == {
        ("org/model", "CREMA_D, train"),
        ("org/other", "Minds14, test"),
        ("org/other", "Minds14 (deu), test"),
    }
    assert [(one.value, one.measured.metric, one.measured.split) for one in figures(source)] == [
        (0.387, "accuracy", "train"), (0.3, "macro_f1", "test"), (0.5, "main score", "test"),
    ]  # fmt: skip


def test_two_revisions_and_an_ablation_are_rows_of_their_own(tmp_path: Path) -> None:
    first = theirs(tmp_path, {"scores": {"test": [entry(main_score=0.3)]}})
    for place in ("org__model/other/CREMA_D.json", "org__model/main/experiments/half/CREMA_D.json"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_bytes(first.read_bytes())
    convert(tmp_path, out=tmp_path / "read")
    rows = read_published(tmp_path / "read" / "mteb.json").tables[0].values
    assert sorted(rows) == ["org/model (half)", "org/model at main", "org/model at other"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is no result of MTEB"),
        ('{"task_name": "A", "scores": {"test": 3}}', "needs task_name and scores|a list of objects a split"),
        ('{"mteb_dataset_name": "A", "test": {"accuracy": 0.5}}', r"is of MTEB before 1\.11"),
        ('{"task_name": "A", "scores": {"test": [{"main_score": NaN}]}}', "has nan as main score of test"),
        ('{"task_name": "A", "scores": {"test": [{"accuracy": 0.5}]}}', "has None as main score of test"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_a_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results" / "a__b" / "c" / "A.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        convert(tmp_path / "results", out=tmp_path / "read")
    theirs(tmp_path / "results", {"scores": {"test": [entry(main_score=0.4)]}})
    done = convert(tmp_path / "results", out=tmp_path / "read")
    assert done.num_figures == 1
    assert [failure.file for failure in done.failures] == [str(path)]


def test_a_record_of_another_version_is_told(two: list[Score], tmp_path: Path) -> None:
    written = report(run_of(two[:1], tmp_path / "run"), style="mteb")
    [path] = written.rglob("ravdess*.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"aside"', '"apart"'), encoding="utf-8")
    with pytest.raises(DataError, match="that has the unknown field 'apart': it was made by another version"):
        convert(written, out=tmp_path / "read")


def test_fields_of_a_newer_mteb_are_left_aside_and_said(tmp_path: Path) -> None:
    theirs(tmp_path / "results", {"scores": {"test": [entry(main_score=0.4)]}, "joules": 3})
    assert "left aside: joules" in str(convert(tmp_path / "results", out=tmp_path / "read"))


def test_a_folder_without_results_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no results of MTEB in"):
        convert(tmp_path, out=tmp_path / "read")


@pytest.mark.slow
def test_mteb_loads_what_is_written(two: list[Score], tmp_path: Path) -> None:
    import mteb
    from mteb.models import ModelMeta
    from mteb.results import TaskResult

    written = report(run_of(two, tmp_path / "run"), style="mteb")
    [path] = written.rglob("noss__yamnet/*/ravdess_emotion--logistic--clean.json")
    result = TaskResult.from_disk(path, load_historic_data=False)
    assert (result.task_name, result.get_score()) == ("ravdess_emotion--logistic--clean", 0.7)
    meta = ModelMeta.model_validate_json_resolved((path.parent / "model_meta.json").read_text(encoding="utf-8"))
    assert (meta.name, meta.revision, meta.embed_dim, meta.n_parameters) == ("noss/yamnet", "0" * 32, 1024, 3_751_369)
    table = mteb.ResultCache(written).load_results().to_dataframe()
    assert sorted(table["task_name"]) == ["csv_._calls.csv_age--ridge--clean", "ravdess_emotion--logistic--clean"]
