"""Waveforms and spectrograms changed while training, by the recipe: `augment` and `spec_augment`.

`augment` maps names to options, and is applied in its order. Every kind takes `p`, the chance that it is applied (0.5). Numbers
with a lowest and a highest value are drawn evenly between them:

    gain   low_db, high_db          louder or softer
    noise  low_db, high_db, folder  noise at that ratio to the speech; of a folder, or babble, pink or white noise, made
    room   low_s, high_s            reverberation of that time, made
    speed  low, high                played faster or slower
    codec  names                    mu_law, opus or mp3, at low bit rates
    band   low_hz, high_hz          cut to that band
    loss   rate                     that share of packets lost

`spec_augment` masks stretches of time and bands of the student's log-mel: `num_freq_masks`, `most_bands`, `num_time_masks`,
`most_frames`, `filling`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from noss.audio import augment as change
from noss.audio import read
from noss.audio.logmel import LogMel
from noss.errors import DataError
from noss.pipeline._alteration_files import open_recordings
from noss.pipeline._train_recipe import Recipe
from noss.shelf import did_you_mean

Waveform = NDArray[np.float32]
_MADE = ("babble", "pink", "white")
_CODECS = ("mu_law", "opus", "mp3")


class Chain:
    """The changes of a recipe, one after the other.

    Args:
        recipe: The run's settings.
        sample_rate: Of the crops, in Hz.
        cache: The cache folder, where hashes of noise are remembered.

    Raises:
        DataError: A kind or one of its options is unknown, or a folder of noise holds no audio.
    """

    def __init__(self, recipe: Recipe, *, sample_rate: int, cache: Path) -> None:
        self._rate, self._cache = sample_rate, cache
        self._heard: dict[Path, Waveform] = {}
        self._files: dict[str, list[Path]] = {}
        self._steps = [self._step(name, dict(options)) for name, options in recipe.augment.items()]

    def __call__(self, waveform_T: Waveform, generator: np.random.Generator) -> Waveform:
        """The waveform (T,) changed, no longer than it was."""
        changed_T = waveform_T
        for chance, apply, options in self._steps:
            if generator.random() < chance:
                changed_T = apply(changed_T, generator, **options)
        return np.ascontiguousarray(changed_T[: len(waveform_T)], dtype=np.float32)

    def _step(self, name: str, options: dict[str, Any]) -> tuple[float, Callable[..., Waveform], dict[str, Any]]:
        kinds: dict[str, Callable[..., Waveform]] = {
            "gain": self._gain,
            "noise": self._noise,
            "room": self._room,
            "speed": self._speed,
            "codec": self._codec,
            "band": self._band,
            "loss": self._loss,
        }
        if name not in kinds:
            raise DataError(f"augment has no kind {name!r}: {did_you_mean(name, list(kinds))}")
        known = [one for one in inspect.signature(kinds[name]).parameters if one not in {"waveform_T", "generator"}]
        chance = options.pop("p", 0.5)
        for option in options:
            if option not in known:
                raise DataError(f"augment's {name} has no option {option!r}: {did_you_mean(option, ['p', *known])}")
        if not (isinstance(chance, int | float) and 0 <= chance <= 1):
            raise DataError(f"augment's {name} has p={chance!r} and a chance from 0 to 1 is needed: correct it")
        if folder := options.get("folder"):
            self._files[folder] = list(open_recordings(folder, option="augment's noise", cache=self._cache).paths)
        return float(chance), kinds[name], options

    def _gain(
        self, waveform_T: Waveform, generator: np.random.Generator, *, low_db: float = -12.0, high_db: float = 6.0
    ) -> Waveform:
        return change.change_gain(waveform_T, gain_db=float(generator.uniform(low_db, high_db)))

    def _noise(
        self,
        waveform_T: Waveform,
        generator: np.random.Generator,
        *,
        low_db: float = 5.0,
        high_db: float = 25.0,
        folder: str | None = None,
    ) -> Waveform:
        if folder is None:
            kind: Any = _MADE[int(generator.integers(len(_MADE)))]
            noise_T = change.made_noise(kind, len(waveform_T), sample_rate=self._rate, seed=generator)
        else:
            files = self._files[folder]
            recording_T = self._recording(files[int(generator.integers(len(files)))])
            noise_T = change.loop(recording_T, len(waveform_T), seed=generator)
        snr_db = float(generator.uniform(low_db, high_db))
        return change.add_noise(waveform_T, noise_T, snr_db=snr_db) if noise_T.any() else waveform_T

    def _room(
        self, waveform_T: Waveform, generator: np.random.Generator, *, low_s: float = 0.1, high_s: float = 0.8
    ) -> Waveform:
        time_s = float(generator.uniform(low_s, high_s))
        return change.reverberate(waveform_T, change.room_impulse(time_s, sample_rate=self._rate, seed=generator))

    def _speed(
        self, waveform_T: Waveform, generator: np.random.Generator, *, low: float = 0.9, high: float = 1.1
    ) -> Waveform:
        return change.change_speed(waveform_T, factor=float(generator.uniform(low, high)))

    def _codec(
        self, waveform_T: Waveform, generator: np.random.Generator, *, names: tuple[str, ...] = _CODECS
    ) -> Waveform:
        name = names[int(generator.integers(len(names)))]
        if name == "mu_law":
            return change.mu_law(waveform_T, sample_rate=self._rate)
        if name == "opus":
            return change.through_opus(waveform_T, sample_rate=self._rate, kbits=float(generator.uniform(6, 24)))
        return change.through_mp3(waveform_T, sample_rate=self._rate, kbits=float(generator.uniform(16, 48)))

    def _band(
        self, waveform_T: Waveform, generator: np.random.Generator, *, low_hz: float = 300.0, high_hz: float = 3400.0
    ) -> Waveform:
        del generator
        return change.limit_band(waveform_T, sample_rate=self._rate, low_hz=low_hz, high_hz=high_hz)

    def _loss(self, waveform_T: Waveform, generator: np.random.Generator, *, rate: float = 0.05) -> Waveform:
        return change.lose_packets(waveform_T, sample_rate=self._rate, rate=rate, seed=generator)

    def _recording(self, path: Path) -> Waveform:
        if path not in self._heard:
            self._heard[path] = read.read(path, sample_rate=self._rate)[0]
        return self._heard[path]


class Masks:
    """Masks on a student's log-mel while it trains, as SpecAugment draws them.

    Args:
        settings: The recipe's `spec_augment`.
        student: The student.

    Raises:
        DataError: An option is unknown, or the student has no log-mel front end.
    """

    def __init__(self, settings: Mapping[str, Any], student: nn.Module) -> None:
        known = [name for name in inspect.signature(change.mask_logmel).parameters if name not in {"logmel_SM", "seed"}]
        for name in settings:
            if name not in known:
                raise DataError(f"spec_augment has no option {name!r}: {did_you_mean(name, known)}")
        defaults = {name: inspect.signature(change.mask_logmel).parameters[name].default for name in known}
        self._settings = {**defaults, **settings}
        self._fronts = [part for part in student.modules() if isinstance(part, LogMel)]
        if not self._fronts:
            raise DataError("spec_augment masks log-mel and the student has no such front end: leave it out")

    @contextmanager
    def on(self) -> Iterator[None]:
        """Inside, what the front ends give is masked."""
        handles = [front.register_forward_hook(self._masked) for front in self._fronts]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _masked(self, front: nn.Module, inputs: Any, output: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        del front, inputs
        logmel_BSM, num_frames_B = output
        found, filling = self._settings, self._settings["filling"]
        bands_BM = _spans(logmel_BSM, logmel_BSM.shape[2], number=found["num_freq_masks"], most=found["most_bands"])
        times_BS = _spans(logmel_BSM, logmel_BSM.shape[1], number=found["num_time_masks"], most=found["most_frames"])
        return logmel_BSM.masked_fill(bands_BM[:, None] | times_BS[..., None], filling), num_frames_B


def _spans(logmel_BSM: Tensor, size: int, *, number: int, most: int) -> Tensor:
    """The union (B, size) of `number` spans for each crop, each up to `most` wide."""
    device, shape = logmel_BSM.device, (len(logmel_BSM), number, 1)
    width = torch.randint(min(most, size) + 1, shape, device=device)
    start = (torch.rand(shape, device=device) * (size - width + 1)).long()
    place = torch.arange(size, device=device)
    return ((place >= start) & (place < start + width)).any(dim=1)
