"""Datasets by name: what `ravdess/emotion` or `csv/./calls.csv/mood` stands for, as clips and facts."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import methodcaller
from pathlib import Path
from types import ModuleType

from noss import runs, shelf
from noss.datasets import Clip, Dataset, Speakers, Trial
from noss.errors import DataError
from noss.pipeline._root import at_address, at_their_place, root_of
from noss.pipeline._whereabouts import explained
from noss.places import is_address, path_of


@dataclass(kw_only=True)
class Task:
    """A dataset and one of its targets: what a probe learns.

    Attributes:
        name: The whole name, `ravdess/emotion`; where the target was left out, it is filled in.
        dataset: The name without the target.
        target: What is predicted.
        card: The dataset's facts.
        classes: The declared classes that at least one clip has, in their declared order; None for numbers.
        metric: Name of the main metric.
        clips: The clips that have a label for the target.
        speakers: Whether train and test have speakers in common: `unknown` where some clip does not say who speaks or
            one speaker says everything, `shared` where the target is who speaks.
        root: Where the dataset is.
        warnings: Loud lines to show beside every score.
        trials: Gives the corpus's published trials for speaker verification from its root; None where it has none.
    """

    name: str
    dataset: str
    target: str
    card: Dataset
    classes: tuple[str, ...] | None
    metric: str
    clips: list[Clip]
    speakers: Speakers
    root: Path
    warnings: list[str] = field(default_factory=list)
    trials: Callable[[Path], Iterable[Trial]] | None = None

    @property
    def labels(self) -> list[str | float]:
        """The label of every clip, in the clips' order."""
        return [clip.labels[self.target] for clip in self.clips]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A dataset found by its name: its file on the shelf, where its clips are, and the target in the name, if any."""

    module: ModuleType
    name: str
    target: str | None
    root: Path

    @cached_property
    def card(self) -> Dataset:
        """The dataset's facts."""
        card = self.module.describe(self.root) if _is_wrapper(self.module) else self.module.DATASET
        assert isinstance(card, Dataset)
        return card

    @cached_property
    def clips(self) -> list[Clip]:
        """All of its clips."""
        try:
            clips = at_their_place(self.module.clips(self.root), self.root)
            if not clips:
                raise DataError(
                    f"no clip of {self.name} in {self.root}: check that it is the folder the dataset expects"
                )
        except DataError as error:
            if _is_wrapper(self.module):
                raise
            name = Path(self.name).stem if self.name.endswith(".py") else self.name
            raise DataError(explained(error, name=name, card=self.card, root=self.root)) from error
        return clips

    @cached_property
    def warnings(self) -> list[str]:
        """Loud lines for every task on it: what its file says, and whether clips of the complete corpus are missing."""
        found, complete = len(self.clips), self.card.num_clips
        if found >= complete:
            return self.remarks
        here = f"{found:,} of {complete:,} clips are listed, and scores are not those of the complete corpus"
        return [f"{here}: noss check dataset {self.name} says what is missing", *self.remarks]

    @cached_property
    def remarks(self) -> list[str]:
        """What its file has to say about the clips in its root."""
        return list(self.module.warnings(self.root)) if hasattr(self.module, "warnings") else []

    def task(self, target: str) -> Task:
        """The task of predicting one of its targets."""
        labelled = [clip for clip in self.clips if target in clip.labels]
        speakers, warnings = _speakers(self.card, target, labelled)
        return Task(
            name=f"{self.name}/{target}",
            dataset=self.name,
            target=target,
            card=self.card,
            classes=_classes(self, target, labelled),
            metric=self.card.metrics.get(target, self.card.metric),
            clips=labelled,
            speakers=speakers,
            root=self.root,
            warnings=[*self.warnings, *warnings],
            trials=getattr(self.module, "trials", None),
        )


def open_dataset(
    name: str, *, roots: Mapping[str, Path], cache: Path | None = None
) -> tuple[Dataset, list[Clip], Path]:
    """A dataset's facts, all of its clips, and where it is; a target in the name is ignored.

    Args:
        name: `ravdess`, `csv/./calls.csv`, `./mine.py`.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`.
        cache: Where datasets that are made on this machine are kept; None for the default.

    Raises:
        UnknownPartError: No such dataset.
        DataError: No root is known, or it does not hold the dataset.
    """
    source = find(name, roots=roots, cache=cache)
    return source.card, source.clips, source.root


def open_tasks(name: str, *, roots: Mapping[str, Path], cache: Path | None = None) -> list[Task]:
    """The tasks that a name stands for: one with a target, every target of a dataset without.

    A table without a target in the name stands for its column `label`, or else its only target (`speaker` apart).

    Args:
        name: `ravdess/emotion`, `ravdess`, `csv/./calls.csv/mood`, `csv/./calls.csv`, `./mine.py/mood`.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`.
        cache: Where datasets that are made on this machine are kept; None for the default.

    Raises:
        UnknownPartError: No such dataset.
        DataError: No such target, no root is known, or it does not hold the dataset.
    """
    source = find(name, roots=roots, cache=cache)
    return [source.task(target) for target in scored_targets(source)]


