"""`noss publish RUN results/training`: how a model was made, as a file for others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_run import made_run

from noss.errors import DataError, NossError
from noss.pipeline._publish_paths import first_path, shared
from noss.pipeline._results import check_results, is_store
from noss.pipeline._results_training import made_by, read_training_file, read_trainings, training_of
from noss.pipeline._train_page import read_training
from noss.pipeline.publish import Published, publish
from noss.reports._training import curves, facts
from noss.reports._training_smaller import smaller

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a finished run in `runs/a` and a student of 512 dimensions."""
    monkeypatch.chdir(tmp_path)
    made_run(tmp_path / "runs" / "a")
    return tmp_path


def one(made: Published) -> Any:
    return json.loads(made.paths[0].read_text(encoding="utf-8"))


def test_a_run_becomes_a_file_of_the_name_under_which_records_know_it(place: Path) -> None:
    made = publish("runs/a", "results/training", model=["audiontt/512"])
    found = read_trainings(place / "results")
    assert [path.stem for path in made.paths] == list(found)
    assert found[made.paths[0].stem].models == ["trained/runs/a", "audiontt/512"]
    assert publish("./runs/a/", "results/training", model=["audiontt/512"]).num_written == 0
    assert publish("runs/a", "results/training").num_written == 1


def test_the_file_shows_what_the_page_of_the_run_shows(place: Path) -> None:
    before, after = read_training(Path("runs/a")), read_training_file(publish("runs/a", "results/training").paths[0])
    told = {name: text for name, text in facts(before).items() if name not in {"Trained on", "Licences"}}
    assert {name: facts(after)[name] for name in told} == told
    assert told["Time in steps"] == "10 min 00 s" and "an estimate: 10 W a core" in told["Cost"]
    assert after.licences == {"ravdess": "CC-BY-NC-SA-4.0", "mfcc_stats": "Apache-2.0"}
    assert (after.title, after.best, after.size_mb, after.lost) == (before.title, 1200, 2.4, {"loss": 2})
    for one, other in zip(curves(before), curves(after), strict=True):
        assert [row["value"] for row in one.rows] == pytest.approx([row["value"] for row in other.rows], rel=1e-5)
    assert [len(curve.rows) for curve in curves(after)] == [400, 400]
    assert [look.model for look in after.looks] == ["logmel_stats"], "a look without a number is left out"


def test_no_path_of_this_machine_and_no_recording_is_in_it(place: Path) -> None:
    text = publish("runs/a", "results/training").paths[0].read_text(encoding="utf-8")
    assert "home" not in text and "jane" not in text and "7.wav" not in text and "Linux" not in text
    known = json.loads(text)
    assert known["recipe"]["data"] == ["ravdess", "csv/…/calls.csv"] and known["recipe"]["root"] == [
        "ravdess=…/ravdess"
    ]
    assert known["settings"]["command"][2:] == ["a.py", "--out=…/a", "--cache", "…/cache"]
    assert 'DATA = "…/calls.csv"' in known["source"] and '{"lr": 1 / 3}' in known["source"]
    assert (known["num_failed"], known["num_classes"]) == (1, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data/x", "…/x"),
        ("csv//data/my clips/a b.csv", "csv/…/a b.csv"),
        ("NAME=/data/x", "NAME=…/x"),
        ("--out=~/runs/x", "--out=…/x"),
        (r"C:\Users\jane\x.wav", "…/x.wav"),
        (r"\\server\share\x", "…/x"),
        ("file:///data/x", "…/x"),
        ("see '/my data/x', or /data/y z\n", "see '…/x', or …/y z\n"),
        ("data=['/scratch/u/r','/w/e f']", "data=['…/r','…/e f']"),
        ("data={'/a/b': 0.5, 'csv//c/d.csv': 0.5}", "data={'…/b': 0.5, 'csv/…/d.csv': 0.5}"),
        ("a=/x/y z,b=/z/w", "a=…/y z,b=…/w"),
        ("https://host/a/b", None),
        ("shards/s3://bucket/dir", None),
        ("./speech", None),
        ("runs/a", None),
        ("ravdess/emotion", None),
        ("1 / 2 and {DATA}/train", None),
        ("csv/…/a.csv", None),
    ],
)
def test_paths_lose_what_stands_before_their_last_name(text: str, expected: str | None) -> None:
    assert shared(text) == (text if expected is None else expected)
    assert (first_path(text) is None) == (expected is None)
    assert first_path({"a": [{shared(text): 1}]}) is None


