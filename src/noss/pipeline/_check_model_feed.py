"""Generated sound, and a model fed with it as the pipeline would feed it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from noss.models import Card

if TYPE_CHECKING:
    from noss.models import Embedder

Waveform = NDArray[np.float32]
Frames = NDArray[np.float32]
TOLERANCE = 1e-5


class Feed:
    """A model, its card, and three clips of unlike lengths and levels drawn from `seed`.

    Checks that may take as long as they like take `budget_s` seconds each, about.
    """

    def __init__(self, embedder: Embedder, card: Card, *, seed: int = 0, budget_s: float = 6.0) -> None:
        self.embedder, self.card, self.seed, self.budget_s = embedder, card, seed, budget_s
        generator = np.random.default_rng(seed)
        shortest = max(card.min_s, 0.4, 3 / card.frame_rate if card.frame_rate else 0.0)
        sizes_s = (shortest * np.array([1.0, 2.3, 1.61])).tolist()
        voices = [voice(seconds, card.sample_rate, generator) for seconds in sizes_s]
        self.clips = [self.fit(level * sound) for level, sound in zip((1.0, 0.2, 1.5), voices, strict=True)]

    def samples(self, seconds: float) -> int:
        """So many seconds in samples, at least one."""
        return max(1, ceil(seconds * self.card.sample_rate))

    def fit(self, sound: NDArray[Any]) -> Waveform:
        """The sound as the pipeline would feed it: padded to the card's shortest, float32."""
        mode = "symmetric" if self.card.padding == "symmetric" else "constant"
        missing = max(0, ceil(self.card.min_s * self.card.sample_rate) - len(sound))
        return np.pad(np.asarray(sound, dtype=np.float32), (0, missing), mode=mode)  # type: ignore[call-overload, no-any-return]

    def equal(self, number: int) -> list[Waveform]:
        """Clips of one length."""
        return [clip[: len(self.clips[0])] for clip in self.clips[:number]]

    def lasting(self, seconds: float) -> Waveform:
        """A clip that repeats the first one for so many seconds, as the pipeline would feed it."""
        return self.fit(np.resize(self.clips[0], self.samples(seconds)))

    def alone(self, clip: Waveform) -> Frames:
        """The frames (L, S, D) of a clip by itself."""
        return self.together([clip])[0]

    def together(self, clips: Sequence[Waveform], *, more: int = 0) -> list[Frames]:
        """The frames (L, S, D) that belong to each clip of one batch, `more` zeros behind the longest."""
        frames, lengths = self.run(clips, more=more)
        return [part[:, :length] for part, length in zip(frames, lengths, strict=True)]

    def vector(self, clip: Waveform) -> Frames:
        """The mean over a clip's frames (L, D)."""
        return np.asarray(self.alone(clip).mean(axis=1))

    def run(self, clips: Sequence[Waveform], *, more: int = 0) -> tuple[Frames, NDArray[np.int64]]:
        """What the model returns for a batch: frames (B, L, S, D) and their number (B,)."""
        import torch

        size = max(len(clip) for clip in clips) + more
        waveform_BT = torch.from_numpy(np.stack([np.pad(clip, (0, size - len(clip))) for clip in clips]))
        with torch.inference_mode():
            frames_BLSD, lengths_B = self.embedder(waveform_BT, torch.tensor([len(clip) for clip in clips]))
        return frames_BLSD.cpu().numpy(), lengths_B.cpu().numpy()

    def added_frames(self) -> int:
        """Frames that two more seconds bring."""
        short = self.card.min_s + 1.0
        counts = [int(self.run([self.fit(np.zeros(self.samples(short + more)))])[1][0]) for more in (0.0, 2.0)]
        return counts[1] - counts[0]


def worst(pairs: Sequence[tuple[Frames, Frames]], *, tolerance: float = TOLERANCE) -> tuple[bool, str]:
    """Whether all pairs agree to a tolerance of the largest value, at least of 1."""
    if any(one.shape != other.shape for one, other in pairs):
        return False, f"shapes differ: {next((a.shape, b.shape) for a, b in pairs if a.shape != b.shape)}"
    most = float(np.max([np.abs(one - other).max() / max(1.0, float(np.abs(one).max())) for one, other in pairs]))
    return most <= tolerance, f"largest difference {most:.1e}"


def voice(seconds: float, sample_rate: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """A sound with a pitch, harmonics, syllables and some noise, about as loud as speech."""
    time = np.arange(ceil(seconds * sample_rate)) / sample_rate
    pitch = generator.uniform(90, 260) * (1 + 0.1 * np.sin(2 * np.pi * generator.uniform(1, 4) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    tone = sum(np.sin(number * phase) / number for number in range(1, 12))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * generator.uniform(2, 6) * time + generator.uniform(0, 6))
    return np.asarray(0.1 * tone * syllables + 0.003 * generator.standard_normal(len(time)))
