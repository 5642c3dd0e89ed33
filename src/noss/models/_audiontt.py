"""AudioNTT, the convolutional net of BYOL-A and BYOL-S, and the log-mel that it hears.

Layers are numbered as in the published weights, which load as they are.

Source: Niizumi et al. 2021 (arXiv:2103.06695) and 2023 (10.1109/TASLP.2022.3221007); github.com/nttcslab/byol-a,
`byol_a/models.py`, `v2/byol_a2/models.py`, `config.yaml`; of BYOL-S, github.com/GasserElbanna/serab-byols.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from noss.audio.logmel import LogMel

N_MELS = 64
N_FFT = 1024
FRAMES_AT_ONCE = (
    800  # of log-mel outside training, over clips; a layer's maps are then 13 MB, about what a processor's cache holds
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """What tells the published sizes apart.

    `stack` puts the features of the convolutions before those of the linear layers, as in the net of 2022.
    """

    dim: int
    blocks: int = 3
    hidden: int | None = None
    stack: bool = False


class AudioNTT(nn.Module):
    """Blocks of convolution and pooling over bands and time, then two linear layers a frame."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.blocks, self.stack = size.blocks, size.stack
        layers: list[nn.Module] = []
        for block in range(size.blocks):
            layers += [nn.Conv2d(64 if block else 1, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.features.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on CPUs
        width = 64 * (N_MELS >> size.blocks)
        hidden = size.hidden or size.dim
        self.fc = nn.Sequential(
            nn.Linear(width, hidden),
            nn.ReLU(),
            nn.Dropout(p=0.3),
            nn.Linear(hidden, size.dim - width if size.stack else size.dim),
            nn.ReLU(),
        )

    def forward(self, logmel_BSM: Tensor, num_frames_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map standardised log-mel (B, S, M) to frames (B, S', D) and their number (B,), a half of S a block.

        Behind its end a clip meets the zeros of the convolutions' own padding, whatever follows it in the batch.
        """
        if self.training or torch.compiler.is_exporting() or logmel_BSM.is_cuda:
            return self._frames(logmel_BSM, num_frames_B)
        size = max(1, FRAMES_AT_ONCE // logmel_BSM.shape[1])
        pairs = zip(torch.split(logmel_BSM, size), torch.split(num_frames_B, size), strict=True)
        frames, numbers = zip(*(self._frames(*pair) for pair in pairs), strict=True)
        return torch.cat(frames), torch.cat(numbers)

    def _frames(self, logmel_BSM: Tensor, num_frames_B: Tensor) -> tuple[Tensor, Tensor]:
        maps = logmel_BSM.transpose(1, 2)[:, None]
        for block in range(self.blocks):
            maps = maps * _within(num_frames_B, maps.shape[-1])[:, None, None]
            maps = self.features[4 * block : 4 * block + 4](maps)
            num_frames_B = num_frames_B.div(2, rounding_mode="floor")
        flat_BSD = maps.permute(0, 3, 2, 1).flatten(start_dim=2)
        frames_BSD = self.fc(flat_BSD)
        return torch.cat([flat_BSD, frames_BSD], dim=2) if self.stack else frames_BSD, num_frames_B


class CentredLogMel(nn.Module):
    """Log-mel of 64 ms windows every 10 ms, centred, standardised over a clip or by the numbers of a corpus.

    Args:
        mean: Mean log-mel of a corpus; None takes each clip's own mean and deviation, as serab-byols does for one clip.
        deviation: Standard deviation to it.
    """

    def __init__(self, *, mean: float | None = None, deviation: float | None = None) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation
        self.logmel = LogMel(
            n_fft=N_FFT,
            win_length=N_FFT,
            n_mels=N_MELS,
            f_min=60.0,
            f_max=7_800.0,
            mel_scale="htk_hz",
            power=2,
            log_floor=0.0,
            log_offset=torch.finfo(torch.float32).eps,
        )

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to log-mel (B, S, M) and the clips' frames (B,), 1 + samples // 160."""
        mirrored_BT = _mirrored(waveform_BT, lengths_B, width=N_FFT // 2)
        logmel_BSM, num_frames_B = self.logmel(mirrored_BT, lengths_B + N_FFT)
        if self.mean is None or self.deviation is None:
            return _standardised(logmel_BSM, num_frames_B), num_frames_B
        return (logmel_BSM - self.mean) / self.deviation, num_frames_B


class AudioNTTEmbedder(nn.Module):
    """Waveforms to one vector a clip: the mean over time plus the maximum over time."""

    def __init__(self, size: Size, *, mean: float | None = None, deviation: float | None = None) -> None:
        super().__init__()
        self.front_end = CentredLogMel(mean=mean, deviation=deviation)
        self.net = AudioNTT(size)

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to vectors (B, 1, 1, D) and ones (B,)."""
        frames_BSD, num_frames_B = self.net(*self.front_end(waveform_BT, lengths_B))
        behind_BS1 = ~_within(num_frames_B, frames_BSD.shape[1])[..., None]
        mean_BD = frames_BSD.masked_fill(behind_BS1, 0.0).sum(dim=1) / num_frames_B[:, None]
        most_BD = frames_BSD.masked_fill(behind_BS1, -torch.inf).amax(dim=1)
        return (mean_BD + most_BD)[:, None, None], torch.ones_like(lengths_B)


def _within(lengths_B: Tensor, size: int) -> Tensor:
    """True where a clip has frames, False behind its end: (B, S)."""
    return torch.arange(size, device=lengths_B.device) < lengths_B[:, None]


def _mirrored(waveform_BT: Tensor, lengths_B: Tensor, *, width: int) -> Tensor:
    """Waveforms with `width` samples mirrored about the first and each clip's last one: (B, T + 2 width)."""
    place_T = _magnitude(torch.arange(-width, waveform_BT.shape[1] + width, device=waveform_BT.device))
    last_B1 = lengths_B[:, None] - 1
    mirrored_BT = last_B1 - _magnitude(place_T - last_B1)
    return waveform_BT.gather(1, mirrored_BT.clamp(min=0))


def _magnitude(place: Tensor) -> Tensor:
    """Whole numbers without their sign; LiteRT has no `abs` of 64-bit ones."""
    return torch.maximum(place, -place)


def _standardised(logmel_BSM: Tensor, num_frames_B: Tensor) -> Tensor:
    """Log-mel of zero mean and unit deviation over a clip's own frames and bands; of silence, zeros.

    Sums run in float64, so that a clip's numbers do not depend on how long its batch is; in an exported file, where no clip has
    company of another length, in float32, as phones have no other.
    """
    kind = torch.float32 if torch.compiler.is_exporting() else torch.float64
    within_BS1 = _within(num_frames_B, logmel_BSM.shape[1])[..., None]
    count_B11 = (num_frames_B * logmel_BSM.shape[2])[:, None, None].to(kind)
    values = logmel_BSM.to(kind).masked_fill(~within_BS1, 0.0)
    centred = (values - values.sum(dim=(1, 2), keepdim=True) / count_B11).masked_fill(~within_BS1, 0.0)
    deviation_B11 = (centred.square().sum(dim=(1, 2), keepdim=True) / (count_B11 - 1)).sqrt()
    return (centred / deviation_B11.clamp(min=1e-5)).to(logmel_BSM.dtype)