def test_names_that_lose_their_difference_are_counted() -> None:
    assert shared({"csv//a/c.csv": 3.0, "csv//b/c.csv": float("nan")}) == {"csv/…/c.csv": 3.0, "csv/…/c.csv (2)": "nan"}


def test_what_compression_gained_is_published_too(place: Path) -> None:
    row = {"model": "trained/runs/a/uncompressed", "bytes": 2_400_000, "parameters": 600_192, "ms_for_1_s": 4.0}
    drift = {"cosine": 0.99, "least_cosine": 0.95, "largest_difference": 0.1, "crops": 64, "held_out": True}
    small = {
        "kind": "low_rank",
        "layers": [],
        "before": row,
        "after": {**row, "model": "trained/runs/a:best"},
        "drift": drift,
    }
    (place / "runs" / "a" / "compression.json").write_text(json.dumps(small), encoding="utf-8")
    found = smaller(read_training_file(publish("runs/a", "results/training").paths[0]))
    assert found is not None and found.kind == "thin matrices"
    assert "trained/runs/a/uncompressed,trained/runs/a:best" in found.command


def test_licences_that_no_card_states_may_be_stated(place: Path) -> None:
    known = one(publish("runs/a", "results/training", licence=["Common Voice=CC0-1.0", "a=b=MIT"]))
    assert known["licences"]["Common Voice"] == "CC0-1.0" and known["licences"]["a=b"] == "MIT"


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [
        ("{place}/runs/a", {}, "names nothing on another machine: .* or say with --model NAME"),
        ("runs/a", {"model": ["yamnett"]}, "no model named 'yamnett': did you mean yamnet"),
        ("runs/a", {"model": ["audiontt/513"]}, "no model 'audiontt/513': did you mean audiontt/512"),
        ("runs/a", {"model": ["noss/small"]}, "noss/small has 2,048 dimensions and this run's student 512"),
        ("runs/a", {"model": ["./mine.py"]}, "path of one machine: give the name that others use"),
        ("runs/a", {"model": ["trained/runs/b:last"]}, "of which the weights are 'trained/runs/b': name that"),
        ("runs/a", {"model": ["audiontt/512+max"]}, "of which the weights are 'audiontt/512': name that"),
        ("runs/a", {"licence": ["CC0"]}, "'CC0' is not NAME=LICENCE"),
        ("runs", {}, "holds no training run"),
        ("nothing", {}, "nothing holds no training run"),
    ],
)
def test_what_cannot_be_published_is_told_in_a_line(
    place: Path, run: str, options: dict[str, Any], message: str
) -> None:
    (place / "runs" / "run.json").write_text('{"recipe": "recipes/demo.py"}', encoding="utf-8")
    with pytest.raises(NossError, match=message) as error:
        publish(run.format(place=place), "results/training", **options)
    assert "\n" not in str(error.value) and not (place / "results").exists()


def test_a_run_at_an_absolute_path_is_known_by_the_name_it_ships_under(place: Path) -> None:
    known = one(publish(place / "runs" / "a", "results/training", model=["audiontt/512"]))
    assert known["models"] == ["audiontt/512"] and known["run"] == "a"


def test_a_run_that_goes_on_is_not_published(place: Path) -> None:
    made_run(place / "runs" / "b", step=600)
    with pytest.raises(DataError, match="runs/b has 600 of 1,200 steps in a checkpoint: finish the run"):
        publish("runs/b", "results/training")


