"""Objectives beside the triplet's, against their formulas and against what they promise."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from noss.errors import ModelError
from noss.models import conformer
from noss.objectives import Batch, byol, classify, contrastive, masked_prediction, match_teacher, verify
from noss.objectives._masked import spans
from noss.objectives._pooling import make_pooling
from noss.pipeline._train_setup import plain_state


class Fixed(nn.Module):
    """A student that says what it is told: the first two samples of a clip are its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
        for part in self.net:
            nn.init.eye_(part.weight)  # type: ignore[arg-type]

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(waveform_BT[:, None, None, :2]), torch.ones_like(lengths_B)


def batch(rows: list[list[float]], **more: Any) -> Batch:
    waveform_BVT = torch.tensor(rows)[:, None]
    lengths_BV = torch.full((len(rows), 1), waveform_BVT.shape[2])
    return Batch(waveform_BVT=waveform_BVT, lengths_BV=lengths_BV, source_B=torch.arange(len(rows)), **more)


def test_the_margin_softmax_is_the_formula() -> None:
    objective = verify.Objective(Fixed(), dim=2, num_classes=2, margin=0.3, scale=5.0)
    objective.classes_KD.data = torch.eye(2)
    angle = math.radians(20)
    loss = objective(batch([[math.cos(angle), math.sin(angle)]], label_B=torch.tensor([0])))["loss"]
    right, wrong = 5.0 * math.cos(angle + 0.3), 5.0 * math.sin(angle)
    assert float(loss.detach()) == pytest.approx(math.log(math.exp(right) + math.exp(wrong)) - right, abs=1e-4)


def test_the_margin_never_makes_a_farther_embedding_cheaper() -> None:
    objective = verify.Objective(Fixed(), dim=2, num_classes=2, margin=0.5, scale=5.0)
    cosine = torch.linspace(1.0, -1.0, 200)
    assert (objective._with_margin(cosine).diff() < 0).all()


@pytest.mark.parametrize("distance", ["mse", "l1", "cosine"])
def test_distances_from_a_teacher_are_the_formulas(distance: str) -> None:
    objective = match_teacher.Objective(Fixed(), dim=2, teacher_dim=2, distance=distance)  # type: ignore[arg-type]
    found = objective(batch([[3.0, 4.0]], target_BVD=torch.tensor([[[3.0, 0.0]]])))
    assert float(found["loss"]) == pytest.approx({"mse": 8.0, "l1": 2.0, "cosine": 0.4}[distance])


def test_a_larger_teacher_is_truncated_or_met_by_a_layer_and_a_smaller_one_not_truncated() -> None:
    target = torch.tensor([[[3.0, 4.0, 9.0]]])
    cut = match_teacher.Objective(Fixed(), dim=2, teacher_dim=3, output="truncate")
    assert float(cut(batch([[3.0, 4.0]], target_BVD=target))["loss"]) == pytest.approx(0.0)
    assert match_teacher.Objective(Fixed(), dim=2, teacher_dim=3).project(torch.zeros(1, 2)).shape == (1, 3)
    with pytest.raises(ModelError, match="only a teacher's can be truncated"):
        match_teacher.Objective(Fixed(), dim=2, teacher_dim=1, output="truncate")


def test_standardised_targets_make_the_mean_worth_one_and_large_numbers_no_more_than_small_ones() -> None:
    target_BVD = torch.tensor([[[101.0, 0.0]], [[99.0, 0.1]], [[101.0, 0.1]], [[99.0, 0.0]]])
    objective = match_teacher.Objective(Fixed(), dim=2, teacher_dim=2, standardise=True)
    guess = objective(batch([[0.0, 0.0]] * 4, target_BVD=target_BVD))
    assert float(guess["loss"]) == pytest.approx(1.0, abs=0.01)
    half_known = objective(batch([[0.0, -1.0], [0.0, 1.0], [0.0, 1.0], [0.0, -1.0]], target_BVD=target_BVD))
    assert float(half_known["loss"]) == pytest.approx(0.5, abs=0.01)


def test_spans_lie_among_a_clips_own_frames_and_every_clip_has_one() -> None:
    torch.manual_seed(0)
    lengths_B = torch.tensor([40, 12, 1])
    masked_BS = spans(lengths_B, size=60, share=0.0, span=10)
    assert masked_BS.sum(dim=1).tolist()[:2] == [10, 10]
    assert all(bool(row[:length].any()) for row, length in zip(masked_BS, lengths_B.tolist(), strict=True))
    often = spans(torch.full((64,), 400), size=400, share=0.065, span=10).float().mean()
    assert abs(float(often) - (1 - (1 - 0.065) ** 10)) < 0.03  # 49 % in wav2vec 2.0


