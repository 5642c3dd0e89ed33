"""A student that trains in seconds: log-mel, four frames side by side, two convolutions over time; 64 dimensions."""

from __future__ import annotations

from noss.models import Card

CARDS = {
    "": Card(sample_rate=16_000, frame_rate=25.0, dim=64, source="by hand", licence="CC0-1.0", weights=None, min_s=0.1)
}


def build(choice: str, *, seed: int = 0):
    import torch
    from torch import nn

    from noss.audio.logmel import LogMel

    class Student(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.front_end = LogMel(n_mels=40)
            self.first = nn.Sequential(nn.LayerNorm(160), nn.Linear(160, 128), nn.GELU())
            self.mixed = nn.Sequential(nn.Conv1d(128, 128, 15, padding=7, groups=16), nn.GELU())
            self.last = nn.Sequential(nn.LayerNorm(128), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 64))

        def forward(self, waveform_BT, lengths_B):
            logmel_BSM, num_frames_B = self.front_end(waveform_BT, lengths_B)
            even_BSM = nn.functional.pad(logmel_BSM, (0, 0, 0, -logmel_BSM.shape[1] % 4))
            first_BSD = self.first(even_BSM.reshape(len(even_BSM), -1, 160))
            mixed_BSD = first_BSD + self.mixed(first_BSD.transpose(1, 2)).transpose(1, 2)
            return self.last(mixed_BSD)[:, None], (num_frames_B + 3) // 4

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Student()
