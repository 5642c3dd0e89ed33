"""The results store: a folder a suite, a JSON Lines file a model, a record a line; every rule of it is kept here.

    results/<suite>/<model>.jsonl

A file's name is its model's, made safe for every file system. Records keep the schema of `Score`. Within a suite, a model
has one row for a task, protocol, probe and metric. What is of one machine only, such as a path in place of a name, is
refused. A record of another version of noss is welcome as long as it has the fields of this one; the version stands in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from noss import __version__, shelf
from noss.errors import DataError
from noss.pipeline._analyse_request import FOLDER
from noss.pipeline._published import figures, read_published
from noss.pipeline._results_analyses import OF_THIS_MACHINE, analysis_files, check_plain_rows, check_similarities
from noss.pipeline._results_training import TRAINING, check_trainings
from noss.pipeline._schema import SCHEMA, complaint, parse, read_text, schema_of
from noss.pipeline._verdict import Verdict
from noss.reports import Score
from noss.runs import slug

PUBLISHED = "published"  # the folder of other people's figures, which are no records
_NO_SUITES = {PUBLISHED, FOLDER, TRAINING}


def score_schema() -> dict[str, Any]:
    """The JSON Schema of a record."""
    return schema_of(Score, title="A score, and how it came about: one line of a results file")


def result_path(folder: Path, model: str) -> Path:
    """The file of a model in the folder of a suite."""
    return folder / f"{slug(model)}.jsonl"


def is_store(folder: Path) -> bool:
    """Whether a folder holds suites, or is one, and not the scores of a run."""
    if not folder.is_dir() or (folder / "scores.jsonl").is_file():
        return False
    return any(folder.glob("*.jsonl")) or any(path.parent.name not in _NO_SUITES for path in folder.glob("*/*.jsonl"))


def read_results(folder: Path) -> dict[str, list[Score]]:
    """The records of a results folder by suite, or of one suite's folder; suites and files sorted by name.

    Raises:
        DataError: There are no results, or a file breaks a rule of the store; the message names file and line.
    """
    suites = _suites(folder)
    if not suites:
        raise DataError(f"no results in {folder}: give a folder that holds SUITE/MODEL.jsonl, or a suite's own")
    return {name: [score for path in files for score in read_result(path)] for name, files in suites.items()}


def read_result(path: Path) -> list[Score]:
    """The records of one model's file.

    Raises:
        DataError: It breaks a rule of the store; the message names the line.
    """
    lines = [(f"{path}, line {n}", line) for n, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]
    if not lines:
        raise DataError(f"{path} holds no record: publish a run with `noss publish`, or delete the file")
    schema = score_schema()
    scores = {where: _score(line, where, schema) for where, line in lines}
    for where, score in scores.items():
        check_score(score, where)
    _check_rows(scores)
    for where, score in scores.items():
        if path.name != result_path(path.parent, score.model).name:
            raise DataError(f"{where} is of {score.model}: it belongs in {result_path(path.parent, score.model).name}")
    return list(scores.values())


def check_score(score: Score, where: str) -> None:
    """Raise a `DataError` where a record's numbers contradict each other, or its names mean nothing elsewhere."""
    if not score.low <= score.value <= score.high:
        interval = f"[{score.low:g}, {score.high:g}]"
        raise DataError(f"{where} has the value {score.value:g} outside its interval {interval}: score the model again")
    if score.metric not in shelf.names("metrics"):
        known = shelf.did_you_mean(score.metric, shelf.names("metrics"))
        raise DataError(f"{where} has the metric {score.metric!r}, which is not on the shelf: {known}")
    if OF_THIS_MACHINE.search(score.dataset):
        name = f"the dataset {score.dataset!r}, a path of one machine"
        raise DataError(f"{where} names {name}: run it under a name, as --tasks NAME={score.task}")
    if OF_THIS_MACHINE.search(score.model):
        name = f"the model {score.model!r}, a path of one machine"
        raise DataError(f"{where} names {name}: add its file to the shelf, or give the id by which others load it")


