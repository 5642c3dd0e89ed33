"""The log-mel front ends that speech transformers were trained on, batched in torch.

The same numbers as the feature extractors of the library `transformers`, which work clip by clip and switch to other code
where torchaudio is installed.
"""

from __future__ import annotations

import math
import warnings
from typing import Literal

import torch
from torch import Tensor, nn

from noss.models._speech_facts import HOP_LENGTH, WIN_LENGTH
from noss.shelf import require

MEL_FLOOR = 1.192092955078125e-07
PREEMPHASIS = 0.97
N_FFT = 512


def mel_matrix(**settings: float | int | str | bool | None) -> Tensor:
    """The mel filters (F, M) of the library's own function, empty ones included: models were trained with them."""
    audio = require("transformers.audio_utils", extra="transformers", needed_by="transformers/...")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="At least one mel filter", category=UserWarning)
        return torch.from_numpy(audio.mel_filter_bank(**settings)).to(torch.float32)


class KaldiFbank(nn.Module):
    """Log-mel energies as Kaldi has them: 25 ms windows every 10 ms, only where the window is full."""

    def __init__(self, *, n_mels: int, sample_rate: int, window: Literal["hann", "povey"], scale: float) -> None:
        super().__init__()
        hann = torch.hann_window(WIN_LENGTH, periodic=False, dtype=torch.float64)
        self.scale = scale
        self.window: Tensor
        self.mel_FM: Tensor
        self.register_buffer("window", (hann**0.85 if window == "povey" else hann).to(torch.float32), persistent=False)
        mel_FM = mel_matrix(
            num_frequency_bins=N_FFT // 2 + 1,
            num_mel_filters=n_mels,
            min_frequency=20,
            max_frequency=sample_rate // 2,
            sampling_rate=sample_rate,
            norm=None,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
        self.register_buffer("mel_FM", mel_FM, persistent=False)

    def forward(self, waveform_BT: Tensor) -> Tensor:
        """Map waveforms (B, T) to log-mel energies (B, S, M)."""
        frames = (waveform_BT * self.scale).unfold(-1, WIN_LENGTH, HOP_LENGTH)
        frames = frames - frames.mean(dim=-1, keepdim=True)
        before = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
        spectrum = torch.fft.rfft((frames - PREEMPHASIS * before) * self.window, n=N_FFT)
        logmel_BSM: Tensor = (spectrum.abs().square() @ self.mel_FM).clamp(min=MEL_FLOOR).log()
        return logmel_BSM


class WhisperLogMel(nn.Module):
    """Whisper's log-mel: 30 s of it whatever the clip's length, floored 8 decades of ten below the clip's loudest."""

    def __init__(self, *, n_mels: int, sample_rate: int, n_fft: int, hop_length: int, chunk_s: int) -> None:
        super().__init__()
        self.n_fft, self.hop_length, self.num_samples = n_fft, hop_length, chunk_s * sample_rate
        self.window: Tensor
        self.mel_FM: Tensor
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        mel_FM = mel_matrix(
            num_frequency_bins=n_fft // 2 + 1,
            num_mel_filters=n_mels,
            min_frequency=0.0,
            max_frequency=8000.0,
            sampling_rate=sample_rate,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer("mel_FM", mel_FM, persistent=False)

    def forward(self, waveform_BT: Tensor) -> Tensor:
        """Map waveforms (B, T) of at most 30 s to log-mel energies (B, M, 3000)."""
        padded_BT = nn.functional.pad(waveform_BT, (0, self.num_samples - waveform_BT.shape[-1]))
        spectrum = torch.stft(padded_BT, self.n_fft, self.hop_length, window=self.window, return_complex=True)
        power = spectrum[..., :-1].abs().square().contiguous()
        logmel_BMS = (self.mel_FM.T @ power).clamp(min=1e-10).log10()
        loudest = logmel_BMS.amax(dim=(1, 2), keepdim=True)
        return (torch.maximum(logmel_BMS, loudest - 8.0) + 4.0) / 4.0


def num_frames(lengths_B: Tensor) -> Tensor:
    """Full windows in so many samples (B,): at least one."""
    return ((lengths_B - WIN_LENGTH).div(HOP_LENGTH, rounding_mode="floor") + 1).clamp(min=1)


def standardised(rows_BSD: Tensor, lengths_B: Tensor, *, unbiased: bool) -> Tensor:
    """Features (B, S, D) of zero mean and unit variance over each clip's own rows, zero behind them.

    Sums run in float64, so that a clip's numbers do not depend on how long its batch is.
    """
    mask_BS1 = (torch.arange(rows_BSD.shape[1], device=rows_BSD.device) < lengths_B[:, None])[..., None]
    count_B11 = lengths_B[:, None, None].to(torch.float64)
    rows = rows_BSD.to(torch.float64) * mask_BS1
    centred = (rows - rows.sum(1, keepdim=True) / count_B11) * mask_BS1
    variance = centred.square().sum(1, keepdim=True) / (count_B11 - int(unbiased)).clamp(min=1)
    return (centred / (variance + math.pow(10, -7)).sqrt()).to(rows_BSD.dtype)
