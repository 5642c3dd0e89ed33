"""The triplet loss against cases that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from noss.objectives import Batch
from noss.objectives.triplet import Objective


class Fixed(nn.Module):
    """A student that says what it is told: the first two samples of a clip are its embedding."""

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        return waveform_BT[:, None, None, :2], torch.ones_like(lengths_B)


def batch(angles_BV: list[list[float]], sources: list[int]) -> Batch:
    angle_BV = torch.tensor(angles_BV).deg2rad()
    waveform_BVT = torch.stack([angle_BV.cos(), angle_BV.sin()], dim=-1)
    lengths_BV = torch.full(angle_BV.shape, 2)
    return Batch(waveform_BVT=waveform_BVT, lengths_BV=lengths_BV, source_B=torch.tensor(sources))


def test_a_negative_beyond_the_margin_costs_nothing() -> None:
    found = Objective(Fixed(), dim=2, margin=0.1)(batch([[0, 10], [90, 100]], [0, 1]))
    assert float(found["loss"]) == 0.0
    assert float(found["in_order"]) == 1.0


def test_semi_hard_takes_the_nearest_negative_that_is_farther_than_the_positive() -> None:
    # Squared distances on the circle are 2 - 2 cos: 60 degrees 1, 90 degrees 2, 180 degrees 4.
    objective = Objective(Fixed(), dim=2, margin=1.5)
    loss = objective(batch([[0, 60], [90, 90], [180, 180]], [0, 1, 2]))["loss"]
    two = 2.0
    from_0 = 1.0 - two + 1.5  # positive 60 at 1; farther and nearest: 90 at 2
    from_60 = 1.0 - 3.0 + 1.5  # 90 is nearer than the positive; beyond it: 180 at 3
    pairs = [from_0, max(0.0, from_60)]
    at_90 = 0.0 - (2.0 - 2.0 * 0.8660254) + 1.5  # nearest is 60, 30 degrees away
    at_180 = 0.0 - two + 1.5
    expected = (pairs[0] + pairs[1] + 2 * at_90 + 2 * max(0.0, at_180)) / 6
    assert float(loss) == pytest.approx(expected, abs=1e-5)


def test_two_crops_of_one_recording_are_never_negatives() -> None:
    together = Objective(Fixed(), dim=2, margin=1.0)(batch([[0, 5], [2, 3]], [7, 7]))
    assert float(together["loss"]) == 0.0


def test_batch_all_is_the_mean_over_the_triplets_that_cost_something() -> None:
    loss = Objective(Fixed(), dim=2, margin=0.5, mining="all")(batch([[0, 0], [60, 60], [180, 180]], [0, 1, 2]))["loss"]
    # From 0 and from 60 the other is at 1, beyond the margin of 0.5: nothing costs.
    assert float(loss) == 0.0
    loss = Objective(Fixed(), dim=2, margin=1.25, mining="all")(batch([[0, 0], [60, 60], [180, 180]], [0, 1, 2]))[
        "loss"
    ]
    assert float(loss) == pytest.approx(0.25, abs=1e-6)  # the pairs at 1 cost 0.25 each, those at 3 and 4 nothing


def test_info_nce_of_two_recordings_is_the_softmax_by_hand() -> None:
    loss = Objective(Fixed(), dim=2, mining="info_nce", temperature=0.5)(batch([[0, 0], [90, 90]], [0, 1]))["loss"]
    expected = -torch.log(torch.exp(torch.tensor(2.0)) / (torch.exp(torch.tensor(2.0)) + 2.0))
    assert float(loss) == pytest.approx(float(expected), abs=1e-5)
