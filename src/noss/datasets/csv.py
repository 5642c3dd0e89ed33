"""Tables of clips: one's own recordings, or any corpus that comes with a table. `csv/PATH/TARGET`.

The index is audformat's: `file`, `start`, `end` (seconds, or `0 days 00:00:01.5`; no end means the end of the file).
Paths are relative to the table's folder; they may lead out of it (`../`) or be absolute, and are only ever read. A
file that is there under another audio suffix is found by its stem.

`speaker`, `split`, `fold`, `session` and `sentence` mean what they say. A split is train, dev (also val, valid,
validation) or test, whatever the case, or one of these with something behind it (`train-clean-100`); `fold1`, `2` and
the like in it are folds. A split that has a speaker on two sides is refused, unless a column `speakers` says `shared` in
every row, as `noss split --method intra` writes it: then it is used, and every report says so. Every other column is a
target, and so is `speaker`:

- a number, if every value is one, none is written as a code (`007`), and some has a fraction or there are more than
  20 different ones;
- else a class, unless all values are equal, or there are more than 20 classes and more than half as many as clips
  (names, texts), or the column describes the files (`seconds`, `sample_rate`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from noss.datasets import Clip, Dataset, _rows
from noss.datasets._table import names, read

ROOT = "file"


def describe(root: Path) -> Dataset:
    """The facts of a table: its targets, counts and speakers.

    Raises:
        DataError: The table cannot be read.
    """
    return _rows.describe(read(root))


def warnings(root: Path) -> list[str]:
    """A loud line where a column looks like speakers under another name."""
    columns = names(root)
    like = [] if "speaker" in columns else [name for name in columns if _rows.may_be_speakers(name)]
    return [
        f"the column {name!r} looks like speakers: name it 'speaker', and no voice is on both sides" for name in like
    ]


def clips(root: Path) -> Iterator[Clip]:
    """Every row as a clip, in the table's order.

    Raises:
        DataError: A row is wrong or stands twice (the message says which line), or no file of the table is there.
    """
    return _rows.clips(read(root))
