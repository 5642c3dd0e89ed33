"""Log-mel front ends as a windowed-DFT convolution, with the numbers of the papers.

Nothing but framing, matrix products and point-wise steps: the same module trains, exports to ONNX and LiteRT, and runs
in a browser, where a complex Fourier transform does not. The window is symmetric about its middle, so the transform
is taken about it: samples at equal distance are added for the cosines and subtracted for the sines, which halves the
work. The magnitude does not depend on where the phase is counted from.

Source: google-research/non_semantic_speech_benchmark, export_model/tf_frontend.py (TRILL, FRILL) and
trillsson/frontend_lib.py (TRILLsson); papers arXiv 2002.12764, 2011.04609, 2203.00236.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

MelScale = Literal["htk", "htk_hz", "slaney"]


class LogMel(nn.Module):
    """Log-mel spectrogram of a batch of clips: `log(max(mel, log_floor) + log_offset)`.

    Frames are not centred and the end is not padded: T samples give `1 + (T - win_length) // hop_length` frames. The
    window is a periodic Hann window, padded with zeros to `n_fft`. The defaults are those of TRILL.

    Args:
        sample_rate: Hz.
        n_fft: Length of the Fourier transform.
        win_length: Length of a frame in samples, even.
        hop_length: Samples from one frame to the next.
        n_mels: Mel bands, M.
        f_min: Lower edge of the lowest band, Hz.
        f_max: Upper edge of the highest band, Hz.
        mel_scale: `htk`: triangles straight over mel, peak 1 (TensorFlow, Kaldi). `htk_hz`: the same edges, triangles
            straight over Hz, peak 1 (the default of torchaudio). `slaney`: triangles straight over Hz, area-normalised
            (the default of librosa).
        power: 1 for the magnitude spectrum, 2 for the power spectrum.
        log_floor: Mel energies below it are raised to it.
        log_offset: Added before the natural logarithm.
        min_samples: Shorter clips are padded on the right to this many samples; None pads to one frame.
        padding: How: `zeros`, or `symmetric`, mirrored as often as needed.
    """

    basis_cos: Tensor
    basis_sin: Tensor
    filters: Tensor

    def __init__(
        self,
        *,
        sample_rate: int = 16_000,
        n_fft: int = 512,
        win_length: int = 400,
        hop_length: int = 160,
        n_mels: int = 64,
        f_min: float = 125.0,
        f_max: float = 7_500.0,
        mel_scale: MelScale = "htk",
        power: Literal[1, 2] = 1,
        log_floor: float = 1e-12,
        log_offset: float = 1e-3,
        min_samples: int | None = None,
        padding: Literal["zeros", "symmetric"] = "zeros",
    ) -> None:
        super().__init__()
        assert win_length % 2 == 0 and win_length <= n_fft, "win_length must be even and at most n_fft"
        self.win_length, self.hop_length = win_length, hop_length
        self.power, self.log_floor, self.log_offset = power, log_floor, log_offset
        self.min_samples = max(min_samples or 0, win_length)
        self.padding = padding
        filters_FM = mel_filters(
            sample_rate=sample_rate, n_fft=n_fft, n_mels=n_mels, f_min=f_min, f_max=f_max, mel_scale=mel_scale
        )
        bins = np.flatnonzero(filters_FM.any(axis=1))
        cos, sin = _half_bases(bins, n_fft=n_fft, win_length=win_length)
        for name, array in (("basis_cos", cos), ("basis_sin", sin), ("filters", filters_FM[bins])):
            self.register_buffer(name, torch.tensor(array, dtype=torch.float32), persistent=False)

    @classmethod
    def trill(cls) -> Self:
        """The front end of TRILL and FRILL: 64 bands, clips padded with zeros to 1 s."""
        return cls(n_mels=64, min_samples=16_000, padding="zeros")

    @classmethod
    def trillsson(cls) -> Self:
        """The front end of TRILLsson: 80 bands, clips mirrored to 2 s."""
        return cls(n_mels=80, min_samples=32_000, padding="symmetric")

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mel frames (B, S, M) of waveforms (B, T), zero behind `lengths_B` (B,), and the clips' frames (B,).

        Frames behind a clip's own are to be ignored.
        """
        waveform_BT = pad_short(waveform_BT, lengths_B, min_samples=self.min_samples, padding=self.padding)
        frames_BSW = waveform_BT.unfold(-1, self.win_length, self.hop_length)
        half = self.win_length // 2
        later, earlier = frames_BSW[..., half:], frames_BSW[..., 1 : half + 1].flip(-1)
        real, imaginary = (later + earlier) @ self.basis_cos, (later - earlier) @ self.basis_sin
        spectrum = real.square_().addcmul_(imaginary, imaginary)  # in place: half of the time is spent on memory
        mel_BSM = (spectrum if self.power == 2 else spectrum.sqrt_()) @ self.filters
        return mel_BSM.clamp_(min=self.log_floor).add_(self.log_offset).log_(), self.num_frames(lengths_B)

    def num_frames(self, lengths_B: Tensor) -> Tensor:
        """Frames (B,) of clips of so many samples (B,)."""
        return 1 + (lengths_B.clamp(min=self.min_samples) - self.win_length) // self.hop_length


