"""Read results of MTEB: whole records where noss wrote them, reference figures where MTEB did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from noss.errors import DataError, Failure
from noss.pipeline._mteb import Contents, as_published, read_file, result_files
from noss.pipeline.score import write_scores
from noss.reports import Score
from noss.runs import write_json


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What was read and where it stands now, what was left aside, and the files that could not be read."""

    paths: list[Path]
    num_records: int
    num_figures: int
    notes: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        found = f"{self.num_records} records of noss and {self.num_figures} figures of MTEB"
        return "\n".join([*map(str, self.paths), found, *self.notes])


def convert(results: Path | str, *, out: Path | str) -> Converted:
    """Read results of MTEB, or those that `noss report --style mteb` wrote.

    Records of noss go to `scores.jsonl`, equal to those that were written. Scores of MTEB's own tasks go to `mteb.json`, a
    file of published figures: their protocol is another, and they are never ranked with scores from here.

    Args:
        results: The folder that `MODEL/REVISION/TASK.json` stand in, at any depth: MTEB's cache, say.
        out: The folder to write.

    Raises:
        DataError: There are no results, or none that can be read.
    """
    read, failures = _read(result_files(Path(results)))
    if not read:
        raise DataError(failures[0].reason)
    records = [record for contents in read for record in contents.records]
    quoted = [one for contents in read for one in contents.quoted]
    paths = _write_records(Path(out) / "scores.jsonl", records)
    if quoted:
        paths.append(Path(out) / "mteb.json")
        write_json(paths[-1], asdict(as_published(quoted)))
    return Converted(
        paths=paths, num_records=len(records), num_figures=len(quoted), notes=_notes(read), failures=failures
    )


def _read(paths: Sequence[Path]) -> tuple[list[Contents], list[Failure]]:
    read, failures = [], []
    for path in paths:
        try:
            read.append(read_file(path))
        except DataError as error:
            failures.append(Failure(file=str(path), start_s=0.0, end_s=None, stage="read", reason=str(error)))
    return read, failures


def _write_records(path: Path, records: Sequence[Score]) -> list[Path]:
    if not records:
        return []
    write_scores(path, records)
    return [path]


def _notes(read: Sequence[Contents]) -> list[str]:
    unknown = sorted({name for contents in read for name in contents.unknown})
    return [f"fields of a version that is not known here are left aside: {', '.join(unknown)}"] if unknown else []
