"""What a training run draws its crops from: recordings of several sources, in shares, some of them held out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from noss.audio import read
from noss.datasets import Clip
from noss.errors import AudioError, DataError
from noss.pipeline._embed_sources import clips_of
from noss.pipeline._train_classes import class_of, classes_of
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_recording import Recording
from noss.pipeline._train_shards import Members, is_shards, open_shards

_BLOCK = 1000  # crops in which every source has exactly its share


@dataclass(frozen=True)
class Corpus:
    """The recordings of every source, what is held out of them, the classes, and the files that cannot be used.

    Attributes:
        train: Recordings to train on, a list a source.
        held_out: Recordings to validate on, a list a source.
        shares: The share of the crops of each source.
        classes: The classes, in the order of their numbers, with several targets those of `noss.pipeline._train_classes`;
            empty without a target.
        broken: Files whose header cannot be read, with the reason.
        clips: Every clip of the sources that are no shards, by the number of its recording.
    """

    train: Sequence[Sequence[Recording]]
    held_out: Sequence[Sequence[Recording]]
    shares: Sequence[float]
    classes: tuple[str, ...]
    broken: Mapping[str, str]
    clips: Sequence[Clip]

    @property
    def num_recordings(self) -> int:
        """Recordings that can be used."""
        return sum(map(len, [*self.train, *self.held_out]))


def open_corpus(recipe: Recipe, *, roots: Mapping[str, Path], cache: Path) -> Corpus:
    """Every recording that a recipe names, with its length from the header.

    Raises:
        DataError: A source is not there, has nothing to train on, or has no clip with the target.
    """
    if recipe.teachers and recipe.targets != "local" and any(map(is_shards, recipe.shares)):
        raise DataError(
            f"targets is {recipe.targets!r} and no vectors of whole members of shards are kept: set it to local"
        )
    sources: dict[str, Sequence[Clip]] = {
        name: open_shards(name, cache=cache) if is_shards(name) else clips_of([name], roots=roots, cache=cache)
        for name in recipe.shares
    }
    classes = classes_of(sources, recipe.target)
    broken: dict[str, str] = {}
    parts: dict[str, tuple[Sequence[Recording], Sequence[Recording]]] = {}
    first = 0
    for name in sorted(sources, key=is_shards):  # files come first, so that their numbers are places in `clips`
        parts[name] = _parts(sources[name], recipe, classes, first=first, broken=broken)
        first += len(sources[name])
        if not parts[name][0]:
            raise DataError(
                f"{name} has no recording to train on ({len(sources[name])} clips): check the folder and `validation`"
            )
    train, held_out = ([parts[name][which] for name in sources] for which in (0, 1))
    clips = [clip for name, some in sources.items() if not is_shards(name) for clip in some]
    return Corpus(train, held_out, list(recipe.shares.values()), classes, broken, clips)


class Draws:
    """Which recording the n-th crop comes from, as a pure function of n: every source in its share, no favourites.

    Within a source each recording comes once before any comes again; the order is another in every round.

    Args:
        sources: Recordings, a list a source; empty lists have no share.
        shares: The share of each.
        seed: The seed of the order.
        crop_s: Seconds of a crop, where long recordings are to come more often; None where each comes once a round.
    """

    def __init__(
        self, sources: Sequence[Sequence[Recording]], shares: Sequence[float], *, seed: int, crop_s: float | None = None
    ) -> None:
        self._sources = sources
        self._seed = seed
        self._turns = [_turns(source, crop_s) for source in sources]
        wanted = np.array([share if len(source) else 0.0 for share, source in zip(shares, sources, strict=True)])
        self._slots = _shared(wanted / wanted.sum(), _BLOCK) if wanted.sum() else np.zeros(len(sources), dtype=np.int64)

    def __len__(self) -> int:
        return sum(map(len, self._turns))

    def __getitem__(self, number: int) -> Recording:
        block, place = divmod(number, _BLOCK)
        order = _order(len(self._slots), tuple(self._slots.tolist()), self._seed, block)
        source = int(order[place])
        before = block * int(self._slots[source]) + int((order[:place] == source).sum())
        turns = self._turns[source]
        lap, within = divmod(before, len(turns))
        return self._sources[source][int(turns[_permuted(len(turns), self._seed, source, lap)[within]])]


def _turns(source: Sequence[Recording], crop_s: float | None) -> NDArray[np.int64]:
    """The places of recordings, each as often as it comes in a round."""
    if crop_s is None:
        return np.arange(len(source))
    return np.repeat(np.arange(len(source)), [max(1, round(one.duration_s / crop_s)) for one in source])


def _shared(shares: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """So many slots in shares, as whole numbers by largest remainder; no share above zero gets none."""
    exact = shares * number
    slots = np.maximum(np.floor(exact).astype(np.int64), (shares > 0).astype(np.int64))
    for place in np.argsort(slots - exact)[: max(0, number - int(slots.sum()))]:
        slots[place] += 1
    slots[int(np.argmax(slots))] += number - int(slots.sum())
    return slots


@lru_cache(maxsize=4)
def _order(num_sources: int, slots: tuple[int, ...], seed: int, block: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 1, block)).permutation(np.repeat(np.arange(num_sources), slots))


@lru_cache(maxsize=64)
def _permuted(number: int, seed: int, source: int, lap: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 2, source, lap)).permutation(number)


def _parts(
    clips: Sequence[Clip], recipe: Recipe, classes: Sequence[str], *, first: int, broken: dict[str, str]
) -> tuple[Sequence[Recording], Sequence[Recording]]:
    """The recordings of a source to train on, and those held out; those without the target are left out."""
    numbers = {name: label for label, name in enumerate(classes)}
    places: tuple[list[int], list[int]] = [], []
    labels: tuple[list[int], list[int]] = [], []
    for place, clip in enumerate(clips):
        label = numbers.get(class_of(clip, recipe.target) or "", -1) if recipe.target else -1
        if not recipe.target or label >= 0:
            part = int(_is_held_out(clip, recipe.validation, recipe.seed))
            places[part].append(place)
            labels[part].append(label)
    if isinstance(clips, Members):
        broken |= clips.broken
        train, held_out = (clips.recordings(places[part], first=first, labels=labels[part]) for part in (0, 1))
        return train, held_out
    made = (
        [_recording(clips[place], first + place, label, broken) for place, label in zip(*part, strict=True)]
        for part in zip(places, labels, strict=True)
    )
    kept_train, kept_held_out = ([one for one in some if one is not None] for some in made)
    return kept_train, kept_held_out


def _recording(clip: Clip, number: int, label: int, broken: dict[str, str]) -> Recording | None:
    try:
        whole_s = read.info(clip.path).duration_s
    except AudioError as error:
        broken[str(clip.path)] = str(error)
        return None
    duration_s = (whole_s if clip.end_s is None else min(clip.end_s, whole_s)) - clip.start_s
    if duration_s <= 0:
        broken[str(clip.path)] = (
            f"{clip.path} ends at {whole_s:g} s and the clip starts at {clip.start_s:g} s: correct it"
        )
        return None
    return Recording(number, clip.path, clip.start_s, duration_s, label)


def _is_held_out(clip: Clip, share: float | Literal["dev"], seed: int) -> bool:
    """Whether the clip's speaker, or the file where none is known, is held out: by hash, so it stays so as clips are added."""
    if share == "dev":
        return clip.split == "dev"
    whose = clip.speaker if clip.speaker is not None else clip.path.name
    return int(hashlib.sha256(f"{seed} {whose}".encode()).hexdigest()[:8], 16) < share * 2**32
