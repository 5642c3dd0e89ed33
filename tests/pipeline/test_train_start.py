"""What stands beside a trained model: what it was before its first step, and each of its layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from noss.errors import ModelError
from noss.pipeline._models import open_model
from noss.pipeline.train import train

WAVEFORM_BT = 0.1 * torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))
LENGTHS_B = torch.tensor([16_000, 12_000])


def frames(name: str) -> torch.Tensor:
    with torch.no_grad():
        frames_BLSD: torch.Tensor = open_model(name).build()(WAVEFORM_BT, LENGTHS_B)[0]
    return frames_BLSD


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A run of two steps on twelve noises, by a student's name and its options."""
    generator = np.random.default_rng(0)
    for number in range(12):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * generator.standard_normal(8_000), 16_000)

    def made(student: str, objective: str, **changes: Any) -> str:
        recipe = tmp_path / "recipe.py"
        given = {"crop_s": 0.4, "steps": 2, "batch_size": 4, "validate_every": 2, "validation": 0.3, **changes}
        given |= {"student": student, "objective": objective, "data": [str(tmp_path)], "validation_batches": 1}
        recipe.write_text(f"RECIPE = {given!r}\n", encoding="utf-8")
        return train(recipe, out=tmp_path / "run", device="cpu", workers=0).model

    return made


def test_a_run_keeps_what_it_started_from(run: Any) -> None:
    name = run("mobilenet_v3/tiny-0.5", "triplet", seed=3, student_options={"bottleneck": 64, "momentum": 0.9})
    fresh = open_model("mobilenet_v3/tiny-0.5", bottleneck=64, seed=3)
    with torch.no_grad():
        fresh_BLSD = fresh.build()(WAVEFORM_BT, LENGTHS_B)[0]
    assert torch.equal(frames(f"{name}:start"), fresh_BLSD)
    assert not torch.allclose(frames(name), fresh_BLSD)


def test_what_a_run_started_from_takes_no_rank_and_was_trained_on_nothing(run: Any) -> None:
    name = run("audiontt/512", "triplet")
    start, end = open_model(f"{name}:start").card, open_model(name).card
    assert (start.ranked, start.trained_on, end.ranked) == (False, (), True)
    assert open_model(f"{name}:start").revision != open_model(name).revision
    with pytest.raises(ModelError, match="keeps best, last and start"):
        open_model(f"{name}:first")


def test_a_layer_of_a_trained_conformer_is_had_by_its_number(run: Any) -> None:
    name = run("conformer/5m@all", "contrastive")
    every_BLSD = frames(name)
    assert open_model(name).card.layers == every_BLSD.shape[1] == 10
    assert torch.equal(frames(f"{name}@4"), every_BLSD[:, 4:5])
