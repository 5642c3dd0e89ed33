import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from noss.audio.logmel import LogMel
from noss.models.logmel_stats import CARDS, PERCENTILES, build, statistics

LENGTHS = [400, 4_321, 16_000, 52_345]


def batch(lengths: list[int], *, behind: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    waveform_BT = torch.full((len(lengths), max(lengths)), behind)
    for row, length in enumerate(lengths):
        waveform_BT[row, :length] = 0.1 * torch.randn(length, generator=torch.Generator().manual_seed(row))
    return waveform_BT, torch.tensor(lengths)


def embed(lengths: list[int], *, behind: float = 0.0) -> NDArray[np.float32]:
    frames_BLSD, frame_lengths_B = build("")(*batch(lengths, behind=behind))
    assert frames_BLSD.shape == (len(lengths), 1, 1, CARDS[""].dim)
    assert frame_lengths_B.tolist() == [1] * len(lengths)
    result: NDArray[np.float32] = frames_BLSD[:, 0, 0].numpy()
    return result


def test_statistics_are_those_of_numpy_over_the_clips_own_frames() -> None:
    found_BD = embed(LENGTHS)
    waveform_BT, _ = batch(LENGTHS)
    for row, length in enumerate(LENGTHS):
        frames_SM = LogMel()(waveform_BT[row : row + 1, :length], torch.tensor([length]))[0][0].numpy()
        assert len(frames_SM) == 1 + (length - 400) // 160
        expected = [frames_SM.mean(axis=0), frames_SM.std(axis=0), *np.percentile(frames_SM, PERCENTILES, axis=0)]
        np.testing.assert_allclose(found_BD[row], np.concatenate(expected), atol=1e-4)


def test_what_lies_behind_a_clip_does_not_matter() -> None:
    np.testing.assert_array_equal(embed(LENGTHS), embed(LENGTHS, behind=float("nan")))


def test_silence_is_finite_and_does_not_vary() -> None:
    frames_BLSD, _ = build("")(torch.zeros(1, 16_000), torch.tensor([16_000]))
    mean_M, deviation_M = frames_BLSD[0, 0, 0, :64], frames_BLSD[0, 0, 0, 64:128]
    torch.testing.assert_close(mean_M, torch.full((64,), -6.9078), atol=1e-4, rtol=0)
    assert deviation_M.abs().max() < 1e-6


def test_louder_by_a_factor_shifts_the_mean_and_keeps_the_deviation() -> None:
    waveform_BT, lengths_B = batch([32_000])
    soft, loud = (build("")(gain * waveform_BT, lengths_B)[0][0, 0, 0] for gain in (1.0, 2.0))
    torch.testing.assert_close(loud[:64] - soft[:64], torch.full((64,), 0.693), atol=0.01, rtol=0)
    torch.testing.assert_close(loud[64:128], soft[64:128], atol=0.01, rtol=0)


@pytest.mark.parametrize("num_frames", [1, 2, 21, 100])
def test_percentiles_lie_straight_between_neighbours(num_frames: int) -> None:
    frames_SM = np.random.default_rng(0).standard_normal((num_frames, 3)).astype(np.float32)
    expected = np.percentile(frames_SM, PERCENTILES, axis=0)
    np.testing.assert_allclose(statistics(frames_SM)[6:].reshape(len(PERCENTILES), 3), expected, atol=1e-6)
