"""Tables of clips: one's own recordings, or any corpus that comes with a table. `csv/PATH/TARGET`.

The index is audformat's: `file`, `start`, `end` (seconds, or `0 days 00:00:01.5`; no end means the end of the file).
Paths are relative to the table's folder; they may lead out of it (`../`) or be absolute, and are only ever read. A
file that is there under another audio suffix is found by its stem.

`speaker`, `split`, `fold`, `session` and `sentence` mean what they say. A split is train, dev (also val, valid,
validation) or test, whatever the case, or one of these with something behind it (`train-clean-100`); `fold1`, `2` and
the like in it are folds. Every other column is a target, and so is `speaker`:

- a number, if every value is one, none is written as a code (`007`), and some has a fraction or there are more than
  20 different ones;
- else a class, unless all values are equal, or there are more than 20 classes and more than half as many as clips
  (names, texts), or the column describes the files (`seconds`, `sample_rate`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from sys import intern

from noss.datasets import Clip, Dataset, Split
from noss.datasets import _columns as columns
from noss.datasets._files import Finder
from noss.datasets._table import Table, read, seconds
from noss.errors import DataError

_SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "pretrain": "train",
    "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev", "devel": "dev", "development": "dev",
    "test": "test", "testing": "test",
}  # fmt: skip
_FOLD = re.compile(r"(?:fold|cv|part|group)?[ _-]*(\d+)", re.IGNORECASE)
_SPEAKER = re.compile(r"(spk|speaker|subject|participant|patient|talker|actor)s?([ _-]?(id|name|nr|no|number))?", re.I)


def describe(root: Path) -> Dataset:
    """The facts of a table: its targets, counts and speakers.

    Raises:
        DataError: The table cannot be read.
    """
    table = read(root)
    targets, notes = columns.targets(table)
    speakers = set(table.column("speaker") or ()) - {""}
    return Dataset(
        title=root.stem if root.stem != "clips" else root.absolute().parent.name,
        source=str(root),
        licence="unknown",
        targets=targets,
        metric="uar",
        metrics={target: "ccc" for target, classes in targets.items() if classes is None},
        num_clips=len(table.rows),
        hours=_hours(table),
        speakers="disjoint" if speakers else "unknown",
        num_speakers=len(speakers) or None,
        notes=notes,
    )


def warnings(root: Path) -> list[str]:
    """A loud line where a column looks like speakers under another name."""
    names = read(root).columns
    like = [] if "speaker" in names else [name for name in names if _SPEAKER.fullmatch(name)]
    return [
        f"the column {name!r} looks like speakers: name it 'speaker', and no voice is on both sides" for name in like
    ]


def clips(root: Path) -> Iterator[Clip]:
    """Every row as a clip, in the table's order.

    Raises:
        DataError: A row is wrong or stands twice (the message says which line), or no file of the table is there.
    """
    table = read(root)
    starts, ends = _times(table, "start"), _times(table, "end")
    splits, folds = _splits_and_folds(table)
    speakers, sessions, sentences = (_texts(table, name) for name in ("speaker", "session", "sentence"))
    labels, facts = columns.labels(table), columns.facts(table)
    for row, path in enumerate(_paths(table, starts, ends)):
        yield Clip(
            path=path,
            labels=labels[row],
            speaker=speakers[row],
            split=splits[row],
            fold=folds[row],
            start_s=starts[row] or 0.0,
            end_s=ends[row],
            session=sessions[row],
            sentence=sentences[row],
            facts=facts[row],
        )


def _texts(table: Table, column: str) -> list[str | None]:
    return [intern(text) or None for text in table.column(column) or [""] * len(table.rows)]


def _hours(table: Table) -> float:
    """Hours as the table has them; 0.0 where it does not say how long its clips are."""
    starts, ends = _times(table, "start"), _times(table, "end")
    pieces = [end - (start or 0.0) for start, end in zip(starts, ends, strict=True) if end is not None]
    if len(pieces) < len(table.rows):
        stated = [columns.number(value) for value in table.column("seconds") or table.column("duration") or ()]
        pieces = [value for value in stated if value is not None]
    return sum(pieces) / 3_600 if len(pieces) == len(table.rows) else 0.0


def _times(table: Table, column: str) -> list[float | None]:
    times: list[float | None] = []
    for row, text in enumerate(table.column(column) or [""] * len(table.rows)):
        try:
            times.append(seconds(text))
        except ValueError:
            raise table.error(row, f"{column} {text!r} is no time: give seconds from the start of the file") from None
    return times


def _splits_and_folds(table: Table) -> tuple[list[Split | None], list[int | None]]:
    splits: list[Split | None] = []
    folds: list[str] = []
    for row, text in enumerate(table.column("split") or [""] * len(table.rows)):
        split = _SPLITS.get(re.split(r"[ _-]", text.lower(), maxsplit=1)[0])
        if text and split is None and not _FOLD.fullmatch(text):
            raise table.error(row, f"split {text!r} is none of train, dev and test, and no fold such as 'fold1'")
        splits.append(split)
        folds.append(text if text and split is None else "")
    named = table.column("fold") or folds
    numbers = {name: index for index, name in enumerate(sorted({name for name in named if name}))}
    matches = {name: _FOLD.fullmatch(name) for name in numbers}
    if all(matches.values()):
        numbers = {name: int(match.group(1)) for name, match in matches.items() if match}
    return splits, [numbers.get(name) for name in named]


def _paths(table: Table, starts: list[float | None], ends: list[float | None]) -> Iterator[Path]:
    finder, seen = Finder(), dict[tuple[str, float | None, float | None], int]()
    folder = table.path.parent
    paths = []
    for row, (file, start, end) in enumerate(zip(table.column("file") or (), starts, ends, strict=True)):
        if not file:
            raise table.error(row, "no file: give the path of its audio, relative to the table")
        if end is not None and end <= (start or 0.0):
            raise table.error(row, f"the end ({end:g} s) is not behind the start ({start or 0.0:g} s)")
        path = finder.find(str(folder / file.replace("\\", "/")))
        first = seen.setdefault((os.path.normpath(path), start, end), row)
        if first != row:
            raise table.error(
                row, f"{file} from {start or 0.0:g} s is on line {table.lines[first]} too: keep one of them"
            )
        paths.append(path)
    if not finder.num_found:
        raise DataError(
            f"no file of {table.path} is there (first: {paths[0]}): paths are relative to the table's folder"
        )
    yield from map(Path, paths)
