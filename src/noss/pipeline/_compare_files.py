"""What is compared: predictions files of one or several runs, gathered into contests and their entrants.

A *contest* is what is ranked together: a task under one protocol and metric. An *entrant* is a model with its probe;
predictions of it that differ in their seed alone are one entrant in several seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noss import __version__
from noss.errors import DataError
from noss.pipeline._predictions import read_facts
from noss.pipeline._request import words
from noss.shelf import did_you_mean


@dataclass(frozen=True, kw_only=True)
class File:
    """A predictions file, its run's folder, and its facts."""

    path: Path
    run: Path
    facts: Mapping[str, Any]

    @property
    def task(self) -> str:
        """The task's name: dataset and target."""
        return f"{self.facts['dataset']}/{self.facts['target']}"

    @property
    def way(self) -> str:
        """Protocol, variant and condition; empty where they are `clean` and none."""
        facts = self.facts
        named = [
            facts["protocol"] if facts["protocol"] != "clean" else "",
            facts.get("variant", ""),
            facts.get("condition", ""),
        ]
        return ", ".join(word for word in named if word)

    @property
    def contest(self) -> str:
        """The task, and the way it was scored."""
        return f"{self.task} ({self.way})" if self.way else self.task


@dataclass(frozen=True, kw_only=True)
class Contest:
    """The files of each entrant of a contest, by seed; entrants in the order found."""

    name: str
    entrants: Mapping[str, Mapping[int, File]]

    @property
    def first(self) -> File:
        """One of its files: what holds for all is read from it."""
        return next(iter(next(iter(self.entrants.values())).values()))


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The contests, and what was passed over, a line each."""

    contests: list[Contest]
    notes: list[str]


def gather(given: Sequence[str | Path], *, tasks: Sequence[str] = ()) -> Gathered:
    """Find what is compared.

    Args:
        given: Folders of runs, predictions files, and names of models in them; without a name, every ranked model.
        tasks: Names of tasks, or of datasets for all their targets; none for every one.

    Raises:
        DataError: There is nothing to compare, or a name is not in the runs.
    """
    places = [Path(word) for word in given if _is_place(word)]
    names = words([str(word) for word in given if not _is_place(word)])
    files, notes = _readable([found for place in places for found in _files(place)])
    if not files:
        first = f": {notes[0]}" if notes else ""
        raise DataError(f"no predictions to compare in {_listed(given)}{first}; give folders that noss run wrote")
    files = _wanted(files, names, words(list(tasks)))
    labels = _labels(files)
    contests: dict[str, dict[str, dict[int, File]]] = {}
    for file, label in zip(files, labels, strict=True):
        contests.setdefault(file.contest, {}).setdefault(label, {})[int(file.facts["seed"])] = file
    found = [Contest(name=name, entrants=entrants) for name, entrants in contests.items()]
    return Gathered(contests=found, notes=[*notes, *_foreign(files)])


def _is_place(word: str | Path) -> bool:
    return Path(word).is_dir() or str(word).endswith(".parquet")


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    folder = place / "predictions" if (place / "predictions").is_dir() else place
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))


def _readable(paths: Iterable[Path]) -> tuple[list[File], list[str]]:
    files, notes = [], []
    for path in dict.fromkeys(paths):
        try:
            facts = read_facts(path)
        except DataError as error:
            notes.append(str(error))
            continue
        run = path.absolute().parent
        files.append(File(path=path, run=run.parent if run.name == "predictions" else run, facts=facts))
    return files, notes


def _wanted(files: Sequence[File], names: Sequence[str], tasks: Sequence[str]) -> list[File]:
    models = list(dict.fromkeys(str(file.facts["model"]) for file in files))
    for name in names:
        if name not in models:
            raise DataError(f"no predictions of a model {name!r}: {did_you_mean(name, models)}")
    there = list(dict.fromkeys(name for file in files for name in (file.task, str(file.facts["dataset"]))))
    for task in tasks:
        if task not in there:
            raise DataError(f"no predictions on a task {task!r}: {did_you_mean(task, there)}")
    chosen = [file for file in files if not file.facts.get("aside")]
    chosen = [file for file in chosen if (file.facts["model"] in names if names else file.facts["ranked"])]
    return [file for file in chosen if not tasks or {file.task, file.facts["dataset"]} & set(tasks)]


def _labels(files: Sequence[File]) -> list[str]:
    """What each file's entrant is called: the model, with its probe and its run where the model alone is not enough."""
    probes: dict[str, set[str]] = {}
    seen: dict[tuple[str, ...], set[str]] = {}
    for file in files:
        probes.setdefault(file.contest, set()).add(str(file.facts["probe"]))
        seen.setdefault((file.contest, *_plain(file), str(file.facts["seed"])), set()).add(str(file.facts["signature"]))
    revisions: dict[tuple[str, ...], set[str]] = {}
    for file in files:
        revisions.setdefault(_plain(file), set()).add(str(file.facts["model_revision"]))
    twice = {key[1:3] for key, signatures in seen.items() if len(signatures) > 1}
    twice |= {key for key, found in revisions.items() if len(found) > 1}
    several = any(len(found) > 1 for found in probes.values())
    labels = []
    for file in files:
        model, probe = _plain(file)
        name = f"{model} + {probe}" if several else model
        labels.append(f"{name} ({file.run.name})" if (model, probe) in twice else name)
    return labels


def _plain(file: File) -> tuple[str, str]:
    return str(file.facts["model"]), str(file.facts["probe"])


def _foreign(files: Sequence[File]) -> list[str]:
    """Files that another version wrote: readable, but its scores may have come about in another way."""
    foreign: dict[str, list[str]] = {}
    for file in files:
        if file.facts["noss_version"] != __version__:
            foreign.setdefault(str(file.facts["noss_version"]), []).append(file.path.name)
    return [
        f"{len(found)} predictions are of noss {version} and this is {__version__}: score again what should be alike "
        f"({_listed(found)})"
        for version, found in foreign.items()
    ]


def _listed(given: Sequence[str | Path]) -> str:
    listed = ", ".join(map(str, given[:3]))
    return f"{listed} and {len(given) - 3} more" if len(given) > 3 else listed
