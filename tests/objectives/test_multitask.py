"""Several aims in one loss: a guess costs one, what is not known costs nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from noss.errors import ModelError
from noss.objectives import Batch
from noss.objectives.multitask import Objective

COLUMNS = {"mood": [0, 1, 2, -1], "language": [0, -1, 1, -1]}


class Fixed(nn.Module):
    """A student that gives back the first two samples."""

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        return waveform_BT[:, None, None, :2], torch.ones_like(lengths_B)


def batch(labels: list[int]) -> Batch:
    generator = torch.Generator().manual_seed(0)
    size = len(labels)
    return Batch(
        waveform_BVT=torch.randn(size, 1, 4, generator=generator),
        lengths_BV=torch.full((size, 1), 4),
        source_B=torch.arange(size),
        target_BVD=torch.randn(size, 1, 3, generator=generator),
        label_B=torch.tensor(labels),
    )


def knowing_nothing(**options: float) -> Objective:
    made = Objective(Fixed(), dim=2, teacher_dim=3, columns=COLUMNS, **options)  # type: ignore[arg-type]
    for layer in [made.project, *(part[1] for part in made.classify)]:  # type: ignore[index]
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return made


def test_who_knows_nothing_pays_one_for_the_teacher_and_one_a_column() -> None:
    found = knowing_nothing()(batch([0, 1, 2, 0, 2, 1]))
    assert float(found["loss"]) == pytest.approx(3.0, abs=1e-3)
    assert float(found["mse"]) == pytest.approx(1.0, abs=1e-3)


def test_weights_count_and_unknown_columns_do_not() -> None:
    silent = knowing_nothing(teacher=0.5)(batch([3, 3, 3]))
    assert float(silent["loss"]) == pytest.approx(0.5, abs=1e-3)
    partly = Objective(Fixed(), dim=2, teacher_dim=3, columns=COLUMNS, weights=[0.0, 2.0], teacher=0.0)
    one, other = (
        partly(batch([0, 1, 2])),
        partly(batch([0, 3, 2])),
    )  # of neither 1 nor 3 the second column says anything
    assert float(one["loss"].detach()) == pytest.approx(float(other["loss"].detach()))


def test_a_column_costs_its_cross_entropy_over_that_of_a_guess() -> None:
    made = knowing_nothing(teacher=0.0)
    made.classify[0][1].bias.data = torch.tensor([2.0, 0.0, 0.0])  # type: ignore[index]
    made.classify[1][1].bias.data = torch.tensor([0.0, 1.0])  # type: ignore[index]
    first = (math.log(math.exp(2) + 2) - 2) / math.log(3)
    second = math.log(1 + math.exp(1)) / math.log(2)
    assert float(made(batch([0, 0]))["loss"].detach()) == pytest.approx(first + second, abs=1e-5)


def test_as_many_weights_as_columns_are_needed() -> None:
    with pytest.raises(ModelError, match="1 weights and 2 columns"):
        Objective(Fixed(), dim=2, teacher_dim=3, columns=COLUMNS, weights=[1.0])
