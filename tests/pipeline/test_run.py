"""The main job from the command line, on generated sounds."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

import noss
from noss import cli
from noss.errors import AudioError, DataError

RATE = 16_000


def tone(hz: float, seed: int, *, seconds: float = 0.4) -> np.ndarray:
    time_T = np.arange(int(seconds * RATE)) / RATE
    noise_T = np.random.default_rng(seed).standard_normal(len(time_T))
    return (0.2 * np.sin(2 * np.pi * hz * time_T) + 0.02 * noise_T).astype(np.float32)


def make_table(folder: Path, *, speakers: int = 6, clips: int = 4) -> Path:
    """A table of two moods that a pitch tells apart, spoken by several speakers; Windows line ends, a name in Greek."""
    rows = ["file,speaker,label,room"]
    for speaker in range(speakers):
        for clip in range(clips):
            label = ("calm", "<b>=1+1</b>")[clip % 2]
            name = f"ομιλητής {speaker} {clip}.wav"
            soundfile.write(folder / name, tone(300 + 500 * (clip % 2) + 9 * speaker, 100 * speaker + clip), RATE)
            rows.append(f"{name},s{speaker},{label},{'ab'[speaker % 2]}")
    table = folder / "table.csv"
    table.write_text("\r\n".join(rows) + "\r\n", encoding="utf-8")
    return table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return make_table(tmp_path)


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    return int(stop.value.code or 0)


def run(table: Path, out: Path, *more: str) -> int:
    task = f"csv/{table}/label"
    return call("run", "--models", "trivial,logmel_stats", "--tasks", task, "--out", str(out), "--draws", "200", *more)


def records(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "scores.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_run_writes_scores_predictions_page_failures_and_manifest(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(table, out) == 0
    main = {score["model"]: score for score in records(out) if score["main"]}
    assert main["logmel_stats"]["value"] == 1.0
    assert main["logmel_stats"]["splits"].startswith("5 folds by speaker")  # type: ignore[attr-defined]
    assert (main["trivial"]["ranked"], main["logmel_stats"]["ranked"]) == (False, True)
    predictions = pq.read_table(out / main["logmel_stats"]["predictions"])  # type: ignore[operator]
    assert predictions.num_rows == 24
    assert set(predictions["truth"].to_pylist()) == {"calm", "<b>=1+1</b>"}
    assert (out / "failures.csv").read_text() == "model,file,start_s,end_s,stage,reason\n"
    assert json.loads((out / "run.json").read_text())["models"]["logmel_stats"]["card"]["dim"] == 448
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<b>=1+1</b>" not in page
    assert "logmel_stats" in capsys.readouterr().out


def test_a_second_run_changes_no_file_but_the_manifest(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(table, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file() and path.name != "run.json"}
    assert run(table, out) == 0
    assert {path: path.read_bytes() for path in before} == before


def test_broken_clips_are_listed_and_the_rest_is_scored(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound at all")
    with table.open("a", encoding="utf-8", newline="") as file:
        file.write("bad.wav,s0,calm,a\r\ngone.wav,s1,calm,b\r\n")
    out = tmp_path / "out"
    assert run(table, out) == 3
    with (out / "failures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["model"], Path(row["file"]).name) for row in rows} == {
        (model, name) for model in ("trivial", "logmel_stats") for name in ("bad.wav", "gone.wav")
    }
    assert all(row["reason"] for row in rows)
    assert {score["num_failed"] for score in records(out)} == {2}
    assert "4 failed" in capsys.readouterr().err


def test_strict_stops_at_the_first_broken_clip(table: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound at all")
    with table.open("a", encoding="utf-8", newline="") as file:
        file.write("bad.wav,s0,calm,a\r\n")
    with pytest.raises(AudioError, match=r"bad\.wav"):
        noss.run(models=["trivial"], tasks=[f"csv/{table}/label"], out=tmp_path / "out", strict=True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--models", "logmel_stat", "--tasks", "demo/word"], "did you mean logmel_stats"),
        (["run", "--models", "trivial", "--tasks", "ravdes/emotion"], "did you mean ravdess"),
        (["run", "--models", "trivial", "--tasks", "TABLE", "--probes", "logistics"], "did you mean logistic"),
        (["run", "--models", "trivial", "--tasks", "TABLE", "--metrics", "uaar"], "did you mean uar"),
        (["run", "--models", "trivial", "--tasks", "TABLE/mood"], "mood"),
        (["run", "--models", "trivial"], "nothing to score"),
        (["run", "--models", "trivial", "--tasks", "TABLE", "--root", "ravdess"], "NAME=DIR"),
        (["run", "nowhere.py"], "no recipe"),
    ],
)
def test_a_wrong_request_is_one_line_and_status_2(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    given = [word.replace("TABLE", f"csv/{table}") for word in words]
    assert call(*given, "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_speaker_in_two_splits_is_refused(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = table.read_text(encoding="utf-8").splitlines()
    splits = ["split", *(("train", "test")[row % 2] for row in range(len(lines) - 1))]
    table.write_text("\n".join(f"{line},{split}" for line, split in zip(lines, splits, strict=True)), encoding="utf-8")
    assert run(table, tmp_path / "out") == 2
    assert "6 speakers are in two splits" in capsys.readouterr().err


def test_a_recipe_gives_what_the_command_line_does_not(table: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "suite.py"
    recipe.write_text(f"SUITE = {{'models': ['trivial', 'mfcc_stats'], 'tasks': ['moods=csv/{table}/label']}}")
    found = noss.run(recipe, models=["trivial"], out=tmp_path / "out", draws=100)
    assert {(score.model, score.task) for score in found.scores} == {("trivial", "moods/label")}


def test_a_recipe_with_an_unknown_option_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "suite.py"
    recipe.write_text("SUITE = {'model': ['trivial']}")
    with pytest.raises(DataError, match="did you mean models"):
        noss.run(recipe, out=tmp_path / "out")


@pytest.mark.parametrize("verb", sorted(cli.verbs()))
def test_every_verb_explains_its_options(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(verb, "--help") == 0
    assert f"Usage: noss {verb}" in capsys.readouterr().out


@pytest.mark.slow
def test_killed_at_any_moment_and_repeated_a_run_ends_the_same(tmp_path: Path) -> None:
    table = make_table(tmp_path, speakers=10, clips=40)
    words = ["--models", "trivial,logmel_stats", "--tasks", f"csv/{table}/label", "--draws", "200"]
    undisturbed = tmp_path / "undisturbed"
    environment = {**os.environ, "NOSS_CACHE": str(tmp_path / "cache_a")}
    command = [sys.executable, "-m", "noss", "run", *words, "--out"]
    subprocess.run([*command, str(undisturbed)], check=True, env=environment, capture_output=True)
    killed, environment = tmp_path / "killed", {**os.environ, "NOSS_CACHE": str(tmp_path / "cache_b")}
    for wait_s in (1.0, 2.0, 3.0, 4.5):
        process = subprocess.Popen([*command, str(killed)], env=environment, stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run([*command, str(killed)], check=True, env=environment, capture_output=True)
    speed = {"date", "embed_s", "audio_s"}
    first, second = (
        [{k: v for k, v in one.items() if k not in speed} for one in records(out)] for out in (undisturbed, killed)
    )
    assert first == second
