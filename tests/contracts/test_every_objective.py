"""Every objective on the shelf, and a stranger's own: `NOSS_PART=./mine.py pytest tests/contracts/test_every_objective.py`."""

from __future__ import annotations

import inspect
import os
from typing import Any

import pytest
import torch
from torch import nn

from noss import shelf
from noss.audio.logmel import LogMel
from noss.objectives import Batch, Needs

OWN = os.environ.get("NOSS_PART")
PARTS = [OWN] if OWN else shelf.names("objectives")
RATE, DIM, TEACHER_DIM, CLASSES = 16_000, 24, 16, 3


class Student(nn.Module):
    """TRILL's log-mel, four frames side by side, through two dense layers with a norm: small, and it has everything."""

    def __init__(self) -> None:
        super().__init__()
        self.front_end = LogMel()
        self.net = nn.Sequential(nn.Linear(4 * 64, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Linear(32, DIM))

    def forward(self, waveform_BT: torch.Tensor, lengths_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logmel_BSM, num_frames_B = self.front_end(waveform_BT, lengths_B)
        own_BS = torch.arange(logmel_BSM.shape[1]) < num_frames_B[:, None]
        logmel_BSM = nn.functional.pad(logmel_BSM * own_BS[..., None], (0, 0, 0, -logmel_BSM.shape[1] % 4))
        stacked_BSF = logmel_BSM.reshape(len(logmel_BSM), -1, 4 * 64)
        frames_BSD = self.net(stacked_BSF.flatten(0, 1)).reshape(*stacked_BSF.shape[:2], DIM)
        return frames_BSD[:, None], (num_frames_B + 3) // 4


def needs(part: str) -> Needs:
    found: Needs = shelf.load("objectives", part).NEEDS
    return found


def make(part: str) -> nn.Module:
    """The objective around the small student, with every loss that it may be asked for by default."""
    torch.manual_seed(0)
    made = shelf.load("objectives", part).Objective
    known = inspect.signature(made).parameters
    facts: dict[str, Any] = {"dim": DIM, "teacher_dim": TEACHER_DIM, "num_classes": CLASSES}
    facts["columns"] = {  # of one class the second says nothing
        "one": list(range(CLASSES)),
        "other": [number % 2 - (number == 0) for number in range(CLASSES)],
    }
    objective: nn.Module = made(Student(), **{name: value for name, value in facts.items() if name in known})
    return objective


def batch_for(part: str, *, size: int = 9) -> Batch:
    """Tones of one pitch a recording, in loud noise: half a second, the last crop shorter."""
    wanted = needs(part)
    generator = torch.Generator().manual_seed(1)
    source_B = torch.arange(size) % (size - 2)
    pitch_B11 = (200.0 + 60.0 * source_B)[:, None, None]
    time_T = torch.arange(RATE // 2) / RATE
    waveform_BVT = 0.05 * torch.sin(2 * torch.pi * pitch_B11 * time_T)
    waveform_BVT = waveform_BVT + 0.1 * torch.randn(size, wanted.views, len(time_T), generator=generator)
    lengths_BV = torch.full((size, wanted.views), len(time_T))
    lengths_BV[-1] = len(time_T) // 2
    waveform_BVT[-1, :, len(time_T) // 2 :] = 0.0
    target = torch.randn(size, wanted.views, TEACHER_DIM, generator=generator) if wanted.teacher else None
    return Batch(
        waveform_BVT=waveform_BVT,
        lengths_BV=lengths_BV,
        source_B=source_B,
        target_BVD=target,
        label_B=source_B % CLASSES if wanted.labels else None,
    )


@pytest.mark.parametrize("part", PARTS)
def test_the_loss_is_a_finite_number_and_all_that_it_gives_are_scalars(part: str) -> None:
    found = make(part)(batch_for(part))
    assert torch.isfinite(found["loss"])
    assert all(value.ndim == 0 and torch.isfinite(value) for value in found.values())


@pytest.mark.parametrize("part", PARTS)
def test_every_trainable_parameter_has_a_gradient(part: str) -> None:
    objective = make(part)
    objective(batch_for(part))["loss"].backward()
    without = [name for name, one in objective.named_parameters() if one.requires_grad and one.grad is None]
    assert without == []
    still = [name for name, one in objective.named_parameters() if one.requires_grad and not one.grad.abs().sum()]  # type: ignore[union-attr]
    assert [name for name in still if not name.endswith("bias")] == []  # a bias before a norm has no share


@pytest.mark.parametrize("part", PARTS)
def test_the_loss_falls_on_one_batch(part: str) -> None:
    objective, batch = make(part), batch_for(part)
    optimizer = torch.optim.AdamW([one for one in objective.parameters() if one.requires_grad], lr=3e-3)
    after = getattr(objective, "after_step", None)
    losses = []
    for step in range(1, 61):
        torch.manual_seed(2)
        loss = objective(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if after is not None:
            after(step, 60)
        losses.append(float(loss.detach()))
    assert sum(losses[-5:]) / 5 < 0.9 * sum(losses[:3]) / 3, losses[::10]


@pytest.mark.parametrize("part", PARTS)
def test_the_student_alone_is_what_training_leaves(part: str) -> None:
    objective: Any = make(part)
    kept = {name for name in objective.state_dict() if name.startswith("student.")}
    assert kept == {f"student.{name}" for name in objective.student.state_dict()}


@pytest.mark.parametrize("part", PARTS)
def test_padding_behind_a_crop_does_not_change_the_loss(part: str) -> None:
    objective, batch = make(part).eval(), batch_for(part)
    longer = torch.nn.functional.pad(batch.waveform_BVT, (0, 3_200))
    torch.manual_seed(3)
    first = objective(batch)["loss"].detach()
    torch.manual_seed(3)
    second = objective(Batch(**{**vars(batch), "waveform_BVT": longer}))["loss"].detach()
    assert abs(float(first) - float(second)) < 1e-4 * max(1.0, abs(float(first)))
