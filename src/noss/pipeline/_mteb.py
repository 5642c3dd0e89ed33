"""MTEB's result files read back: whole records where noss wrote them, reference figures where MTEB did.

A figure of MTEB's own is never compared with a score from here: it trains on a few clips a label, drawn at random, and its
folds are random over clips, so that voices are on both sides. It becomes a row of published figures with the protocol
`mteb`, which stands in no contest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from noss.errors import DataError
from noss.pipeline._published import Measured, Source, Table
from noss.pipeline._schema import complaint, read_text, schema_of
from noss.reports import Score
from noss.reports._mteb import NAMES, RECORDS

PROTOCOL = "mteb"
_KNOWN = {"dataset_revision", "task_name", "mteb_version", "scores", "evaluation_time", "kg_co2_emissions", "date"}
_KNOWN |= {"evaluation_phases"}
_RECORD = schema_of(Score, title="score")
_OURS = {theirs: ours for ours, theirs in NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """A main score that MTEB gave a model on one split and subset of a task."""

    model: str
    revision: str
    task: str
    metric: str
    split: str
    subset: str
    value: float
    dataset_revision: str
    version: str

    @property
    def heading(self) -> str:
        """The task, with its subset where it has several, and the split it was scored on."""
        subset = "" if self.subset == "default" else f" ({self.subset})"
        return f"{self.task}{subset}, {self.split}"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What one result file holds: records of noss, main scores of MTEB, and fields that are not known here."""

    records: list[Score]
    quoted: list[Quoted]
    unknown: list[str]


def result_files(folder: Path) -> list[Path]:
    """The result files below a folder: MTEB's cache, a clone of its results, or any folder in them.

    Raises:
        DataError: There is none.
    """
    found = sorted(path for path in folder.rglob("*.json") if path.name != "model_meta.json")
    if not found:
        raise DataError(f"no results of MTEB in {folder}: give a folder with MODEL/REVISION/TASK.json in it")
    return found


def read_file(path: Path) -> Contents:
    """One result file.

    Raises:
        DataError: It is no result of MTEB, is of a version before 1.11, has no main score, or holds a record of noss that
            another version made.
    """
    facts = _facts(path)
    entries = [(split, entry) for split, of_split in facts["scores"].items() for entry in of_split]
    records = [_record(record, path) for _, entry in entries for record in entry.get(RECORDS, [])]
    quoted = [_quoted(entry, split, facts, path) for split, entry in entries if not entry.get(RECORDS)]
    return Contents(records=records, quoted=quoted, unknown=sorted(facts.keys() - _KNOWN))


def as_published(quoted: Sequence[Quoted]) -> Source:
    """Main scores of MTEB as a file of published figures: a row a model, a column a task and split.

    Raises:
        DataError: Two files hold a score of the same model on the same task.
    """
    revisions: dict[str, set[str]] = {}
    for one in quoted:
        revisions.setdefault(one.model, set()).add(one.revision)
    values: dict[str, dict[str, float | list[float]]] = {}
    for one in quoted:
        name = one.model if len(revisions[one.model]) == 1 else f"{one.model} at {one.revision[:12]}"
        if one.heading in values.setdefault(name, {}):
            raise DataError(f"two files hold scores of {name} on {one.heading}: give one folder of results at a time")
        values[name][one.heading] = one.value
    versions = sorted({one.version for one in quoted})
    table = Table(
        where=f"results of MTEB {', '.join(versions)}",
        address="",
        provenance="author",
        protocol=PROTOCOL,
        variant=None,
        percent=False,
        columns={one.heading: _measured(one) for one in quoted},
        values=values,
        note="MTEB trains on a few clips a label, drawn at random, and knows no speakers.",
    )
    return Source(title="Results of MTEB", paper="https://github.com/embeddings-benchmark/mteb", tables=[table])


def _facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(read_text(path))
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}): write it again, or leave it out") from error
    if isinstance(facts, dict) and "mteb_dataset_name" in facts:
        raise DataError(f"{path} is of MTEB before 1.11: load and save it with a newer mteb, or leave it out")
    if not isinstance(facts, dict) or not isinstance(facts.get("scores"), dict) or "task_name" not in facts:
        raise DataError(f"{path} is no result of MTEB: it needs task_name and scores; leave it out")
    for of_split in facts["scores"].values():
        if not isinstance(of_split, list) or not all(isinstance(entry, dict) for entry in of_split):
            raise DataError(f"{path} is no result of MTEB: its scores need a list of objects a split; leave it out")
    return facts


def _record(facts: Any, path: Path) -> Score:
    wrong = complaint(facts, _RECORD)
    if wrong:
        raise DataError(f"{path} holds a record that {wrong}: it was made by another version; write it again")
    return Score(**facts)


def _quoted(entry: Mapping[str, Any], split: str, facts: Mapping[str, Any], path: Path) -> Quoted:
    value = entry.get("main_score")
    if not isinstance(value, int | float) or not isfinite(value):
        raise DataError(f"{path} has {value} as main score of {split}, and needs a number: leave it out")
    return Quoted(
        model=_model(path),
        revision=_revision(path),
        task=str(facts["task_name"]),
        metric=_metric(entry, value),
        split=split,
        subset=str(entry.get("hf_subset", "default")),
        value=float(value),
        dataset_revision=str(facts.get("dataset_revision", "")),
        version=str(facts.get("mteb_version")),
    )


def _metric(entry: Mapping[str, Any], value: float) -> str:
    """The name of the metric that the main score is: the first with the same value, as MTEB writes it first."""
    same = [name for name, other in entry.items() if name != "main_score" and other == value]
    return _OURS.get(same[0], same[0]) if same else "main score"


def _experiment(path: Path) -> str:
    return path.parent.name if path.parent.parent.name == "experiments" else ""


def _folder(path: Path) -> Path:
    """The folder of the model's revision; an ablation stands two folders deeper."""
    return path.parents[2] if _experiment(path) else path.parent


def _revision(path: Path) -> str:
    return _folder(path).name


def _model(path: Path) -> str:
    """The model's name as its card has it, or as its folder does; an ablation says which in brackets."""
    folder, name = _folder(path), _folder(path).parent.name.replace("__", "/", 1)
    card = folder / "model_meta.json"
    if card.is_file():
        try:
            name = json.loads(read_text(card))["name"] or name
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{card} is no card of a model ({error}): write it again, or delete it") from error
    return f"{name} ({_experiment(path)})" if _experiment(path) else str(name)


def _measured(one: Quoted) -> Measured:
    note = f"Dataset revision {one.dataset_revision}." if one.dataset_revision else ""
    return Measured(dataset=one.task, target="label", metric=one.metric, split=one.split, note=note)
