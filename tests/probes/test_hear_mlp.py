"""HEAR's probe: the kit's grid and its scores, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden import hear_mlp as golden
from noss.probes.hear_mlp import Probe

KIT = json.loads((Path(__file__).parent.parent / "golden/hear_mlp.json").read_text())["grid_points"]
FIRST = pytest.mark.parametrize("place", [2])
REST = pytest.mark.parametrize("place", [0, 1, 3, 4, 5, 6, 7])
# On the machine that made the values, all are equal. Others may add in another order, and then a few of 300 clips differ.
TOLERANCE = 0.02


def accuracy(probe: Any, split: str) -> float:
    x_ND, y_N = golden.task()[split]
    return float((probe.scores(x_ND).argmax(axis=1) == y_N).mean())


def agrees_with_the_kit(place: int) -> None:
    probe = Probe(seed=0, **Probe.SETTINGS[place]).fit_watched(
        *golden.task()["train"], value=lambda now: accuracy(now, "valid")
    )
    assert accuracy(probe, "valid") == pytest.approx(KIT[place]["validation"], abs=TOLERANCE)
    assert accuracy(probe, "test") == pytest.approx(KIT[place]["test"], abs=TOLERANCE)


def test_its_grid_is_the_one_that_the_kit_draws_in_its_order() -> None:
    drawn = [{name: point[name] for name in ("hidden_layers", "initialization", "lr")} for point in KIT]
    assert [{name: setting[name] for name in drawn[0]} for setting in Probe.SETTINGS] == drawn
    assert all((setting["hidden_dim"], setting["max_epochs"]) == (1024, 500) for setting in Probe.SETTINGS)


@FIRST
def test_it_scores_what_the_kit_scores(place: int) -> None:
    agrees_with_the_kit(place)


@pytest.mark.long
@REST
def test_it_scores_what_the_kit_scores_on_the_rest_of_the_grid(place: int) -> None:
    agrees_with_the_kit(place)


def small(**setting: Any) -> Probe:
    return Probe(hidden_dim=16, **setting)


def made(num_clips: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y_N = np.arange(num_clips) % 2
    return (y_N[:, None] + rng.standard_normal((num_clips, 3))).astype(np.float32), y_N


def test_it_stops_after_twenty_looks_without_a_better_one() -> None:
    looks: list[int] = []

    def value(probe: Any) -> float:
        looks.append(1)
        return 1.0 if len(looks) == 5 else 0.0

    small().fit_watched(*made(20), value=value)
    assert len(looks) == 25


def test_it_looks_every_third_epoch_and_ends_at_the_last() -> None:
    looks: list[int] = []

    def value(probe: Any) -> float:
        looks.append(1)
        return float(len(looks))

    small(max_epochs=100).fit_watched(*made(20), value=value)
    assert len(looks) == 33


def test_a_value_that_says_nothing_leaves_it_at_its_first_look() -> None:
    seen: list[Any] = []

    def value(probe: Any) -> float:
        seen.append(probe.scores(made(4)[0]))
        return -np.inf

    fitted = small().fit_watched(*made(20), value=value)
    np.testing.assert_array_equal(fitted.scores(made(4)[0]), seen[0])


def test_one_row_beyond_a_full_batch_is_trained_with_it() -> None:
    x_ND, y_N = made(1025)
    fitted = small(max_epochs=3).fit_watched(x_ND, y_N, value=lambda probe: 0.0)
    assert np.isfinite(fitted.scores(x_ND)).all()


def test_training_leaves_the_random_numbers_of_others_alone() -> None:
    import torch

    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    small(max_epochs=3).fit_watched(*made(20), value=lambda probe: 0.0)
    torch.testing.assert_close(torch.rand(3), wanted, rtol=0, atol=0)


def test_training_leaves_the_number_of_threads_as_it_was() -> None:
    import torch

    before = torch.get_num_threads()
    small(max_epochs=3).fit(*made(20))
    assert torch.get_num_threads() == before


def test_without_a_value_a_fifth_of_each_class_is_held_back() -> None:
    from noss.probes.hear_mlp import _held_out

    y_N = np.array([0] * 20 + [1] * 10 + [2] * 2 + [3])
    held_N = _held_out(y_N, seed=0)
    assert [int(held_N[y_N == label].sum()) for label in range(4)] == [4, 2, 1, 0]
    assert (held_N != _held_out(y_N, seed=1)).any()


def test_units_matter_to_it_as_they_do_to_the_kit() -> None:
    x_ND, y_N = made(200)
    units_D = np.array([1e-4, 1e-4, 1e4], dtype=np.float32)
    plain, stretched = (small(max_epochs=30).fit(x, y_N).scores(x) for x in (x_ND, x_ND * units_D))
    assert np.abs(plain - stretched).max() > 0.01
