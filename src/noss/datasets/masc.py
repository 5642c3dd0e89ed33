"""MASC: seconds of German speech with and without a surgical mask. Target `mask`.

Layout: that of the Mask Sub-Challenge of ComParE 2020, `wav/train_00001.wav` and `lab/labels.csv` (columns file_name and
label), or a list a part, `lab/train.csv`, `lab/devel.csv` and `lab/test.csv`. The part in a file's name is its split.

The challenge gave test labels out as `?`. Such clips are listed without a label, and devel is scored in their place;
where a list has the true test labels, test is scored and devel chooses. No file of it says who speaks; the owners
state that no speaker is in two parts.

Sources: Schuller et al., "The INTERSPEECH 2020 Computational Paralinguistics Challenge", Interspeech 2020; Mohamed et
al., "Face mask recognition from audio: the MASC database", Pattern Recognition 122, 2022 (32 speakers, counts).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.datasets import Clip, Dataset, Split
from noss.datasets._files import Finder, stem
from noss.datasets._lists import rows, wrong_line
from noss.errors import DataError

CLASSES = ("clear", "mask")
WITHHELD = "?"
_SPLITS: Mapping[str, Split] = {"train": "train", "devel": "dev", "test": "test"}
_NAME = re.compile(r"(train|devel|test)_\d+")

DATASET = Dataset(
    title="Mask Augsburg Speech Corpus, as the Mask Sub-Challenge of ComParE 2020 gave it",
    source="https://doi.org/10.1016/j.patcog.2021.108361",
    licence="ComParE 2020 end user licence agreement (research only)",
    citation="Mohamed et al., Face mask recognition from audio: the MASC database, Pattern Recognition 122, 2022",
    targets={"mask": CLASSES},
    families={"mask": "health"},
    metric="uar",
    num_clips=36_554,
    hours=10.15,
    speakers="unknown",
    language=("de",),
    num_by_split={"train": 10_895, "dev": 14_647, "test": 11_012},
    access="gated",
    ask=(
        "Ask the organisers of ComParE 2020 (http://www.compare.openaudio.eu) for the licence agreement of the Mask "
        "Sub-Challenge, have it signed by a member of a research institution, and download `ComParE2020_Mask.zip` with "
        "the password they send. Ask for the test labels too: the archive has `?` in their place. Only `wav` and `lab` "
        "are read."
    ),
    layout=(
        "lab/labels.csv         file_name and label (clear, mask, or ? where it is withheld); or lab/train.csv,\n"
        "                       lab/devel.csv and lab/test.csv\n"
        "wav/train_00001.wav    10,895 files\n"
        "wav/devel_00001.wav    14,647 files\n"
        "wav/test_00001.wav     11,012 files"
    ),
    signs=("lab/*.csv", "wav/devel*"),
    notes=(
        "The challenge withheld the test labels: without them devel is scored, and settings are chosen inside train.",
        "32 speakers, none in two parts according to the owners; no file says who speaks.",
        "Every clip is one second long.",
    ),
)


def clips(root: Path) -> Iterator[Clip]:
    """Every clip, in the order of the lists.

    Raises:
        DataError: There is no list, a line of one makes no sense, or no clip of them is there.
    """
    finder = Finder()
    for path, split, label in _listed(root):
        labels = {} if label == WITHHELD else {"mask": label}
        yield Clip(path=Path(finder.find(f"{root}/{path}.wav")), labels=labels, split=split)
    if not finder.num_found:
        raise _no_clip(root)


def expected(root: Path) -> Iterator[str]:
    """The audio of every line of the lists."""
    for path, _, _ in _listed(root):
        yield path


def warnings(root: Path) -> list[str]:
    """A loud line where no test label is known."""
    if any(split == "test" and label != WITHHELD for _, split, label in _listed(root)):
        return []
    return ["the test labels of masc are withheld ('?' in its list): scores are on devel"]


def _listed(root: Path) -> Iterator[tuple[str, Split, str]]:
    """Path from the root without suffix, split and label of every clip."""
    lists = [path for path in (root / "lab" / "labels.csv",) if path.is_file()]
    lists = lists or [path for path in (root / "lab" / f"{part}.csv" for part in _SPLITS) if path.is_file()]
    if not lists:
        raise _no_clip(root)
    folders = {part: f"wav/{part}" if (root / "wav" / part).is_dir() else "wav" for part in _SPLITS}
    for path in lists:
        for line, (name, label) in rows(path, "file_name", "label"):
            match = _NAME.fullmatch(stem(name))
            if not match:
                raise wrong_line(path, line, f"{name!r} is no clip's name: give train_00001.wav, devel_... or test_...")
            if label not in {*CLASSES, WITHHELD}:
                raise wrong_line(path, line, f"label {label!r} is none of clear, mask and ?: use the challenge's list")
            yield f"{folders[match[1]]}/{stem(name)}", _SPLITS[match[1]], label


def _no_clip(root: Path) -> DataError:
    return DataError(
        f"no clip of masc in {root}: it needs lab/labels.csv, wav/train_00001.wav and so on; "
        "give --root masc=DIR, the folder that holds lab and wav"
    )
