"""Training in several processes: what is spread over them is kept whole, and one of them speaks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from spread_run import no_page

import noss
from noss.pipeline import _train_checkpoint
from noss.pipeline._train_checkpoint import State
from noss.pipeline._train_log import read_log
from noss.pipeline.train import train

OWN_TO_A_PROCESS = ("running_mean", "running_var", "num_batches_tracked")
RECIPE: dict[str, Any] = {
    "student": "audiontt/512",
    "objective": "triplet",
    "steps": 3,
    "crop_s": 0.3,
    "batch_size": 8,
    "validate_every": 1,
    "validation": 0.3,
    "validation_batches": 1,
    "warmup": 1,
    "ema": 0.9,
    "eps": 1e-3,  # by AdamW's own, a gradient's last digit moves weights by a share of the learning rate where gradients are small
}


def last(run: Path) -> State:
    return _train_checkpoint.load(_train_checkpoint.checkpoints(run / "checkpoints")[-1])


def losses(run: Path) -> list[float]:
    return [value for _, name, value in read_log(run) if name == "loss"]


def assert_near(one: Any, other: Any, *, within: float) -> None:
    assert one.keys() == other.keys()
    for name in one:
        if not name.endswith(OWN_TO_A_PROCESS):
            assert torch.allclose(one[name], other[name], atol=within, rtol=0.0), name


@pytest.mark.slow
def test_weights_that_are_spread_over_processes_are_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noss.pipeline._train_page.show", no_page)
    speech, recipe = tmp_path / "speech", tmp_path / "recipe.py"
    speech.mkdir()
    for number in range(20):
        noise = np.random.default_rng(number).standard_normal(1600 * (number + 1))
        soundfile.write(speech / f"{number:02d}.wav", 0.1 * noise, 16_000)
    recipe.write_text(f"RECIPE = {RECIPE | {'data': [str(speech)]}!r}\n", encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv-backend", "c10d"]
    command = [*launch, "--rdzv-endpoint", "127.0.0.1:0", str(Path(__file__).with_name("spread_run.py"))]
    done = subprocess.run([*command, str(recipe), str(tmp_path)], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("3 steps; on held-out speech loss ") == 1, "one process speaks"

    monkeypatch.setattr(
        torch, "channels_last", torch.contiguous_format
    )  # the layout that FSDP takes, to the last digits
    train(recipe, out=tmp_path / "one", set=["accumulate=2"], device="cpu", workers=0)
    one, spread, stopped = (last(tmp_path / name) for name in ("one", "whole", "stopped"))
    assert losses(tmp_path / "whole") == pytest.approx(losses(tmp_path / "one"), abs=1e-5)
    assert losses(tmp_path / "stopped") == pytest.approx(losses(tmp_path / "whole"), abs=1e-6)
    for part in ("objective", "average", "optimizer", "student"):
        assert_near(getattr(spread, part), getattr(one, part), within=1e-5)
        assert_near(getattr(stopped, part), getattr(spread, part), within=1e-6)
    assert_near(spread.student, spread.average, within=0.0)
    own = {name.removeprefix("student."): value for name, value in spread.objective.items()}
    assert any(not torch.equal(value, own[name]) for name, value in spread.average.items()), "an average lags behind"
    vector = noss.load_model(f"trained/{tmp_path}/whole:last").embed([speech / "19.wav"])
    assert vector.shape == (1, 512) and np.isfinite(vector).all()