def test_two_runs_cannot_have_made_one_model(place: Path) -> None:
    made_run(place / "runs" / "b")
    publish("runs/a", "results/training", model=["audiontt/512"])
    with pytest.raises(DataError, match=r"trained_runs_a-.*\.json are both of audiontt/512"):
        publish("runs/b", "results/training", model=["audiontt/512"])
    assert publish("runs/b", "results/training").num_written == 1


def test_options_of_a_training_run_are_not_for_scores(place: Path) -> None:
    with pytest.raises(DataError, match="takes scores: give results/training"):
        publish("runs/a", "results/open_here", model=["audiontt/512"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "has the unknown field 'colour': publish the run again"),
        ({"failures": []}, "has the unknown field 'failures'"),
        ({"step": "all"}, "\"all\" as 'step', and needs a whole number"),
        ({"recipe": {"student": "a"}}, "recipe: lacks the field 'objective'"),
        ({"recipe": None}, "null as 'recipe', and needs an object"),
        ({"numbers": {"loss": [[1]]}}, r"\[1\] as 'numbers/loss/0', and needs a list of 2"),
        ({"compression": {"kind": "int8"}}, "compression: lacks the field 'before'"),
        ({"settings": {"machines": "a"}}, "settings: has \"a\" as 'machines', and needs a list"),
        ({"models": []}, "names no model"),
        ({"models": ["trained//home/a"]}, "with a path of one machine"),
        ({"models": ["trained/../a"]}, "a path of one machine: give the name that others use"),
        ({"models": ["trained/runs/b"]}, r"is of trained/runs/b: it belongs in trained_runs_b-\w+\.json"),
        ({"source": "DATA = '/home/jane/x'"}, "holds \"DATA = '/home/jane/x'\", with a path of one machine"),
        ({"step": 600}, "has 600 of 1,200 steps in a checkpoint"),
    ],
)  # fmt: skip
def test_a_file_that_breaks_a_rule_is_told_in_a_line(place: Path, change: dict[str, Any], said: str) -> None:
    path = publish("runs/a", "results/training").paths[0]
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(DataError, match=said) as error:
        read_training_file(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_the_check_has_a_verdict_on_each_file_and_training_is_no_suite(
    place: Path, store: Callable[[Path], Path]
) -> None:
    made_run(place / "runs" / "b")
    results = store(place)
    for run in ("a", "b"):
        publish(f"runs/{run}", results / "training")
    first, second = sorted((results / "training").glob("*.json"))
    known = json.loads(second.read_text(encoding="utf-8"))
    second.write_text(json.dumps({**known, "models": [*known["models"], "trained/runs/a"]}), encoding="utf-8")
    (results / "training" / "schema.json").write_text("{}", encoding="utf-8")
    assert is_store(results) and not is_store(results / "training")
    verdicts = {verdict.name: verdict for verdict in check_results(results) if verdict.name.startswith("training")}
    assert verdicts[f"training/{first.name}"].detail == "1,200 steps of trained/runs/a"
    assert verdicts[f"training/{second.name}"].ok is False and len(verdicts) == 2
    assert "both of trained/runs/a, which one run made" in verdicts[f"training/{second.name}"].detail


@pytest.fixture
def store() -> Callable[[Path], Path]:
    """Makes a results folder of one suite with one model."""

    def make(folder: Path) -> Path:
        suite = folder / "results" / "open_here"
        suite.mkdir(parents=True)
        name = "trivial.jsonl"
        (suite / name).write_bytes((RESULTS / "open_here" / name).read_bytes())
        return suite.parent

    return make


def test_start_last_layers_and_poolings_are_of_the_run_whose_weights_they_are(place: Path) -> None:
    trainings = {"a": training_of(one(publish("runs/a", "results/training", model=["audiontt/512"])), where=place)}
    inside = ("trained/runs/a/uncompressed", "audiontt/512+max", "audiontt/512@0")
    for name in ("trained/runs/a", "trained/runs/a:start", "trained/runs/a:last+mean+std", *inside):
        assert made_by(name, trainings) == "a"
    for name in ("trained/runs/ab", "audiontt/2048", "trained/a", "audiontt/512/x"):
        assert made_by(name, trainings) is None
