"""Cuts of Lhotse: pieces of recordings with supervisions. `lhotse/CUTS.jsonl.gz/TARGET`.

A cut is a clip: its start and duration are the segment, and its recording's file is the audio. Speaker, language and
gender of its supervision, and the `custom` fields of both, are columns, and so targets by the rules of tables (see
`csv`); the text is the sentence, and a custom `split`, `fold` or `session` means what it says. Of several supervisions
all must say the same. Custom fields that are no text, number or truth value (arrays, recordings) are left out.

A clip is a piece of one file, as it is, of one channel. A `MixedCut`, a cut of features alone, a recording that is
perturbed or made by a command, and one channel of several in a file are therefore refused, each with its line.

Relative paths are seen from the manifest's folder or, failing that, from the nearest folder above it where they lead to
a file. The manifest is read here, line by line, as JSON (`.jsonl`, plain or gzipped): the library imports torch.
Source of the format: https://lhotse.readthedocs.io/en/latest/cuts.html
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from sys import intern
from typing import Any

from noss.datasets import Clip, Dataset, _rows
from noss.datasets._places import whereabouts
from noss.datasets._table import MISSING, Table
from noss.errors import DataError

ROOT = "file"
_FIELDS = ("speaker", "language", "gender")
_INDEX = ("file", "start", "end")
_HARMLESS = frozenset({"Resample"})  # of the ways to change a recording: times and voices stay as they are


def describe(root: Path) -> Dataset:
    """The facts of a manifest: its targets, counts and speakers.

    Raises:
        DataError: The manifest cannot be read, or a cut is no piece of one file.
    """
    title = root.name.removesuffix(".gz").removesuffix(".jsonl")
    table, hours = _read(root)
    return replace(_rows.describe(table), title=title, hours=hours)


def clips(root: Path) -> Iterator[Clip]:
    """Every cut, in the manifest's order.

    Raises:
        DataError: The manifest cannot be read, a cut is no piece of one file, or no recording is there.
    """
    return _rows.clips(_read(root)[0])


def _read(root: Path) -> tuple[Table, float]:
    """The cuts as a table, and how many hours they are."""
    rows: list[dict[str, str]] = []
    lines, seconds = [], 0.0
    for line, cut in _cuts(root):
        try:
            rows.append(_row(cut))
            seconds += float(cut["duration"])
        except DataError as error:
            raise DataError(f"{root} line {line}: the cut {cut.get('id')!r} {error}") from None
        lines.append(line)
    if not rows:
        raise DataError(f"{root} holds no cut: give a manifest of cuts, one JSON object a line")
    names = dict.fromkeys(chain(_INDEX, *rows))
    columns = {name: [row.get(name, "") for row in rows] for name in names}
    columns["file"] = whereabouts(columns["file"], root.parent)
    return Table(path=root, columns=columns, lines=lines), seconds / 3_600


def _cuts(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The line and the fields of each cut."""
    line = 0
    try:
        with gzip.open(path.open("rb"), "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line, text in enumerate(file, start=1):
                if text.strip():
                    yield line, _object(json.loads(text))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot read {path} behind line {line}: {error}; give a manifest that is whole") from error
    except ValueError as error:
        raise DataError(f"{path} line {line}: no JSON object of a cut ({error}): give a manifest of cuts") from error


def _object(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or "type" not in found:
        raise ValueError("no field 'type'")
    return found


def _row(cut: Mapping[str, Any]) -> dict[str, str]:
    """A cut as the cells of a table."""
    if cut["type"] not in {"MonoCut", "Cut", "MultiCut"}:
        raise DataError(f"is a {cut['type']}, no piece of one file: save its audio first (cuts.save_audios)")
    recording = cut.get("recording")
    if not recording:
        raise DataError("has no recording, features alone: give cuts of recordings")
    try:
        file, start, duration = _file(cut, recording), float(cut["start"]), float(cut["duration"])
        whole = start == 0 and abs(duration - float(recording["duration"])) < 1e-3
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"lacks a field that makes sense ({error}): write the manifest again") from error
    end = "" if whole else repr(round(start + duration, 8))
    index = {"file": file, "start": repr(start), "end": end}
    return _custom(cut) | _supervision(cut.get("supervisions") or []) | index


def _file(cut: Mapping[str, Any], recording: Mapping[str, Any]) -> str:
    changes = {change["name"] for change in recording.get("transforms") or []} - _HARMLESS
    if changes:
        raise DataError(f"is of a recording that is changed on the fly ({', '.join(sorted(changes))}): save it")
    channels = cut["channel"] if isinstance(cut["channel"], list) else [cut["channel"]]
    sources = [source for source in recording["sources"] if set(channels) & set(source["channels"])]
    if len(channels) != 1 or len(sources) != 1 or len(sources[0]["channels"]) != 1:
        num_channels = sum(len(source["channels"]) for source in recording["sources"])
        told = ", ".join(map(str, channels))
        what = "clips are mixed down: save the channels as files of their own"
        raise DataError(f"is channel {told} of a recording of {num_channels} channels, and {what}")
    kind = sources[0]["type"]
    if kind != "file":
        told = "made by a command, and commands are never run" if kind == "command" else f"of the kind {kind!r}"
        raise DataError(f"is of a recording {told}: save it as a file")
    return str(sources[0]["source"])


def _supervision(found: list[Mapping[str, Any]]) -> dict[str, str]:
    """The cells that a cut's supervisions agree on."""
    cells: dict[str, str] = {}
    for supervision in found:
        stated = {name: _cell(supervision[name]) for name in _FIELDS if supervision.get(name) is not None}
        for name, value in (_custom(supervision) | stated).items():
            if cells.setdefault(name, value) != value:
                what = "cut it into one piece a supervision (trim_to_supervisions)"
                raise DataError(f"has supervisions that differ in {name} ({cells[name]}, {value}): {what}")
    texts = [str(supervision["text"]) for supervision in found if supervision.get("text")]
    return cells | ({"sentence": " ".join(texts)} if texts else {})


def _custom(thing: Mapping[str, Any]) -> dict[str, str]:
    fields = thing.get("custom")
    if not fields:
        return {}
    plain = {name: value for name, value in fields.items() if isinstance(value, str | int | float)}
    return {f"custom_{name}" if name in _INDEX else name: _cell(value) for name, value in plain.items()}


def _cell(value: object) -> str:
    text = str(value).strip()
    return intern("" if text in MISSING else text)
