"""The embedding in the package: small, there without a network, deaf to level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import noss
from noss.errors import ModelError
from noss.models import noss as own
from noss.models._voice_net import statistics
from noss.pipeline._models import open_model


@pytest.fixture(scope="module")
def model():
    return noss.load_model()


def test_it_is_what_is_meant_where_no_model_is_named_and_is_under_five_megabytes(model) -> None:
    assert (model.name, model.card.dim) == ("noss/small", 2048)
    assert 0.5e6 < own.WEIGHTS.stat().st_size < 5e6
    assert own.SMALL.size_mb == pytest.approx(own.WEIGHTS.stat().st_size / 1e6, abs=0.001)
    weights = sum(one.numel() for one in own.build("small").parameters())
    assert weights == model.card.num_parameters


def test_level_does_not_matter_and_content_does(model) -> None:
    generator = np.random.default_rng(0)
    noise_T = generator.standard_normal(24_000).astype(np.float32)
    swell_T = noise_T * np.linspace(0.01, 1.0, 24_000, dtype=np.float32)
    first, quiet, other = model.embed([0.1 * noise_T, 0.01 * noise_T, 0.1 * swell_T], sample_rate=16_000)
    assert np.abs(first - quiet).max() < 0.01 * np.abs(first).max()
    assert np.abs(first - other).max() > 0.1 * np.abs(first).max()


def test_trained_weights_are_not_those_before_training() -> None:
    trained, untrained = own.build("small").state_dict(), own.build("small-untrained", seed=1).state_dict()
    assert trained.keys() == untrained.keys()
    assert not torch.allclose(trained["net.fc.0.weight"], untrained["net.fc.0.weight"], atol=1e-2)


def test_statistics_are_of_each_clips_own_frames() -> None:
    frames_BSD = torch.tensor([[[1.0], [3.0], [2.0]], [[4.0], [99.0], [99.0]]])
    found_BD = statistics(frames_BSD, torch.tensor([3, 1]))
    assert found_BD[0].tolist() == pytest.approx([2.0, 3.0, (2 / 3) ** 0.5, 1.5], abs=1e-4)
    assert found_BD[1].tolist() == pytest.approx([4.0, 4.0, 0.0, 0.0], abs=2e-4)


def test_other_choices_and_a_damaged_package_are_said_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="no model 'noss/large'"):
        open_model("noss/large")
    (tmp_path / "weights").write_bytes(b"x" * 100)
    monkeypatch.setattr(own, "WEIGHTS", tmp_path / "weights")
    with pytest.raises(ModelError, match="install noss again"):
        own.build("small")
