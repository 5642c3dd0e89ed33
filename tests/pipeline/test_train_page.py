"""What `noss report` reads of a training run's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import noss
from noss.errors import DataError
from noss.pipeline import _train_cost
from noss.pipeline._train_cost import Cost, counters, in_words, joules
from noss.pipeline._train_files import note_machine
from noss.pipeline._train_log import Log
from noss.pipeline._train_page import read_training
from noss.pipeline._train_watch import is_behind
from noss.pipeline.report import report
from noss.pipeline.train import train

RECIPE: dict[str, Any] = {"student": "audiontt/512", "objective": "triplet", "data": ["."], "steps": 4, "batch_size": 8}
LOG = "step,name,value\n1,loss,0.5\n2,loss,nan\n2,held_out/loss,0.4\n2,crops_per_s,16.0\n3,lo"
WATCH = (
    "step,model,name,value,low,high\n-1,logmel_stats,demo/word uar,0.5,0.4,0.6\n2,student,demo/word uar,0.6,0.5,0.7\n"
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder as a run leaves it that was killed before its first checkpoint."""
    (tmp_path / "run.json").write_text(json.dumps({"noss_version": "0.1.0", "recipe": RECIPE}), encoding="utf-8")
    (tmp_path / "log.csv").write_text(LOG, encoding="utf-8")
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "log.csv").write_text(WATCH, encoding="utf-8")
    return tmp_path


def test_a_killed_run_is_read_as_far_as_it_went(run: Path) -> None:
    found = read_training(run)
    assert (found.step, found.best, found.size_mb, found.is_done) == (0, None, None, False)
    assert found.held_out() == [(2, 0.4)] and found.numbers["loss"] == [(1, 0.5)] and found.lost == {"loss": 1}
    assert found.units["demo/word uar"].percent and found.units["suite"].percent
    assert found.seconds == 8 / 16


def test_report_tells_a_training_run_by_its_folder(run: Path) -> None:
    path = report(run, style="markdown")
    assert path == run / "report.md"
    assert "0 of 4 steps are in a checkpoint" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"style": "csv"}, "the style csv shows scores: write --style html or markdown"),
        ({"explore": True}, "no clips to"),
    ],
)
def test_what_a_training_run_cannot_show_is_refused(run: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        report(run, **options)


def test_a_folder_of_scores_is_no_training_run(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"recipe": "recipes/demo.py"}', encoding="utf-8")
    with pytest.raises(DataError, match="no scores at"):
        report(tmp_path)
    with pytest.raises(DataError, match="no training run"):
        read_training(tmp_path)


def test_a_run_remembers_every_machine_once(run: Path) -> None:
    for processes in (1, 1, 4):
        note_machine(run, device="cpu", processes=processes)
    machines = json.loads((run / "run.json").read_text(encoding="utf-8"))["machines"]
    assert len(machines) == 2 and machines[1] == f"{machines[0]}, 4 processes"


def test_a_run_adds_up_what_its_sessions_cost(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for measured in ({}, {}, {"intel-rapl:0": (5, 1000)}):
        monkeypatch.setattr(_train_cost, "counters", lambda measured=measured: measured)
        times = iter([10.0, 46.0])
        monkeypatch.setattr(_train_cost, "core_seconds", lambda times=times: next(times))
        Cost(run, gpus=0).note()
    cost = json.loads((run / "run.json").read_text(encoding="utf-8"))["cost"]
    assert (cost["core_s"], cost["estimated_joules"], cost["measured_joules"]) == (108.0, 720.0, 0.0)
    told = read_training(run).cost
    assert "0.03 core hours" in told and "about 0.2 Wh, an estimate: 10 W a core" in told


def test_energy_is_read_from_counters_of_whole_processors_that_begin_anew(tmp_path: Path) -> None:
    def tell(zone: str, microjoules: int) -> None:
        (tmp_path / zone).mkdir(exist_ok=True)
        (tmp_path / zone / "energy_uj").write_text(f"{microjoules}\n")
        (tmp_path / zone / "max_energy_range_uj").write_text("10000000\n")

    for zone in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1"):
        tell(zone, 9_000_000)
    before = counters(tmp_path)
    tell("intel-rapl:0", 9_500_000)
    tell("intel-rapl:1", 1_000_000)
    assert list(before) == ["intel-rapl:0", "intel-rapl:1"]
    assert joules(before, counters(tmp_path)) == pytest.approx(0.5 + 2.0)
    (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert counters(tmp_path) == {} == counters(tmp_path / "nowhere")


def test_licences_of_corpora_and_teachers_are_told(run: Path) -> None:
    known = json.loads((run / "run.json").read_text(encoding="utf-8"))
    recipe = {**known["recipe"], "data": ["ravdess", "./speech"], "teacher": ["trillsson/3", "onnx/./mine.onnx"]}
    (run / "run.json").write_text(json.dumps({**known, "recipe": recipe}), encoding="utf-8")
    assert read_training(run).licences == {"ravdess": "CC-BY-NC-SA-4.0", "trillsson/3": "Apache-2.0"}


def test_a_pipe_gets_a_line_with_loss_suite_and_the_time_left(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "watch" / "log.csv").write_text(WATCH.replace("demo/word uar", "suite"), encoding="utf-8")
    monkeypatch.setattr("noss.pipeline._train_log._EVERY_S", 0.0)
    with Log(run, step=2, steps=4) as log:
        log.add(3, {"loss": 0.25, "crops_per_s": 16.0})
        log.add(3, {"loss": 0.125}, prefix="held_out/")
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("step 3 of 4: loss 0.25, held out 0.125, suite 0.600, 16 crops/s, ")
    assert line.endswith(" s left")


def test_a_watcher_is_behind_while_a_copy_waits(run: Path) -> None:
    for step, expected in ((2, False), (4, True)):  # step 2 is in the watcher's table
        place = run / "watch" / "models" / f"{step:07d}"
        place.mkdir(parents=True)
        (place / "model.json").write_text("{}", encoding="utf-8")
        assert is_behind(run) == expected


def test_a_finished_run_has_its_page(tmp_path: Path) -> None:
    folder = tmp_path / "speech"
    folder.mkdir()
    for number in range(8):
        noise = np.random.default_rng(number).standard_normal(8000)
        soundfile.write(folder / f"{number}.wav", 0.1 * noise, 16_000)
    path = tmp_path / "recipe.py"
    path.write_text(f"RECIPE = {RECIPE | {'data': [str(folder)], 'steps': 2, 'crop_s': 0.3}!r}\n", encoding="utf-8")
    done = train(path, out=tmp_path / "run", device="cpu", workers=0)
    text = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "audiontt/512, trained by triplet: 2 steps" in text and "cores" in text and " core hours; " in text
    assert f"noss embed {done.model} " in text
    assert noss.load_model(done.model).embed([folder / "0.wav"]).shape == (1, 512)


def test_energy_that_gpus_drew_is_said_to_be_missing() -> None:
    cost = {"core_s": 3600.0, "gpu_s": 7200.0, "estimated_joules": 36_000.0}
    assert (
        in_words(cost)
        == "1 core hours; 2 GPU hours; about 10 Wh, an estimate: 10 W a core; what GPUs drew is not counted"
    )
    assert "GPU" not in in_words({**cost, "gpu_s": 0.0})