def test_the_quantiser_is_drawn_once_and_never_trains() -> None:
    objective = masked_prediction.Objective(conformer.build("5m"), dim=144, codes=64)
    names = {name for name, _ in objective.named_parameters()}
    assert not {"projection", "book_KC"} & names
    assert {"projection", "book_KC"} <= set(objective.state_dict())


@pytest.mark.parametrize("part", [contrastive, masked_prediction, byol])
def test_a_student_without_log_mel_is_refused(part: Any) -> None:
    with pytest.raises(ModelError, match="log-mel front end"):
        part.Objective(Fixed(), dim=2)


def test_the_average_of_byol_follows_the_student() -> None:
    objective = byol.Objective(conformer.build("5m"), dim=144, hidden=8, project_dim=4, decay=0.75)
    before = next(objective.target[1].parameters()).clone()
    next(objective.projector.parameters()).data += 1.0
    objective.after_step(1, 10)
    after = next(objective.target[1].parameters())
    assert torch.allclose(after, before + 0.25)


def test_a_view_of_full_size_and_a_share_of_nothing_is_the_log_mel_itself() -> None:
    logmel_BSM = torch.randn(3, 20, 8)
    assert torch.allclose(byol.resized(logmel_BSM, scales=(1.0, 1.0)), logmel_BSM, atol=1e-5)
    assert torch.allclose(byol.mixed(logmel_BSM, most=0.0), logmel_BSM, atol=1e-5)


def test_mixing_adds_energies() -> None:
    torch.manual_seed(0)
    logmel_BSM = torch.zeros(2, 4, 4)
    assert torch.allclose(
        byol.mixed(logmel_BSM, most=0.4), logmel_BSM, atol=1e-6
    )  # a of one and 1 - a of another equal one


def test_lora_begins_as_nothing_trains_alone_and_is_kept_as_a_sum() -> None:
    student = Fixed()
    before = {name: value.clone() for name, value in student.state_dict().items()}
    objective = classify.Objective(student, dim=2, num_classes=2, lora=1)
    assert {name: value.tolist() for name, value in plain_state(student).items()} == {
        name: value.tolist() for name, value in before.items()
    }
    trains = [name for name, one in objective.named_parameters() if one.requires_grad]
    assert all(name.startswith("classify.") or name.endswith((".up", ".down")) for name in trains) and len(trains) == 6
    part: Any = student.net[0]
    part.parametrizations.weight[0].up.data.fill_(1.0)
    expected = before["net.0.weight"] + 16.0 * torch.ones(2, 1) @ part.parametrizations.weight[0].down
    assert torch.allclose(plain_state(student)["net.0.weight"], expected)


def test_frozen_parts_neither_train_nor_leave_evaluation() -> None:
    objective = classify.Objective(Fixed(), dim=2, num_classes=2, freeze=["net.0"]).train()
    net: Any = objective.student.net
    assert not net[0].weight.requires_grad and net[1].weight.requires_grad
    assert not net[0].training and net[1].training
    with pytest.raises(ModelError, match="no part 'nett' to freeze: there are net"):
        classify.Objective(Fixed(), dim=2, num_classes=2, freeze=["nett"])


def test_earlier_layers_learn_more_slowly() -> None:
    objective = classify.Objective(Fixed(), dim=2, num_classes=2, lr_decay=0.5)
    scales = {id(one): group.get("lr_scale", 1.0) for group in objective.parameter_groups() for one in group["params"]}
    net: Any = objective.student.net
    assert (scales[id(net[1].weight)], scales[id(net[0].weight)]) == (0.5, 0.25)
    assert len(scales) == len(list(objective.parameters()))


@pytest.mark.parametrize("kind", ["mean", "statistics", "attentive", "autopool", "netvlad"])
def test_poolings_look_at_a_clips_own_frames(kind: Any) -> None:
    torch.manual_seed(0)
    pool = make_pooling(kind, dim=3, clusters=2)
    frames_BSD = torch.randn(2, 6, 3)
    alone = pool(frames_BSD[:1, :4], torch.tensor([4]))
    beside = pool(frames_BSD, torch.tensor([4, 6]))[:1]
    assert alone.shape == (1, pool.dim)
    assert torch.allclose(alone, beside, atol=1e-6)


def test_autopool_of_zero_is_the_mean_and_of_much_the_maximum() -> None:
    pool: Any = make_pooling("autopool", dim=1, clusters=1)
    frames_BSD = torch.tensor([[[1.0], [2.0], [6.0]]])
    assert float(pool(frames_BSD, torch.tensor([3]))) == pytest.approx(3.0)
    pool.alpha_D.data.fill_(50.0)
    assert float(pool(frames_BSD, torch.tensor([3]))) == pytest.approx(6.0)
