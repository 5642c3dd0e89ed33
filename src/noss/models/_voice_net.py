"""The net of `noss`'s own embeddings: AudioNTT, and four statistics of its frames over time.

The log-mel is AudioNTT's, standardised clip by clip, so that level and gain do not matter. A frame is 80 ms; a clip is the mean, the
maximum and the deviation of its frames, and how much they change from one to the next.

Sources: AudioNTT, Niizumi et al. 2021 (arXiv:2103.06695); statistics over time, Snyder et al. 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from noss.models._audiontt import AudioNTT, CentredLogMel, Size

NUM_STATISTICS = 4  # of each number of a frame


class VoiceNet(nn.Module):
    """Waveforms to one vector a clip: four statistics of frames, D = 4 x `size.dim`."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.front_end, self.net = CentredLogMel(), AudioNTT(size)

    def forward(self, waveform_BT: Tensor, lengths_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map waveforms (B, T) to vectors (B, 1, 1, D) and ones (B,)."""
        with torch.autocast(waveform_BT.device.type, enabled=False):
            logmel_BSM, num_frames_B = self.front_end(waveform_BT.float(), lengths_B)
        frames_BSD, num_frames_B = self.net(logmel_BSM, num_frames_B)
        return statistics(frames_BSD.float(), num_frames_B)[:, None, None], torch.ones_like(lengths_B)


def statistics(frames_BSD: Tensor, num_B: Tensor) -> Tensor:
    """Mean, maximum, deviation and mean absolute change (B, 4 D) of each clip's own frames, none of which is negative."""
    own_BS1 = (torch.arange(frames_BSD.shape[1], device=frames_BSD.device) < num_B[:, None])[..., None]
    num_B1 = num_B[:, None].to(frames_BSD.dtype)
    kept_BSD = frames_BSD.masked_fill(~own_BS1, 0.0)
    mean_BD = kept_BSD.sum(dim=1) / num_B1
    apart_BSD = (frames_BSD - mean_BD[:, None]).masked_fill(~own_BS1, 0.0)
    deviation_BD = (apart_BSD.square().sum(dim=1) / num_B1 + 1e-8).sqrt()
    steps_BSD = (frames_BSD[:, 1:] - frames_BSD[:, :-1]).abs().masked_fill(~own_BS1[:, 1:], 0.0)
    change_BD = steps_BSD.sum(dim=1) / (num_B1 - 1.0).clamp(min=1.0)
    return torch.cat([mean_BD, kept_BSD.amax(dim=1), deviation_BD, change_BD], dim=1)
