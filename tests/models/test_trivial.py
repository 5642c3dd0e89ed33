import numpy as np
import pytest
import torch

from noss.models.trivial import CARDS, build, measure


def test_a_tone_is_measured_by_hand() -> None:
    """A sine of amplitude 0.5 has a level of 20 log10(0.5 / sqrt 2) = -9.03 dB and a peak of -6.02 dB."""
    tone_T = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(32_000) / 16_000)).astype(np.float32)
    assert measure(tone_T).tolist() == pytest.approx([np.log(2.0), -9.03, -6.02, -9.03], abs=0.01)


def test_the_noise_floor_is_the_level_of_the_pauses() -> None:
    waveform_T = (0.3 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)
    waveform_T[:4_000] *= 0.01
    _, level_db, _, floor_db = measure(waveform_T)
    assert floor_db == pytest.approx(20 * np.log10(0.003), abs=0.5)
    assert level_db > -15


@pytest.mark.parametrize("num_samples", [1, 100, 16_000])
def test_silence_is_finite(num_samples: int) -> None:
    expected = [np.log(num_samples / 16_000), -120.0, -120.0, -120.0]
    assert measure(np.zeros(num_samples, np.float32)).tolist() == pytest.approx(expected)


def test_what_lies_behind_a_clip_does_not_matter() -> None:
    waveform_BT = torch.full((2, 20_000), float("nan"))
    waveform_BT[0, :5_000], waveform_BT[1] = 0.1 * torch.randn(5_000), 0.1 * torch.randn(20_000)
    frames_BLSD, _ = build("")(waveform_BT, torch.tensor([5_000, 20_000]))
    assert frames_BLSD.shape == (2, 1, 1, CARDS[""].dim)
    for row, length in enumerate([5_000, 20_000]):
        np.testing.assert_array_equal(frames_BLSD[row, 0, 0].numpy(), measure(waveform_BT[row, :length].numpy()))


def test_it_is_a_control_and_takes_clips_whole() -> None:
    assert not CARDS[""].ranked
    assert CARDS[""].window_s is None
