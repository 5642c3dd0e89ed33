"""Probes of frames: poolings by hand, and the one frame that tells, which a mean loses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from noss import shelf
from noss.errors import ProbeError
from noss.probes import _framed, attentive, autopool

PARTS = ["attentive", "autopool"]


def planted(*, num: int = 180, seed: int = 0, dim: int = 8) -> tuple[list[np.ndarray], np.ndarray]:
    """Clips of 40 to 80 frames of noise, one of which tells the class."""
    rng, y_N, clips = np.random.default_rng(seed), np.arange(num) % 3, []
    for label in y_N:
        frames_SD = rng.standard_normal((int(rng.integers(40, 81)), dim))
        frames_SD[rng.integers(len(frames_SD))] += 5.0 * np.eye(3, dim)[label]
        clips.append(frames_SD.astype(np.float32))
    return clips, y_N


def accuracy(probe: Any, x: Any, y_N: np.ndarray) -> float:
    return float((probe.scores(x).argmax(axis=1) == y_N).mean())


@pytest.mark.parametrize("name", PARTS)
def test_the_one_frame_that_tells_is_found_where_a_mean_loses_it(name: str) -> None:
    (train, y_N), (test, true_N) = planted(seed=0), planted(seed=1)
    found = shelf.load("probes", name).Probe(seed=0).fit(train, y_N)
    logistic = shelf.load("probes", "logistic").Probe
    means = [np.stack([frames_SD.mean(axis=0) for frames_SD in clips]) for clips in (train, test)]
    best = max(accuracy(logistic(**setting).fit(means[0], y_N), means[1], true_N) for setting in logistic.SETTINGS)
    assert accuracy(found, test, true_N) > 0.9 > 0.6 > best


@pytest.mark.parametrize(("alpha", "expected"), [(0.0, [2.0, 5.0]), (1e3, [4.0, 9.0]), (-1e3, [0.0, 1.0])])
def test_autopool_is_mean_maximum_or_minimum_by_its_alpha(alpha: float, expected: list[float]) -> None:
    frames_SD = np.array([[0.0, 9.0], [2.0, 5.0], [4.0, 1.0]])
    np.testing.assert_allclose(autopool.POOLING.pool(frames_SD, {"alpha": np.full(2, alpha)}), expected)


def test_autopool_of_alpha_one_is_the_softmax_weighted_mean() -> None:
    weight = np.exp([0.0, np.log(3.0)])
    found = autopool.POOLING.pool(np.array([[0.0], [np.log(3.0)]]), {"alpha": np.ones(1)})
    np.testing.assert_allclose(found, weight @ [0.0, np.log(3.0)] / 4.0)


def test_attention_weighs_frames_by_its_query() -> None:
    frames_SD = np.array([[1.0, 0.0], [-1.0, 2.0]])
    given = {"key": np.array([[1.0, 0.0]]), "shift": np.zeros(1)}
    plain, keen = ({**given, "query": np.array([query])} for query in (0.0, np.log(3.0) / (2 * np.tanh(1.0))))
    np.testing.assert_allclose(attentive.POOLING.pool(frames_SD, plain), [0.0, 1.0])
    np.testing.assert_allclose(attentive.POOLING.pool(frames_SD, keen), [0.5, 0.5])


@pytest.mark.parametrize("name", PARTS)
def test_training_pools_as_scoring_does_and_frames_behind_the_end_weigh_nothing(name: str) -> None:
    import torch

    pooling = shelf.load("probes", name).POOLING
    parameters = pooling.start(4, torch.Generator().manual_seed(0))
    if "query" in parameters:
        parameters["query"] = torch.randn(64, generator=torch.Generator().manual_seed(1))
    frames_BSD = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(2))
    there_BS = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    weight = pooling.weigh(frames_BSD, there_BS, parameters)
    assert (weight[1, 3:] == 0).all()
    pooled_BD = (frames_BSD * weight).sum(dim=1).numpy()
    weights = {key: tensor.double().numpy() for key, tensor in parameters.items()}
    for row, length in enumerate((5, 3)):
        by_hand_D = pooling.pool(frames_BSD[row, :length].double().numpy(), weights)
        np.testing.assert_allclose(pooled_BD[row], by_hand_D, atol=1e-5)


@pytest.mark.parametrize("name", PARTS)
def test_a_long_clip_is_trained_on_in_pieces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_framed, "MAX_FRAMES", 30)
    clips, y_N = planted(num=60)
    assert np.isfinite(shelf.load("probes", name).Probe(steps=1).fit(clips, y_N).scores(clips)).all()


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([np.zeros((3, 2), np.float32)], "frames of 1 clips for 2 labels"),
        ([np.zeros((3, 2), np.float32), np.zeros((3, 4), np.float32)], r"give \(S, D\) frames"),
        ([np.zeros((3, 2), np.float32), np.zeros((0, 2), np.float32)], "has no frame"),
    ],
)
def test_what_are_no_frames_is_refused(name: str, clips: list[np.ndarray], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        shelf.load("probes", name).Probe(steps=1).fit(clips, np.array([0, 1]))


@pytest.mark.parametrize("name", PARTS)
def test_the_generator_of_the_program_is_left_alone(name: str) -> None:
    import torch

    clips, y_N = planted(num=12)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    shelf.load("probes", name).Probe(steps=1).fit(clips, y_N)
    assert torch.equal(torch.random.get_rng_state(), before)
