"""Kaldi data folders: utterances, speakers and labels in list files. `kaldi/DIR/TARGET`.

`wav.scp` names the recordings and `segments`, if there is one, the utterances in them (an end below 0 is the end of the
recording). `utt2spk` says who speaks; where it gives every utterance its own speaker, Kaldi's way to say that nobody
knows, speakers are unknown. Every other `utt2X` and `spk2X` is a column X (`utt2lang` is `language`, `utt2dur` is
`duration`), and so a target by the rules of tables (see `csv`); `text` is what is said.

A folder without `wav.scp` whose folders have one and are named like splits (`train`, `dev`, `test`, `test_other`) is
read as one corpus with that split.

Relative paths are seen from the folder itself or, failing that, from the nearest folder above it where they lead to a
file. Commands in `wav.scp` (`sph2pipe ... |`) are refused, and never run. Source of the format:
https://kaldi-asr.org/doc/data_prep.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from noss.datasets import Clip, Dataset, _rows
from noss.datasets._files import folders
from noss.datasets._places import Listed, whereabouts
from noss.errors import DataError

ROOT = "folder"
_INDEX = ("file", "start", "end")
_NAMES = {"lang": "language", "dur": "duration", "spk": "speaker"}
_LISTS = re.compile(r"(utt|spk)2(\w+)")
_ARCHIVE = re.compile(r".*\.(ark|scp)(:\d+)?(\[.*\])?")


@dataclass(frozen=True)
class _Row:
    """A line of a list: its number and what stands behind the id."""

    line: int
    value: str


_List = Mapping[str, _Row]


def describe(root: Path) -> Dataset:
    """The facts of a data folder: its targets, counts and speakers.

    Raises:
        DataError: A list is missing, cannot be read, or contradicts another.
    """
    return replace(_rows.describe(_read(root)), title=root.absolute().name, source=str(root))


def clips(root: Path) -> Iterator[Clip]:
    """Every utterance, in the order of `segments` or `wav.scp`.

    Raises:
        DataError: A list is missing, cannot be read, or contradicts another; or no recording is there.
    """
    return _rows.clips(_read(root))


def _read(root: Path) -> Listed:
    columns: dict[str, list[str]] = {}
    places: list[Path] = []
    lines: list[int] = []
    for folder, split in _data_folders(root):
        found, place, numbers = _utterances(folder)
        found |= {"split": [split] * len(numbers)} if split else {}
        for name in columns.keys() | found.keys():
            columns.setdefault(name, [""] * len(lines)).extend(found.get(name, [""] * len(numbers)))
        places += [place] * len(numbers)
        lines += numbers
    index = {name: columns.pop(name) for name in _INDEX if name in columns}
    return Listed(path=root / "wav.scp", columns=index | dict(sorted(columns.items())), lines=lines, places=places)


def _data_folders(root: Path) -> list[tuple[Path, str]]:
    """The folders with a `wav.scp`, and the split each of them is."""
    if (root / "wav.scp").is_file():
        return [(root, "")]
    inner = [folder for folder in folders(root) if (folder / "wav.scp").is_file()]
    if inner and all(_rows.split(folder.name) for folder in inner):
        return [(folder, folder.name) for folder in inner]
    hint = f"give one of its folders, such as {inner[0]}" if inner else "give the folder that holds it"
    raise DataError(f"no wav.scp in {root}: {hint}")


def _utterances(folder: Path) -> tuple[dict[str, list[str]], Path, list[int]]:
    """A folder's columns, the list that defines its utterances, and the line of each in it."""
    files = _files(folder / "wav.scp")
    place = folder / "segments"
    if place.is_file():
        ids, columns, lines = _segments(place, files)
    else:
        place, ids, lines = folder / "wav.scp", list(files), [row.line for row in files.values()]
        columns = {"file": [row.value for row in files.values()]}
    if not ids:
        raise DataError(f"{place} has no line: give a data folder with utterances")
    columns["file"] = whereabouts(columns["file"], folder)
    return columns | _labels(folder, ids), place, lines


def _files(path: Path) -> _List:
    found = _pairs(path)
    for row in found.values():
        if row.value.endswith("|") or row.value.startswith("|"):
            what = f"a command ({row.value}), and commands are never run: write its output to a file and name that"
            raise DataError(f"{path} line {row.line}: {what}")
        if _ARCHIVE.fullmatch(row.value) or row.value == "-":
            raise DataError(f"{path} line {row.line}: {row.value} is no audio file: name one file a recording")
    return found


def _segments(path: Path, files: _List) -> tuple[list[str], dict[str, list[str]], list[int]]:
    found = _pairs(path)
    cells: list[tuple[str, str, str]] = []
    for row in found.values():
        recording, *times = row.value.split()
        if len(times) not in {2, 3} or times[2:] not in ([], ["0"]):
            what = "give utterance, recording, start and end, of recordings of one channel"
            raise DataError(f"{path} line {row.line}: {row.value!r} is no segment: {what}")
        if recording not in files:
            what = f"wav.scp has no recording {recording!r}: add it there, or leave the segment out"
            raise DataError(f"{path} line {row.line}: {what}")
        cells.append((files[recording].value, times[0], "" if times[1].startswith("-") else times[1]))
    columns = dict(zip(_INDEX, map(list, zip(*cells, strict=True)), strict=True)) if cells else {}
    return list(found), columns, [row.line for row in found.values()]


def _labels(folder: Path, ids: list[str]) -> dict[str, list[str]]:
    """The columns of the lists by utterance, and of those by speaker."""
    columns: dict[str, list[str]] = {}
    by_speaker: dict[str, _List] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        match = _LISTS.fullmatch(path.name)
        name = _NAMES.get(match[2], match[2]) if match else "sentence"
        name = path.name if name in _INDEX else name
        if match and match[1] == "spk" and match[2] != "utt":
            by_speaker[name] = _pairs(path)
        elif (match and match[1] == "utt") or path.name == "text":
            columns[name] = _by_utterance(path, ids)
    speakers = columns.get("speaker", [])
    for name in by_speaker.keys() - columns.keys() if speakers else ():
        values = {speaker: row.value for speaker, row in by_speaker[name].items()}
        columns[name] = [values.get(speaker, "") for speaker in speakers]
    if speakers == ids:
        del columns["speaker"]
    return columns


def _by_utterance(path: Path, ids: list[str]) -> list[str]:
    found, known = _pairs(path, may_be_empty=path.name == "text"), frozenset(ids)
    for name, row in found.items():
        if name not in known:
            what = f"there is no utterance {name!r} in wav.scp or segments: make the lists agree (fix_data_dir.sh)"
            raise DataError(f"{path} line {row.line}: {what}")
    return [found[name].value if name in found else "" for name in ids]


def _pairs(path: Path, *, may_be_empty: bool = False) -> dict[str, _Row]:
    """What stands behind each id of a list, whatever its line ends."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise DataError(f"cannot read {path}: {reason}; give a list that can be read, in UTF-8") from error
    found: dict[str, _Row] = {}
    for number, line in enumerate(lines, start=1):
        name, *rest = line.split(maxsplit=1) or [""]
        if name and not rest and not may_be_empty:
            raise DataError(f"{path} line {number}: nothing behind {name!r}: give an id and its value")
        if name in found:
            raise DataError(f"{path} line {number}: {name!r} is on line {found[name].line} too: keep one of them")
        if name:
            found[name] = _Row(number, rest[0].strip() if rest else "")
    return found