def check_results(folder: Path) -> list[Verdict]:
    """What `noss check results` says: a verdict a file, and remarks on what cannot be compared.

    Raises:
        DataError: There are no results.
    """
    suites = _suites(folder)
    if not suites:
        raise DataError(f"no results in {folder}: give a folder that holds SUITE/MODEL.jsonl, or a suite's own")
    others = [_quoted(path) for path in sorted((folder / PUBLISHED).glob("*.json")) if path.name != SCHEMA]
    analyses = {f"{FOLDER}/{kind}": files for kind, files in analysis_files(folder).items()}
    verdicts = (verdict for name, files in (suites | analyses).items() for verdict in _verdicts(name, files))
    return [*verdicts, *check_similarities(folder), *check_trainings(folder), *others]


def _quoted(path: Path) -> Verdict:
    name = f"{PUBLISHED}/{path.name}"
    try:
        source = read_published(path)
    except DataError as error:
        return Verdict(name, False, str(error), files=[(str(path), str(error))])
    return Verdict(name, True, f"{len(list(figures(source)))} figures in {len(source.tables)} tables")


def _verdicts(suite: str, files: Sequence[Path]) -> Iterator[Verdict]:
    found: dict[Path, list[Score]] = {}
    for path in files:
        name = f"{suite}/{path.name}"
        try:
            found[path] = read_result(path)
            check_plain_rows(found[path], str(path))
        except DataError as error:
            yield Verdict(name, False, str(error), files=[(str(path), str(error))])
        else:
            tasks = len({score.contest for score in found[path]})
            yield Verdict(name, True, f"{len(found[path])} records of {tasks} {'task' if tasks == 1 else 'tasks'}")
    scores = list(chain.from_iterable(found.values()))
    yield from (Verdict(suite, None, line) for line in [*_other_versions(scores), *_other_clips(scores)])


def _other_versions(scores: Sequence[Score]) -> list[str]:
    others = Counter(score.noss_version for score in scores if score.noss_version != __version__)
    return [f"{count} records were made with noss {version}, not {__version__}" for version, count in others.items()]


def _other_clips(scores: Sequence[Score]) -> list[str]:
    """Tasks that not all models were scored on alike: their clips, labels, speakers or splits differ."""
    kinds: dict[str, dict[tuple[str, str], list[str]]] = {}
    for score in scores:
        if score.main:
            kinds.setdefault(score.contest, {}).setdefault((score.metric, score.dataset_revision), []).append(
                score.model
            )
    lines = {contest: min(found.values(), key=len) for contest, found in kinds.items() if len(found) > 1}
    return [
        f"{contest}: {', '.join(models)} scored on other clips, or by another metric"
        for contest, models in lines.items()
    ]


def _suites(folder: Path) -> dict[str, list[Path]]:
    """Files by suite; a folder that holds records itself is one suite."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}: give a results folder, or the folder of one suite")
    own = sorted(folder.glob("*.jsonl"))
    below = {path.name: sorted(path.glob("*.jsonl")) for path in sorted(folder.iterdir()) if path.is_dir()}
    inside = {name: files for name, files in below.items() if files and name not in _NO_SUITES}
    if own and inside:
        raise DataError(f"{own[0]} stands beside suites: move it into the folder of its suite")
    return {folder.resolve().name: own} if own else inside


def _score(line: str, where: str, schema: Mapping[str, Any]) -> Score:
    facts = parse(line, where)
    wrong = complaint(facts, schema)
    if wrong:
        made = facts.get("noss_version", "an unknown version") if isinstance(facts, dict) else "an unknown version"
        raise DataError(
            f"{where} {wrong}: it was made by noss {made}, and this is {__version__}; score the model again"
        )
    return Score(**facts)


def _check_rows(scores: Mapping[str, Score]) -> None:
    """One row a task, protocol, probe and metric, and one main metric among them."""
    seen: dict[tuple[str, ...], str] = {}
    for where, score in scores.items():
        row = (score.model, score.contest, score.probe)
        for key in [(*row, score.metric), *([row] if score.main else [])]:
            if key in seen:
                line = seen[key].rpartition(", ")[2]
                what = f"{score.model} on {score.contest} with {score.probe}, {score.metric}"
                raise DataError(f"{where} is a second row for {what} ({line} has the first): keep one")
            seen[key] = where