class Patches(nn.Module):
    """Cut frames into patches of `width`, `hop` frames apart; a remainder is dropped."""

    def __init__(self, *, width: int, hop: int) -> None:
        super().__init__()
        self.width, self.hop = width, hop

    @classmethod
    def trill(cls) -> Self:
        """The patches of TRILL and FRILL: 96 frames, 17 apart."""
        return cls(width=96, hop=17)

    @classmethod
    def trillsson(cls) -> Self:
        """The patches of TRILLsson: 195 frames, side by side."""
        return cls(width=195, hop=195)

    def forward(self, frames_BSM: Tensor, num_frames_B: Tensor) -> tuple[Tensor, Tensor]:
        """Patches (B, P, width, M) of frames (B, S, M), and how many of them (B,) belong to the clip."""
        patches_BPWM = frames_BSM.unfold(1, self.width, self.hop).transpose(2, 3)
        num_patches_B = torch.div(num_frames_B - self.width, self.hop, rounding_mode="floor") + 1
        return patches_BPWM, num_patches_B.clamp(min=0)


def pad_short(
    waveform_BT: Tensor, lengths_B: Tensor, *, min_samples: int, padding: Literal["zeros", "symmetric"]
) -> Tensor:
    """Waveforms (B, T), zero behind `lengths_B` (B,), with shorter clips padded on the right to `min_samples`."""
    num_samples = waveform_BT.shape[-1]
    if not isinstance(num_samples, int) or num_samples < min_samples:  # in an exported graph it may not be a number yet
        missing = torch.sym_max(0, min_samples - num_samples)  # type: ignore[no-untyped-call]
        waveform_BT = functional.pad(waveform_BT, (0, missing))
    if padding == "zeros":
        return waveform_BT
    head_BT, tail_BT = waveform_BT[:, :min_samples], waveform_BT[:, min_samples:]
    period_B1 = 2 * lengths_B.clamp(min=1)[:, None]
    step_BT = torch.arange(min_samples, device=waveform_BT.device)[None] % period_B1
    mirrored_BT = torch.minimum(step_BT, period_B1 - 1 - step_BT)
    return torch.cat([head_BT.gather(1, mirrored_BT), tail_BT], dim=1)


def mel_filters(
    *, sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float, mel_scale: MelScale
) -> NDArray[np.float64]:
    """Triangular mel filters (F, M) over the `n_fft // 2 + 1` bins F; the bin at 0 Hz weighs nothing."""
    hertz_F = np.linspace(0.0, sample_rate / 2, n_fft // 2 + 1)
    lowest, highest = _to_mel(np.array([f_min, f_max]), mel_scale)
    edges = np.linspace(lowest, highest, n_mels + 2)
    position_F, area_M = hertz_F, np.ones(n_mels)
    if mel_scale == "htk":
        position_F = _to_mel(hertz_F, mel_scale)
    elif mel_scale == "htk_hz":
        edges = 700.0 * np.expm1(edges / 1127.0)
    else:
        edges = _slaney_to_hertz(edges)
        area_M = 2.0 / (edges[2:] - edges[:-2])
    rising = (position_F[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - position_F[:, None]) / (edges[2:] - edges[1:-1])
    filters_FM: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling)) * area_M
    filters_FM[0] = 0.0
    return filters_FM


def _to_mel(hertz: NDArray[np.float64], mel_scale: MelScale) -> NDArray[np.float64]:
    """Source: HTK book, section 5.4; Slaney, Auditory Toolbox, 1998 (straight to 1 kHz, then 27 steps to 6.4 kHz)."""
    if mel_scale != "slaney":
        return np.asarray(1127.0 * np.log1p(hertz / 700.0))
    above = 15.0 + 27.0 * np.log(np.maximum(hertz, 1000.0) / 1000.0) / np.log(6.4)
    return np.where(hertz < 1000.0, hertz * 0.015, above)


def _slaney_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel / 0.015, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0))


def _half_bases(
    bins: NDArray[np.int64], *, n_fft: int, win_length: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Windowed cosines and sines (win_length / 2, F), from the middle of the window to its end."""
    step = np.arange(win_length // 2)
    window = 0.5 + 0.5 * np.cos(2 * np.pi * step / win_length)
    window[0] /= 2  # the middle sample stands in both halves
    angle = 2 * np.pi * np.outer(step, bins) / n_fft
    return window[:, None] * np.cos(angle), window[:, None] * np.sin(angle)
