"""A clip as another world would have recorded it: its waveform is altered after it is read and before it is cut.

The alteration is that of the recording: it acts at the file's own sample rate, whatever rate a model takes. What is drawn
(the noise, the room, the lost packets) depends on the clip's identity and the seed, and on nothing else: the same for every
model, in any order, on any machine; and the same noise at every ratio. A clip is held whole while it is altered.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import soxr
from numpy.typing import NDArray

from noss import identity
from noss.audio import augment, read
from noss.errors import AudioError
from noss.pipeline._conditions import Condition

_VERSION: Final = 1  # raised by one whenever an alteration changes
_DRAWN: Final = ("noise", "reverberation", "room", "packet loss")
_BURST: Final = 3.0  # packets lost in a row, on average
_TRIES: Final = 20
Waveform = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """What is done to every clip.

    Attributes:
        condition: What is done.
        recordings: Of noise or a room that was recorded, the files to draw from.
        digest: A hash over the recordings' bytes.
        seed: The seed of what is drawn.
    """

    condition: Condition
    recordings: tuple[Path, ...] = ()
    digest: str = ""
    seed: int = 0

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that shapes the altered waveform, as plain facts."""
        of = self.digest or self.condition.of
        seed = self.seed if self.condition.kind in _DRAWN else None
        return {
            "kind": self.condition.kind,
            "values": self.condition.values,
            "of": of,
            "seed": seed,
            "version": _VERSION,
        }

    def read(
        self, path: Path, *, sample_rate: int, start_s: float = 0.0, end_s: float | None = None
    ) -> NDArray[np.float32]:
        """The altered waveform (T,) of a clip at a model's sample rate.

        Raises:
            AudioError: The clip or a recording cannot be read, or has nothing that could be mixed in.
        """
        waveform_T, rate = read.read(path, start_s=start_s, end_s=end_s)
        altered_T = self(waveform_T, sample_rate=rate, seed=self._seed(path, start_s, end_s))
        if rate == sample_rate:
            return altered_T
        resampled_T: Waveform = soxr.resample(altered_T, rate, sample_rate, quality="HQ")
        return resampled_T if len(resampled_T) else altered_T[:1]

    def __call__(self, waveform_T: Waveform, *, sample_rate: int, seed: int) -> Waveform:
        """A waveform (T,) altered at its own sample rate.

        Args:
            waveform_T: Samples (T,).
            sample_rate: In Hz.
            seed: Stands for the clip.
        """
        kind, values = self.condition.kind, self.condition.values
        if kind in _PLAIN:
            return _PLAIN[kind](waveform_T, sample_rate, *values)
        generator = np.random.default_rng(seed)
        if kind == "noise":
            noise_T = self._noise(len(waveform_T), sample_rate, generator)
            return augment.add_noise(waveform_T, noise_T, snr_db=values[0])
        if kind == "packet loss":
            rate = values[0] / 100
            return augment.lose_packets(waveform_T, sample_rate=sample_rate, rate=rate, burst=_BURST, seed=generator)
        if kind == "room":
            impulse_T = augment.trim_impulse(self._recording(sample_rate, generator))
        else:
            impulse_T = augment.room_impulse(values[0], sample_rate=sample_rate, seed=generator)
        return augment.reverberate(waveform_T, impulse_T)

    def _seed(self, path: Path, start_s: float, end_s: float | None) -> int:
        if self.condition.kind not in _DRAWN:
            return 0
        digest = identity.digests([path], memo=None)[0]
        if isinstance(digest, OSError):
            raise AudioError(f"{os.fspath(path)} cannot be read: {digest.strerror or digest}")
        found = hashlib.sha256(f"{digest}:{start_s!r}:{end_s!r}:{self.seed}".encode()).digest()
        return int.from_bytes(found[:8], "big")

    def _noise(self, num_samples: int, sample_rate: int, generator: np.random.Generator) -> Waveform:
        """Noise (T,), made or recorded; a stretch of a recording that is silent is drawn again."""
        of = self.condition.of
        if not self.recordings:
            made = cast(augment.MadeNoise, of)
            return augment.made_noise(made, num_samples, sample_rate=sample_rate, seed=generator)
        for _ in range(_TRIES):
            noise_T = augment.loop(self._recording(sample_rate, generator), num_samples, seed=generator)
            if noise_T.any():
                return noise_T
        raise AudioError(f"{_TRIES} recordings of {of} drawn in a row are silent: leave silent files out of the folder")

    def _recording(self, sample_rate: int, generator: np.random.Generator) -> Waveform:
        path = self.recordings[int(generator.integers(len(self.recordings)))]
        return read.read(path, sample_rate=sample_rate)[0]


_PLAIN: Final[Mapping[str, Callable[..., Waveform]]] = {
    "mu-law": lambda x_T, rate: augment.mu_law(x_T, sample_rate=rate),
    "opus": lambda x_T, rate, kbits: augment.through_opus(x_T, sample_rate=rate, kbits=kbits),
    "mp3": lambda x_T, rate, kbits: augment.through_mp3(x_T, sample_rate=rate, kbits=kbits),
    "band": lambda x_T, rate, low, high: augment.limit_band(x_T, sample_rate=rate, low_hz=low, high_hz=high),
    "clipping": lambda x_T, rate, percent: augment.clip_peaks(x_T, share=percent / 100),
    "gain": lambda x_T, rate, gain_db: augment.change_gain(x_T, gain_db=gain_db),
    "speed": lambda x_T, rate, factor: augment.change_speed(x_T, factor=factor),
}
