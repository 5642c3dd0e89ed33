"""A table of clips as facts and clips: what `csv` reads from a file, and wrappers that copy audio write for themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Split, _columns
from noss.datasets._files import Finder
from noss.datasets._table import Table, seconds
from noss.errors import DataError
from noss.places import path_of

_SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "pretrain": "train",
    "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev", "devel": "dev", "development": "dev",
    "test": "test", "testing": "test",
}  # fmt: skip
_ABSOLUTE = re.compile(r"([A-Za-z]:)?/|[a-z][a-z0-9]+://")
_FOLD = re.compile(r"(?:fold|cv|part|group)?[ _-]*(\d+)", re.IGNORECASE)
_SPEAKER = re.compile(r"(spk|speaker|subject|participant|patient|talker|actor)s?([ _-]?(id|name|nr|no|number))?", re.I)


def describe(table: Table) -> Dataset:
    """What the table alone can say: its targets, counts and speakers.

    Raises:
        DataError: A time in it is none.
    """
    targets, notes = _columns.targets(table)
    speakers = set(table.column("speaker")) - {""}
    shared = bool(speakers) and set(table.column("speakers")) == {"shared"}
    return Dataset(
        title=table.path.stem if table.path.stem != "clips" else table.path.absolute().parent.name,
        source=str(table.path),
        licence="unknown",
        targets=targets,
        metric="uar",
        metrics={target: "ccc" for target, classes in targets.items() if classes is None},
        num_clips=len(table),
        hours=_hours(table),
        speakers="shared" if shared else "disjoint" if speakers else "unknown",
        shared_targets=tuple(targets) if shared else (),
        num_speakers=len(speakers) or None,
        notes=notes,
    )


def clips(table: Table) -> Iterator[Clip]:
    """Every row as a clip, in the table's order.

    Raises:
        DataError: A row is wrong or stands twice (the message says which line), or no file of the table is there.
    """
    starts, ends = _times(table, "start"), _times(table, "end")
    splits, folds = _splits_and_folds(table)
    speakers, sessions, sentences = (table.column(name) for name in ("speaker", "session", "sentence"))
    labels, facts = _columns.labels(table), _columns.facts(table)
    for row, path in enumerate(_paths(table, starts, ends)):
        yield Clip(
            path=path,
            labels=labels[row],
            speaker=speakers[row] or None,
            split=splits[row],
            fold=folds[row],
            start_s=starts[row] or 0.0,
            end_s=ends[row],
            session=sessions[row] or None,
            sentence=sentences[row] or None,
            facts=facts[row],
        )


def split(text: str) -> Split | None:
    """The split a word stands for (`validation`, `Train`, `test-clean`), or None."""
    return _SPLITS.get(re.split(r"[ ._-]", text.lower(), maxsplit=1)[0])


def is_fold(text: str) -> bool:
    """Whether a word stands for a fold: `3`, `fold3`."""
    return _FOLD.fullmatch(text) is not None


def may_be_speakers(column: str) -> bool:
    """Whether a column's name looks like one of speakers: `speaker_id`, `Patient`."""
    return _SPEAKER.fullmatch(column) is not None


def _hours(table: Table) -> float:
    """Hours as the table has them; 0.0 where it does not say how long its clips are."""
    starts, ends = _times(table, "start"), _times(table, "end")
    pieces = [end - (start or 0.0) for start, end in zip(starts, ends, strict=True) if end is not None]
    if len(pieces) < len(table):
        stated = table.columns.get("seconds") or table.columns.get("duration") or []
        pieces = [value for value in map(_columns.number, stated) if value is not None]
    return sum(pieces) / 3_600 if len(pieces) == len(table) else 0.0


def _times(table: Table, column: str) -> list[float | None]:
    cells = table.column(column)
    times: dict[str, float | None] = {}
    for text in set(cells):
        try:
            times[text] = seconds(text)
        except ValueError:
            what = f"{column} {text!r} is no time: give seconds from the start of the file"
            raise table.error(cells.index(text), what) from None
    return [times[text] for text in cells]


def _splits_and_folds(table: Table) -> tuple[list[Split | None], list[int | None]]:
    cells = table.column("split")
    splits = {text: split(text) for text in set(cells)}
    for text, found in splits.items():
        if text and found is None and not is_fold(text):
            what = f"split {text!r} is none of train, dev and test, and no fold such as 'fold1'"
            raise table.error(cells.index(text), what)
    named = table.columns.get("fold") or ["" if splits[text] else text for text in cells]
    numbers = {name: place for place, name in enumerate(sorted(set(named) - {""}))}
    matches = {name: _FOLD.fullmatch(name) for name in numbers}
    if all(matches.values()):
        numbers = {name: int(match.group(1)) for name, match in matches.items() if match}
    return [splits[text] for text in cells], [numbers.get(name) for name in named]


def _paths(table: Table, starts: list[float | None], ends: list[float | None]) -> Iterator[Path]:
    finder, seen = Finder(), dict[tuple[str, float, float | None], int]()
    folder = f"{table.path.parent}/"
    paths = []
    for row, (file, given, end) in enumerate(zip(table.column("file"), starts, ends, strict=True)):
        start = given or 0.0
        if not file:
            raise table.error(row, "no file: give the path of its audio, relative to the table")
        if end is not None and end <= start:
            raise table.error(row, f"the end ({end:g} s) is not behind the start ({start:g} s)")
        file = file.replace("\\", "/")
        path = finder.find(file if _ABSOLUTE.match(file) else folder + file)
        first = seen.setdefault((os.path.normpath(path), start, end), row)
        if first != row:
            raise table.error(row, f"{file} from {start:g} s is on line {table.lines[first]} too: keep one of them")
        paths.append(path)
    if not finder.num_found:
        raise DataError(
            f"no file of {table.path} is there (first: {paths[0]}): paths are relative to the table's folder"
        )
    yield from map(path_of, paths)