def find(name: str, *, roots: Mapping[str, Path], cache: Path | None = None) -> Source:
    """Where a dataset is and what describes it; no clip is listed yet.

    Args:
        name: `ravdess`, `ravdess/emotion`, `csv/./calls.csv/mood`, `./mine.py`.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`.
        cache: Where datasets that are made on this machine are kept; None for the default.

    Raises:
        UnknownPartError: No such dataset.
        DataError: No root is known, or there is none.
    """
    parsed = shelf.parse(name)
    module = shelf.load("datasets", parsed.part)
    choice = "@".join(part for part in (parsed.choice, parsed.layer) if part is not None) or None
    if not _is_wrapper(module):
        root = root_of(module, parsed.part, roots=roots, cache=cache)
        return Source(module=module, name=parsed.part, target=choice, root=root)
    if choice is None:
        raise DataError(f"{name} names no path: write {name}/PATH, for example {name}/./clips")
    source, target = _source_and_target(choice, module)
    root = module.prepare(source, runs.cache_folder(cache)) if hasattr(module, "prepare") else path_of(source)
    return Source(module=module, name=f"{parsed.part}/{source}", target=target, root=root)


def _is_wrapper(module: ModuleType) -> bool:
    return not hasattr(module, "DATASET")


def _is_place(module: ModuleType) -> bool:
    """Whether a dataset's name holds its root itself."""
    return _is_wrapper(module) and not hasattr(module, "prepare")


def _may_part(head: str, last: str) -> bool:
    """Whether a choice to be copied may end before its last part: not at `.` or `/`, nor before a config or pattern."""
    return bool(Path(head).name) and not set(":@*?[{") & set(last)


def _source_and_target(choice: str, module: ModuleType) -> tuple[str, str | None]:
    """A choice taken apart: at the longest path that exists, or else by the wrapper's own pattern."""
    kind = getattr(module, "ROOT", "file or folder")
    is_there = methodcaller({"file": "is_file", "folder": "is_dir"}.get(kind, "exists"))
    head, _, last = choice.rpartition("/")
    if is_address(choice):
        return at_address(choice, is_there, kind=kind, reads_there=_is_place(module))
    if is_there(Path(choice)):
        return choice, None
    if head and is_there(Path(head)) and (_is_place(module) or _may_part(head, last)):
        return head, last or None
    own = module.CHOICE.fullmatch(choice) if hasattr(module, "CHOICE") else None
    if own is not None:
        return own["source"], own["target"]
    for path in filter(None, (choice, head)):
        parent = Path(path).parent
        names = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
        near = difflib.get_close_matches(Path(path).name, names, n=2)
        if near:
            raise DataError(f"there is no {kind} {choice}: did you mean {' or '.join(near)}?")
    raise DataError(f"there is no {kind} {choice}: give a path as seen from this folder, or from /")


def scored_targets(source: Source) -> list[str]:
    """The target in the name, or else those that a run would score."""
    card = source.card
    if source.target is not None:
        if source.target not in card.targets:
            raise DataError(_unknown_target(source))
        return [source.target]
    if not _is_wrapper(source.module):
        return list(card.targets)
    if "label" in card.targets:
        return ["label"]
    choices = [target for target in card.targets if target != "speaker"] or list(card.targets)
    if len(choices) == 1:
        return choices
    if choices:
        raise DataError(f"{source.name} has the targets {', '.join(choices)}: say which, as {source.name}/{choices[0]}")
    raise DataError(f"{source.name} has no target to learn: {' '.join(card.notes) or 'its clips carry no labels'}")


def _unknown_target(source: Source) -> str:
    word, card = source.target or "", source.card
    why = next((note for note in card.notes if note.startswith(f"The column {word} ")), "")
    also = f", and {source.root / word} is no folder" if source.root.is_dir() and _is_place(source.module) else ""
    return why or f"{source.name} has no target {word!r}{also}: {shelf.did_you_mean(word, list(card.targets))}"


def _classes(source: Source, target: str, clips: Sequence[Clip]) -> tuple[str, ...] | None:
    declared = source.card.targets[target]
    if declared is None:
        odd = next((clip for clip in clips if isinstance(clip.labels[target], str)), None)
        if odd is not None:
            raise DataError(
                f"{odd.path} has {odd.labels[target]!r} for {source.name}/{target}, which takes numbers: mend it"
            )
        return None
    seen = Counter(clip.labels[target] for clip in clips)
    undeclared = sorted(str(label) for label in seen if label not in declared)
    if undeclared:
        first = next(clip.path for clip in clips if str(clip.labels[target]) == undeclared[0])
        raise DataError(
            f"{source.name} does not declare the label {undeclared[0]!r} of {target} "
            f"({seen[undeclared[0]]:,} clips, the first {first}): declare it, or mend the clips"
        )
    present = tuple(label for label in declared if label in seen)
    if len(present) < 2:
        raise DataError(f"{source.name}/{target} has {len(present)} class among {len(clips)} clips: two are needed")
    return present


def _speakers(card: Dataset, target: str, clips: Sequence[Clip]) -> tuple[Speakers, list[str]]:
    known = Counter(clip.speaker for clip in clips if clip.speaker is not None)
    if target == "speaker" or target in card.shared_targets:
        return "shared", []
    if not known:
        return "unknown", ["no clip says who speaks: the same voice may be in train and test, and scores too good"]
    if len(known) == 1:
        return "unknown", [f"all clips are by one speaker ({next(iter(known))}): nothing is known about other voices"]
    if known.total() < len(clips):
        nameless = len(clips) - known.total()
        return "unknown", [f"{nameless} of {len(clips)} clips do not say who speaks: a voice may be in train and test"]
    if card.targets[target] is not None and _one_speaker_a_class(target, clips):
        return "shared", [f"every class of {target} is one speaker: this measures who speaks, whatever {target} is"]
    return "disjoint", []


def _one_speaker_a_class(target: str, clips: Sequence[Clip]) -> bool:
    speakers = defaultdict(set)
    for clip in clips:
        speakers[clip.labels[target]].add(clip.speaker)
    return all(len(of_class) == 1 for of_class in speakers.values())
