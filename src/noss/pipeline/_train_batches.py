"""Batches of crops as a pure function of their number: any worker, any process and any resumed run makes the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from noss.audio import read
from noss.errors import AudioError, DataError
from noss.objectives import Batch, Needs
from noss.pipeline._train_corpus import Draws
from noss.pipeline._train_lengths import ByLength
from noss.pipeline._train_recording import Recording, Span
from noss.pipeline._train_shards import audio_file, fetched

_TRIES = 20
_LEAD_S = 3.0  # a stretch may be so much longer than its crops: decoders of Opus and Vorbis start so far ahead

Augment = Callable[[NDArray[np.float32], np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Crop:
    """How crops are cut: at which rate, how long, how many of each recording and how near to each other."""

    sample_rate: int
    crop_s: float
    views: int = 1
    within_s: float | None = None

    @classmethod
    def of(cls, needs: Needs, *, sample_rate: int, crop_s: float) -> Crop:
        """The crops that an objective needs."""
        return cls(sample_rate=sample_rate, crop_s=crop_s, views=needs.views, within_s=needs.within_s)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A batch as it leaves a worker.

    Attributes:
        waveform_BVT: Crops (B, V, T).
        clean: The same before augmentation, for a teacher: crops (B, V, T) and their samples (B, V).
        lengths_BV: Their samples (B, V).
        source_B: Numbers of their recordings (B,).
        label_B: Their classes (B,).
        names: The files that they were cut from.
        broken: Files that turned out to be broken, with the reason; others were drawn in their place.
    """

    waveform_BVT: Tensor
    clean: tuple[Tensor, Tensor]
    lengths_BV: Tensor
    source_B: Tensor
    label_B: Tensor
    names: list[str]
    broken: Mapping[str, str] = field(default_factory=dict)

    def batch(self) -> Batch:
        """What an objective sees of it, without a teacher's targets."""
        labels_B = self.label_B if bool((self.label_B >= 0).all()) else None
        return Batch(
            waveform_BVT=self.waveform_BVT, lengths_BV=self.lengths_BV, source_B=self.source_B, label_B=labels_B
        )


class Batches(Dataset[Loaded]):
    """Batch number n holds crops n * size to (n + 1) * size - 1 of the draws.

    Args:
        draws: Which recording each crop comes from.
        crop: How it is cut.
        size: Recordings in a batch, B.
        seed: The seed of crops and augmentation.
        augment: What is done to a crop; None for nothing.
    """

    def __init__(
        self, draws: Draws | ByLength, *, crop: Crop, size: int, seed: int, augment: Augment | None = None
    ) -> None:
        self._draws, self._crop, self._size, self._seed, self._augment = draws, crop, size, seed, augment

    def __getitem__(self, number: int) -> Loaded:
        """The batch of that number.

        Raises:
            DataError: Twenty recordings in a row are broken.
        """
        broken: dict[str, str] = {}
        places = range(number * self._size, (number + 1) * self._size)
        held = fetched([self._draws[place] for place in places])
        rows = [self._row(place, held, broken) for place in places]
        clean = _stacked([row.clean for row in rows])
        waveform_BVT, lengths_BV = _stacked([row.views for row in rows]) if self._augment else clean
        return Loaded(
            waveform_BVT=waveform_BVT,
            clean=clean,
            lengths_BV=lengths_BV,
            source_B=torch.tensor([row.recording.number for row in rows]),
            label_B=torch.tensor([row.recording.label for row in rows]),
            names=[str(row.recording.path) for row in rows],
            broken=broken,
        )

    def _row(self, number: int, held: Mapping[Span, bytes], broken: dict[str, str]) -> _Row:
        """The crops of one recording; one that cannot be read is passed over for another."""
        for attempt in range(_TRIES):
            generator = np.random.default_rng((self._seed, 3, number, attempt))
            place = number if attempt == 0 else int(generator.integers(2**31))
            recording = self._draws[place]
            try:
                with audio_file(recording, held) as file:
                    clean = list(self._views(recording, file, generator))
            except AudioError as error:
                broken[str(recording.path)] = str(error)
                continue
            views = [self._augment(view, generator) for view in clean] if self._augment else clean
            return _Row(recording, clean, views)
        raise DataError(
            f"{_TRIES} recordings in a row cannot be read, the last of them {recording.path}: check the data"
        )

    def _views(self, recording: Recording, file: Path, generator: np.random.Generator) -> Iterator[NDArray[np.float32]]:
        """The crops of a recording; those that lie close by come from one stretch, which is decoded once."""
        crop_s, rate = self._crop.crop_s, self._crop.sample_rate
        starts_s = list(self._starts(recording, generator))
        low_s, high_s = min(starts_s), max(starts_s) + crop_s
        if high_s - low_s > crop_s * len(starts_s) + _LEAD_S:
            yield from (self._cut(recording, file, start_s, start_s + crop_s) for start_s in starts_s)
            return
        stretch_T = self._cut(recording, file, low_s, high_s)
        for start_s in starts_s:
            yield stretch_T[round(start_s * rate) - round(low_s * rate) :][: round(crop_s * rate)]

    def _starts(self, recording: Recording, generator: np.random.Generator) -> Iterator[float]:
        crop, room_s = self._crop, max(0.0, recording.duration_s - self._crop.crop_s)
        first_s = float(generator.uniform(0.0, room_s))
        yield first_s
        for _ in range(crop.views - 1):
            if crop.within_s is None:
                yield first_s
                continue
            low, high = max(0.0, first_s - crop.within_s), min(room_s, first_s + crop.within_s)
            yield float(generator.uniform(low, high))

    def _cut(self, recording: Recording, file: Path, start_s: float, end_s: float) -> NDArray[np.float32]:
        rate, last_s = self._crop.sample_rate, min(end_s, recording.duration_s)
        waveform_T, _ = read.read(
            file, sample_rate=rate, start_s=recording.start_s + start_s, end_s=recording.start_s + last_s
        )
        return waveform_T[: round(end_s * rate) - round(start_s * rate)]


@dataclass(frozen=True)
class _Row:
    recording: Recording
    clean: Sequence[NDArray[np.float32]]
    views: Sequence[NDArray[np.float32]]


def _stacked(rows: Sequence[Sequence[NDArray[np.float32]]]) -> tuple[Tensor, Tensor]:
    """Crops as one array (B, V, T), zeros behind short ones, and their samples (B, V)."""
    lengths_BV = np.array([[len(view) for view in row] for row in rows])
    waveform_BVT = np.zeros((*lengths_BV.shape, int(lengths_BV.max())), dtype=np.float32)
    for row_VT, row in zip(waveform_BVT, rows, strict=True):
        for place_T, view in zip(row_VT, row, strict=True):
            place_T[: len(view)] = view
    return torch.from_numpy(waveform_BVT), torch.from_numpy(lengths_BV)


def loader(batches: Batches, numbers: Sequence[int], *, workers: int, pinned: bool = False) -> Iterator[Loaded]:
    """Batches of these numbers in their order, made by worker processes ahead of time; 0 makes them here."""
    options: dict[str, Any] = {"prefetch_factor": 4, "persistent_workers": False} if workers else {}
    return iter(
        DataLoader(
            batches,
            batch_size=None,
            sampler=numbers,
            num_workers=workers,
            pin_memory=pinned,
            worker_init_fn=_one_thread,
            **options,
        )
    )


def _one_thread(worker: int) -> None:
    del worker
    torch.set_num_threads(1)
