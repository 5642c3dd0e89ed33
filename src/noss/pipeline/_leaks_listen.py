"""One pass over the clips, in processes: each is decoded once, and measured, hashed and fingerprinted on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from noss import shelf
from noss.audio.read import info, stream
from noss.datasets import Clip
from noss.engines import Died
from noss.errors import AudioError
from noss.pipeline._embed_machine import cores
from noss.pipeline._leaks_fingerprint import Fingerprint, Words
from noss.pipeline._leaks_properties import Facts, Properties

_WINDOW_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A clip as it sounds.

    Attributes:
        facts: Its properties by name.
        samples: A hash of its samples, without zeros at its ends; empty where all are zero.
        words: Its fingerprint (S,).
        wrong: Why it could not be decoded; then there is nothing else.
    """

    facts: Facts = field(default_factory=dict)
    samples: str = ""
    words: Words = field(default_factory=lambda: np.empty(0, np.uint64))
    wrong: str = ""


def listen(clips: Sequence[Clip]) -> Iterator[tuple[int, Heard]]:
    """Every clip by its row, in the order in which they are done."""
    for row, outcome in in_processes(partial(_Ear, clips), range(len(clips))):
        yield row, Heard(wrong=f"its decoder died: {outcome.reason}") if isinstance(outcome, Died) else outcome


def in_processes(make: Callable[[], Callable[[Any], Any]], items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """What `make()` gives for every item, from one process a core; in this one where there are few."""
    engine = shelf.load("engines", "local")
    few = len(items) < (8 if engine.forks(threads=1) else 500)
    found: Iterator[tuple[Any, Any]] = engine.run(make, items, workers=0 if few else cores())
    return found


class _Ear:
    def __init__(self, clips: Sequence[Clip]) -> None:
        self._clips = clips

    def __call__(self, row: int) -> Heard:
        clip = self._clips[row]
        try:
            header = info(clip.path)
            properties, fingerprint = Properties(header.sample_rate), Fingerprint(header.sample_rate)
            samples = _SampleHash()
            for window_T in _windows(clip, header.sample_rate):
                for measure in (properties, fingerprint, samples):
                    measure.add(window_T)
            fingerprint.add(np.empty(0, np.float32), last=True)
            facts = properties.facts(header, clip.path.stat().st_size)
        except AudioError as error:
            return Heard(wrong=str(error))
        return Heard(facts=facts, samples=samples.digest(), words=fingerprint.words())


def _windows(clip: Clip, sample_rate: int) -> Iterator[NDArray[np.float32]]:
    return stream(clip.path, sample_rate=sample_rate, window_s=_WINDOW_S, start_s=clip.start_s, end_s=clip.end_s)


class _SampleHash:
    """A hash of samples that no container, bit depth or added digital silence changes."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._num_zeros = 0
        self._started = False

    def add(self, waveform_T: NDArray[np.float32]) -> None:
        sounding = np.flatnonzero(waveform_T)
        if not len(sounding):
            self._num_zeros += len(waveform_T)
            return
        first, last = int(sounding[0]), int(sounding[-1]) + 1
        if self._started:
            self._hash.update(bytes(4 * (self._num_zeros + first)))
        self._hash.update((waveform_T[first:last] + np.float32(0)).tobytes())  # adding makes -0.0 a 0.0
        self._num_zeros, self._started = len(waveform_T) - last, True

    def digest(self) -> str:
        return self._hash.hexdigest()[:32] if self._started else ""
