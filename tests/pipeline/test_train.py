"""Training: it goes on where it stopped, to the last bit, and says what is wrong."""

from __future__ import annotations

import csv
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import noss
from noss.audio.logmel import LogMel
from noss.errors import DataError, MissingExtraError, ModelError, NossError, StoreError
from noss.pipeline import _train_checkpoint
from noss.pipeline._train_augment import Chain, Masks
from noss.pipeline._train_corpus import Draws
from noss.pipeline._train_log import read_log
from noss.pipeline._train_recipe import read_recipe
from noss.pipeline._train_recording import Recording
from noss.pipeline._train_watch import read_watch
from noss.pipeline.train import train

RECIPE: dict[str, Any] = {
    "student": "audiontt/512",
    "objective": "triplet",
    "steps": 6,
    "crop_s": 0.3,
    "batch_size": 8,
    "validate_every": 2,
    "validation": 0.3,
    "validation_batches": 1,
    "warmup": 1,
}


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty noises that swell, each of another colour and length, from 0.1 s to 2 s."""
    folder = tmp_path_factory.mktemp("speech")
    generator = np.random.default_rng(0)
    for number in range(20):
        noise = generator.standard_normal(1600 * (number + 1))
        tone = np.sin(np.arange(len(noise)) * (0.05 + 0.01 * number))
        soundfile.write(folder / f"{number:02d}.wav", 0.1 * (tone + 0.2 * noise), 16_000)
    return folder


def recipe(folder: Path, speech: Path, **changes: Any) -> Path:
    path = folder / "recipe.py"
    path.write_text(f"RECIPE = {RECIPE | {'data': [str(speech)]} | changes!r}\n", encoding="utf-8")
    return path


def curve(folder: Path) -> list[tuple[int, str, float]]:
    return [row for row in read_log(folder) if row[1] != "crops_per_s"]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    last = _train_checkpoint.checkpoints(folder / "checkpoints")[-1]
    return _train_checkpoint.tensors(last / "objective.safetensors")


def go(path: Path, out: Path, *changes: str, workers: int = 0) -> Any:
    return train(path, out=out, set=changes, device="cpu", workers=workers)


def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recipe(tmp_path, speech, ema=0.9)
    go(path, tmp_path / "whole")
    saved, save = [], _train_checkpoint.save

    def save_and_stop(*given: Any, **options: Any) -> Path:
        saved.append(save(*given, **options))
        if len(saved) == 1:
            raise KeyboardInterrupt
        return saved[-1]

    monkeypatch.setattr(_train_checkpoint, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        go(path, tmp_path / "stopped")
    assert [found.name for found in saved] == ["step-0000002"]
    go(path, tmp_path / "stopped", workers=1)
    assert curve(tmp_path / "stopped") == curve(tmp_path / "whole")
    whole, stopped = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_curve(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech, steps=12)
    go(path, tmp_path / "whole", workers=1)
    command = [sys.executable, "-m", "noss", "train", str(path), "--out", str(tmp_path / "killed"), "--device", "cpu"]
    process = subprocess.Popen([*command, "--workers", "1"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "killed").glob("checkpoints/step-000000[2-9]")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = subprocess.run([*command, "--workers", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")


@pytest.mark.slow
def test_two_processes_have_the_loss_of_one_that_takes_two_parts(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech, steps=3, validate_every=3)
    go(path, tmp_path / "one", "accumulate=2")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv-backend", "c10d"]
    command = [*launch, "--rdzv-endpoint", "127.0.0.1:0", "-m", "noss", "train", str(path), "--device", "cpu"]
    out = ["--out", str(tmp_path / "two"), "--workers", "0"]
    done = subprocess.run([*command, *out], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    one, two = ([value for _, name, value in curve(tmp_path / folder) if name == "loss"] for folder in ("one", "two"))
    assert one == pytest.approx(two, abs=1e-5)
    alone, together = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in alone:
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):  # each process has its own
            assert torch.allclose(alone[name], together[name], atol=1e-5), name


def test_a_trained_model_embeds_like_any_other_and_a_finished_run_answers_at_once(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech)
    done = go(path, tmp_path / "run")
    assert done.steps == 6 and done.failures == [] and "loss" in done.held_out
    made = noss.load_model(done.model).embed([speech / "19.wav"])
    random = noss.load_model("audiontt/512").embed([speech / "19.wav"])
    assert made.shape == (1, 512) and not np.allclose(made, random, atol=1e-3)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "run").rglob("*") if file.is_file()}
    assert str(go(path, tmp_path / "run")) == str(done)
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_a_run_that_python_began_says_the_command_that_does_the_same(tmp_path: Path) -> None:
    source = tmp_path / "recipe.py"
    source.write_text(f"RECIPE = {RECIPE | {'data': ['speech']}!r}\n", encoding="utf-8")
    with pytest.raises(NossError):  # there is no speech, nor such a corpus
        train(source, out=tmp_path / "out", set=["steps=3", "seed=4"], root=["ravdess=DIR"], device="cpu", workers=0)
    known = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    given = [
        str(source),
        "--out",
        str(tmp_path / "out"),
        "--set",
        "steps=3",
        "--set",
        "seed=4",
        "--root",
        "ravdess=DIR",
    ]
    assert known["command"] == ["noss", "train", *given]


def test_a_changed_recipe_is_refused_and_the_difference_shown(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech, steps=2)
    go(path, tmp_path / "run")
    with pytest.raises(DataError, match=r"begun with another recipe \(lr: 0.001 -> 0.5; steps: 2 -> 4\)"):
        go(path, tmp_path / "run", "steps=4", "lr=0.5")


@pytest.mark.parametrize("package", ["accelerate", "tensorboardX"])
def test_a_missing_package_is_named_before_anything_is_written(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingExtraError, match=rf"noss train needs the package {package}.*pip install 'noss\[train\]'"
    ):
        train(recipe(tmp_path, speech), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_was_refused_at_the_start_may_be_mended(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech, steps=2)
    with pytest.raises(ModelError, match="no option 'margn'"):
        go(path, tmp_path / "run", "objective_options.margn=1")
    assert go(path, tmp_path / "run", "objective_options.margin=0.2").steps == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("stepz=3", "no setting of a recipe: did you mean steps"),
        ("steps=0", "one step at least"),
        ("steps=many", "must be int"),
        ("schedule=step", "must be 'cosine' or 'constant'"),
        ("batch_size=9", None),
        ("objective_options.margn=1", "no option 'margn': did you mean margin"),
        ("objective=triplets", "no objective named 'triplets': did you mean triplet"),
        ("student=logmel_stats", "no weights that torch can train"),
        ("teacher=byol_s", "has no use for the teacher"),
        ("steps", "is not NAME=VALUE"),
    ],
)
def test_what_a_recipe_says_wrong_is_told_in_one_line(
    tmp_path: Path, speech: Path, change: str, message: str | None
) -> None:
    path = recipe(tmp_path, speech, steps=1, accumulate=2)
    if message is None:
        message = "a multiple of accumulate"
    with pytest.raises(NossError, match=message):
        go(path, tmp_path / "run", change)


def test_broken_files_are_passed_over_counted_and_listed(tmp_path: Path, speech: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(250):
        shutil.copy(speech / f"{number % 20:02d}.wav", folder / f"{number:03d}.wav")
    (folder / "bad.wav").write_bytes(b"RIFF no audio")
    done = go(recipe(tmp_path, folder, steps=2), tmp_path / "run")
    assert [Path(failure.file).name for failure in done.failures] == ["bad.wav"]
    assert (tmp_path / "run" / "failures.csv").read_text(encoding="utf-8").count("bad.wav") >= 1


def test_more_than_one_broken_file_in_a_hundred_stops_with_advice(tmp_path: Path, speech: Path) -> None:
    folder = shutil.copytree(speech, tmp_path / "some")
    (folder / "bad.wav").write_bytes(b"RIFF no audio")
    with pytest.raises(DataError, match="1 of 21 recordings cannot be used, which is over 1 %"):
        go(recipe(tmp_path, folder), tmp_path / "run")


def test_a_loss_that_is_no_number_stops_and_names_the_batch(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech, lr=1e30, clip_norm=None, warmup=0, validate_every=1, steps=20)
    with pytest.raises(
        ModelError, match=r"is no number at step \d+, for a batch of .*\.wav.*the last checkpoint is whole"
    ):
        go(path, tmp_path / "run")
    assert _train_checkpoint.checkpoints(tmp_path / "run" / "checkpoints")


def test_a_full_disk_at_a_checkpoint_leaves_the_one_before_it(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recipe(tmp_path, speech)
    settle, times = _train_checkpoint.settle, []

    def full(folder: Path) -> None:
        times.append(folder)
        if len(times) == 2:
            raise OSError(28, os.strerror(28))
        settle(folder)

    monkeypatch.setattr(_train_checkpoint, "settle", full)
    with pytest.raises(
        StoreError, match=r"No space left on device; the checkpoint before it is whole; free some space"
    ):
        go(path, tmp_path / "run")
    folder = tmp_path / "run" / "checkpoints"
    assert [found.name for found in _train_checkpoint.checkpoints(folder)] == ["step-0000002"]
    assert not list(folder.glob(".step-*"))
    assert go(path, tmp_path / "run").steps == 6


def test_checkpoints_of_newer_versions_and_with_pickled_code_are_refused(tmp_path: Path, speech: Path) -> None:
    path = recipe(tmp_path, speech)
    go(path, tmp_path / "run", "steps=2")
    last = _train_checkpoint.checkpoints(tmp_path / "run" / "checkpoints")[-1]
    state = json.loads((last / "state.json").read_text(encoding="utf-8"))
    (last / "optimizer.pt").write_bytes(pickle.dumps(print))
    with pytest.raises(ModelError, match="may hold code"):
        _train_checkpoint.load(last)
    (last / "optimizer.pt").unlink()
    (last / "state.json").write_text(json.dumps({**state, "format": 99, "noss_version": "9.9"}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"was written by noss 9\.9"):
        _train_checkpoint.load(last)


def test_a_cut_off_line_of_the_log_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,name,value\n1,loss,0.5\n2,loss,0.4\n3,lo", encoding="utf-8")
    assert read_log(tmp_path) == [(1, "loss", 0.5), (2, "loss", 0.4)]


def test_the_log_and_tensorboard_hold_the_curves(tmp_path: Path, speech: Path) -> None:
    go(recipe(tmp_path, speech, steps=2), tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open(encoding="utf-8", newline="") as file:
        names = {row["name"] for row in csv.DictReader(file)}
    assert {"loss", "lr", "gradient_norm", "crops_per_s", "held_out/loss"} <= names
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


def test_a_student_learns_its_teacher_whatever_its_rate_and_size(tmp_path: Path, speech: Path) -> None:
    options = {"objective": "match_teacher", "teacher": "logmel_stats", "targets": "both", "steps": 8, "lr": 3e-3}
    done = go(recipe(tmp_path, speech, **options), tmp_path / "run")
    losses = [value for _, name, value in read_log(tmp_path / "run") if name == "loss"]
    assert losses[-1] < losses[0]
    assert {"mse", "l1", "cosine"} <= set(done.held_out)


AUGMENT: dict[str, Any] = {
    "gain": {"p": 1.0},
    "noise": {"p": 1.0, "low_db": 10.0},
    "room": {"p": 1.0, "high_s": 0.3},
    "speed": {"p": 1.0},
    "codec": {"p": 1.0, "names": ["mu_law"]},
    "band": {"p": 1.0},
    "loss": {"p": 1.0, "rate": 0.5},
}


@pytest.mark.parametrize("kind", AUGMENT)
def test_augmentation_changes_crops_and_is_seeded(tmp_path: Path, speech: Path, kind: str) -> None:
    asked = read_recipe(recipe(tmp_path, speech, augment={kind: AUGMENT[kind]}))
    chain = Chain(asked, sample_rate=16_000, cache=tmp_path)
    waveform_T = soundfile.read(speech / "19.wav", dtype="float32")[0][:8000]
    first, again = (chain(waveform_T, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first, again)
    assert 0 < len(first) <= len(waveform_T) and np.isfinite(first).all()
    assert not np.array_equal(first, waveform_T[: len(first)])


def test_a_run_with_augmentation_noise_from_a_folder_and_masks_trains(tmp_path: Path, speech: Path) -> None:
    changes = {"augment": AUGMENT | {"noise": {"folder": str(speech)}}, "spec_augment": {}, "steps": 2}
    assert go(recipe(tmp_path, speech, **changes), tmp_path / "run", workers=1).steps == 2


def test_masks_hide_bands_and_stretches_while_training_only(tmp_path: Path, speech: Path) -> None:
    front = LogMel()
    masks = Masks({"filling": 7.0, "most_bands": 5, "num_freq_masks": 1, "num_time_masks": 0}, front)
    waveform_BT, lengths_B = torch.randn(8, 16_000), torch.full((8,), 16_000)
    with masks.on():
        hidden_BSM = front(waveform_BT, lengths_B)[0] == 7.0
    assert not (front(waveform_BT, lengths_B)[0] == 7.0).any()
    assert hidden_BSM.any() and (hidden_BSM.all(dim=1) | ~hidden_BSM.any(dim=1)).all()
    assert int(hidden_BSM[:, 0].sum(dim=1).max()) <= 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"augment": {"noize": {}}}, "augment has no kind 'noize': did you mean noise"),
        ({"augment": {"noise": {"high": 3}}}, "augment's noise has no option 'high'"),
        ({"augment": {"gain": {"p": 2}}}, "a chance from 0 to 1 is needed"),
        ({"augment": {"noise": {"folder": "nowhere"}}}, "nowhere is no folder"),
        ({"spec_augment": {"warp": 8}}, "spec_augment has no option 'warp'"),
    ],
)
def test_augmentation_that_does_not_exist_is_refused(
    tmp_path: Path, speech: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(NossError, match=message):
        go(recipe(tmp_path, speech, **settings), tmp_path / "run")


@pytest.fixture
def task(tmp_path: Path) -> str:
    """Two kinds of tones by eight speakers, as a table."""
    generator = np.random.default_rng(1)
    lines = ["file,label,speaker"]
    for number in range(32):
        tone = np.sin(np.arange(8000) * (0.1 if number % 2 else 0.14) * generator.uniform(0.9, 1.1))
        soundfile.write(tmp_path / f"t{number}.wav", 0.1 * tone + 0.05 * generator.standard_normal(8000), 16_000)
        lines.append(f"t{number}.wav,{'low' if number % 2 else 'high'},s{number // 4}")
    (tmp_path / "task.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"csv/{tmp_path}/task.csv/label"


@pytest.mark.slow
def test_the_watcher_scores_student_baseline_and_teacher_and_keeps_the_best(
    tmp_path: Path, speech: Path, task: str
) -> None:
    changes = {
        "objective": "match_teacher",
        "teacher": "mfcc_stats",
        "validation": 0.6,
        "validate_every": 3,
        "watch": {"tasks": [task], "baseline": "logmel_stats"},
    }
    done = go(recipe(tmp_path, speech, **changes), tmp_path / "run")
    rows = read_watch(tmp_path / "run")
    means = {(row["model"], row["step"]): row["value"] for row in rows if row["name"] == "suite"}
    assert set(means) == {("logmel_stats", -1), ("mfcc_stats", -1), ("student", 3), ("student", 6)}
    assert {row["name"] for row in rows if row["step"] == 6} >= {"suite", "cka to the teacher"}
    best = json.loads((tmp_path / "run" / "watch" / "best.json").read_text(encoding="utf-8"))
    assert best["suite"] == max(value for (model, _), value in means.items() if model == "student")
    assert [path.name for path in (tmp_path / "run" / "watch" / "models").iterdir()] == [f"{best['step']:07d}"]
    assert noss.load_model(done.model).embed([speech / "19.wav"]).shape == (1, 512)


@pytest.mark.parametrize("watch", [{}, {"tasks": ["demo/word"], "every": 3}, {"task": ["demo/word"]}])
def test_a_watcher_without_sense_is_refused(tmp_path: Path, speech: Path, watch: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="watch"):
        go(recipe(tmp_path, speech, watch=watch), tmp_path / "run")


def test_every_recording_comes_once_before_any_comes_again_and_sources_have_their_shares() -> None:
    sources = [[Recording(n, Path(f"{n}"), 0.0, 1.0) for n in range(first, first + 50)] for first in (0, 50)]
    draws = Draws(sources, [0.8, 0.2], seed=0)
    found = [draws[number].number for number in range(1000)]
    assert sum(number < 50 for number in found) == 800
    first = [number for number in found if number < 50][:50]
    assert sorted(first) == list(range(50)) and first != sorted(first)
    long = [[Recording(0, Path("0"), 0.0, 9.0), Recording(1, Path("1"), 0.0, 1.0)]]
    by_second = Draws(long, [1.0], seed=0, crop_s=1.0)
    assert sum(by_second[number].number == 0 for number in range(1000)) == 900


def test_settings_are_changed_by_name_also_inside(tmp_path: Path, speech: Path) -> None:
    found = read_recipe(recipe(tmp_path, speech), ["objective_options.margin=0.2", "ema=None", "steps=7"])
    assert (found.objective_options, found.ema, found.steps) == ({"margin": 0.2}, None, 7)
