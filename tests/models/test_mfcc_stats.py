import librosa
import numpy as np
import scipy.fft
import torch

from noss.audio.logmel import LogMel
from noss.models.mfcc_stats import BANDS, CARDS, COEFFICIENTS, build, dct_basis, slopes, statistics


def frames(num_frames: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((num_frames, width)).astype(np.float32)


def test_cepstra_are_scipys_orthonormal_dct() -> None:
    frames_SM = frames(30, BANDS)
    expected = scipy.fft.dct(frames_SM, axis=1, norm="ortho")[:, :COEFFICIENTS]
    np.testing.assert_allclose(frames_SM @ dct_basis(), expected, atol=1e-5)


def test_slopes_are_librosas_away_from_the_ends() -> None:
    frames_SQ = frames(40, COEFFICIENTS)
    expected = librosa.feature.delta(frames_SQ, width=9, axis=0, mode="nearest")
    np.testing.assert_allclose(slopes(frames_SQ), expected, atol=1e-6)


def test_a_rising_line_has_its_own_slope() -> None:
    line_SQ = np.arange(20, dtype=np.float32)[:, None] * 0.5
    np.testing.assert_allclose(slopes(line_SQ)[4:-4], 0.5, atol=1e-6)


def test_an_embedding_is_the_statistics_of_the_clips_own_frames() -> None:
    waveform_BT = torch.full((2, 16_000), float("nan"))
    lengths_B = torch.tensor([16_000, 4_321])
    for row, length in enumerate(lengths_B.tolist()):
        waveform_BT[row, :length] = 0.1 * torch.randn(length, generator=torch.Generator().manual_seed(row))
    found_BLSD, _ = build("")(waveform_BT, lengths_B)
    assert found_BLSD.shape == (2, 1, 1, CARDS[""].dim)
    logmel_1SM, _ = LogMel(n_mels=BANDS)(waveform_BT[1:, :4_321], lengths_B[1:])
    np.testing.assert_allclose(found_BLSD[1, 0, 0], statistics(logmel_1SM[0].numpy() @ dct_basis()), atol=1e-6)


def test_one_frame_is_enough() -> None:
    assert np.isfinite(statistics(frames(1, COEFFICIENTS))).all()
