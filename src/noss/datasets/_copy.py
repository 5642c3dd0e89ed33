"""One copy of a source in the making: audio files numbered and named by their key, and a row of cells each."""

from __future__ import annotations

import io
import math
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from noss.datasets import _rows
from noss.datasets._files import AUDIO_SUFFIXES, stem
from noss.datasets._table import RESERVED
from noss.errors import DataError

_FILES_A_FOLDER = 10_000
_LONGEST_CELL = 10_000  # characters: a table's reader has a limit, and no label is as long
_PLACES = ("file", "start", "end")  # a source's own say where the clip came from, and would cut it again
_INT16 = np.iinfo(np.int16)
_INT32 = np.iinfo(np.int32)
_MAGIC = (
    (b"RIFF", ".wav"), (b"RF64", ".wav"), (b"fLaC", ".flac"), (b"OggS", ".ogg"), (b"ID3", ".mp3"), (b"FORM", ".aiff"),
    (b".snd", ".au"), (b"caff", ".caf"), (b"NIST_1A", ".sph"), (b"\x1a\x45\xdf\xa3", ".webm"), (b"#!AMR", ".amr"),
)  # fmt: skip


class Copy:
    """A folder that is being filled.

    Attributes:
        title: Of the source.
        source: Its address, with its revision.
        licence: As its owner says it.
        citation: As its owner says it.
        classes: Classes of columns in their order, None for columns of numbers; other columns are judged by their cells.
        notes: What a user should know, one sentence each.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        self.title = ""
        self.source = ""
        self.licence = ""
        self.citation = ""
        self.classes: dict[str, tuple[str, ...] | None] = {}
        self.notes: list[str] = []
        self._name = name
        self._folder = folder
        self._rows: list[dict[str, str]] = []
        self._nested: dict[str, None] = {}
        self._num_files = 0
        self._narrow: list[Path] = []
        self._is_wide = False

    def expect(self, num_bytes: int) -> None:
        """Refuse to go on where the disk cannot hold as many bytes.

        Raises:
            DataError: Less is free.
        """
        free = shutil.disk_usage(self._folder).free
        if num_bytes > free:
            raise DataError(
                f"{self._name} takes about {_size(num_bytes)} and {_size(free)} are free in {self._folder.parent}: "
                "free some, or set NOSS_CACHE to a folder on a larger disk"
            )

    def file(self, key: str, suffix: str) -> Path:
        """A path that audio may be written to, named by a number and its key."""
        number = self._num_files
        self._num_files += 1
        plain = re.sub(r"[^\w-]+", "_", stem(key), flags=re.ASCII).strip("_")[-60:]
        name = f"{number:07d}_{plain}" if plain else f"{number:07d}"
        path = self._folder / "audio" / f"{number // _FILES_A_FOLDER:04d}" / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add_bytes(self, content: bytes | None, cells: Mapping[str, Any], *, key: str, split: str = "") -> None:
        """Add a clip by the bytes of its audio file, whatever they hold; None gives a clip whose file is missing."""
        path = self.file(key, suffix(key, content or b""))
        if content is not None:
            path.write_bytes(content)
        self.add(path, cells, split=split)

    def add_samples(
        self, samples: NDArray[Any], cells: Mapping[str, Any], *, sample_rate: int, key: str, split: str = ""
    ) -> None:
        """Add a clip by its samples (T,) or (T, C): floats of full scale 1, or whole numbers of 16 or 32 bits."""
        path = self.file(key, ".wav")
        stored, subtype = _storable(samples, key=key)
        path.write_bytes(_wav(stored, sample_rate, subtype))
        if subtype == "PCM_16" and samples.dtype != np.int16:
            self._narrow.append(path)
        self._is_wide |= subtype == "PCM_32"
        self.add(path, {**cells, "seconds": len(stored) / sample_rate}, split=split)

    def add(self, path: Path, cells: Mapping[str, Any], *, split: str = "") -> None:
        """Add a clip whose audio is, or should be, at a path: one that `file` gave, or a file outside, left there."""
        row = {"file": path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else str(path)}
        for name, value in cells.items():
            text = cell(value)
            if text is None:
                self._nested[name] = None
            elif text:
                row[f"{name} " if name == "file" else name] = text
        self._rows.append({**row, "split": split} if split else row)

    def finished(self) -> tuple[list[str], list[list[str]], dict[str, Any]]:
        """The table's columns and rows, and what is written beside it.

        Raises:
            DataError: There is no clip.
        """
        if not self._rows:
            raise DataError(f"{self._name} holds no clip: give a source that does")
        renamed = self._renamed()
        self._mend_splits()
        for path in self._narrow if self._is_wide else ():
            _widen(path)
        columns = {"file": "file", **{new: old for old, new in renamed.items() if new is not None}}
        rows = [[row.get(old, "") for old in columns.values()] for row in self._rows]
        classes = {renamed[old]: classes for old, classes in self.classes.items() if renamed.get(old)}
        about = {fact: getattr(self, fact) for fact in ("title", "source", "licence", "citation", "notes")}
        return list(columns), rows, {**about, "classes": classes}

    def _renamed(self) -> dict[str, str | None]:
        """Each column's name in the table; None for one that is left out."""
        found = dict.fromkeys(name for row in self._rows for name in row if name != "file")
        like = [name for name in found if name.lower() == "speaker" or _rows.may_be_speakers(name)]
        renamed: dict[str, str | None] = {}
        for name in found:
            new = "speaker" if like == [name] else name.strip().lower() if name.lower() in RESERVED else name.strip()
            is_free = new and new not in renamed.values() and new not in _PLACES
            renamed[name] = new if is_free else None
        self._tell(renamed)
        return renamed

    def _tell(self, renamed: Mapping[str, str | None]) -> None:
        dropped = [name for name, new in renamed.items() if new is None]
        self.notes += [f"The column {name.strip()} is no target: it says where clips came from." for name in dropped]
        self.notes += [
            f"The column {name} is no target: it holds lists or other nested values." for name in self._nested
        ]
        self.notes += [
            f"The column {name} says who speaks." for name, new in renamed.items() if new == "speaker" != name
        ]

    def _mend_splits(self) -> None:
        names = {row.get("split", "") for row in self._rows}
        odd = {name for name in names if name and _rows.split(name) is None and not _rows.is_fold(name)}
        alone = names if len(names) == 1 else set()
        for row in self._rows if odd or alone else ():
            if row.get("split") in odd | alone:
                del row["split"]
        self.notes += [f"The split {name} is none of train, dev and test." for name in sorted(odd)]
        self.notes += [f"All clips are of the split {name}." for name in alone - odd if name]


def _size(num_bytes: int) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:.1f} MB"


def cell(value: Any) -> str | None:
    """A value as the text of a table's cell, empty where it is missing; None for lists and other nested values."""
    if isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
        value = value.item()
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return value.replace("\0", "").strip()[:_LONGEST_CELL]
    if isinstance(value, float):
        return str(np.float32(value)) if np.float32(value) == value else repr(value)
    return None if isinstance(value, dict | list | tuple | np.ndarray) else str(value)


def suffix(name: str, content: bytes) -> str:
    """The suffix for an audio file: its name's where it has one of audio, else what its first bytes show."""
    own = Path(name).suffix.lower()
    if own in AUDIO_SUFFIXES:
        return own
    if content[4:8] == b"ftyp":
        return ".m4a"
    mpeg = ".mp3" if len(content) > 1 and content[0] == 0xFF and content[1] >= 0xE0 else ".wav"
    return next((found for magic, found in _MAGIC if content.startswith(magic)), mpeg)


def _storable(samples: NDArray[Any], *, key: str) -> tuple[NDArray[Any], str]:
    """Samples as a wav file takes them, without loss: whole numbers of 16 bits where they fit, of 32 where not."""
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    if samples.ndim not in (1, 2) or kind not in "if":
        raise DataError(f"{key} holds {samples.ndim}-D {samples.dtype} values: samples are numbers, (T,) or (T, C)")
    if kind == "f":
        return (samples.astype(np.float32), "FLOAT") if size <= 4 else (samples, "DOUBLE")
    low, high = (int(samples.min()), int(samples.max())) if samples.size else (0, 0)
    if samples.dtype != np.int32 and _INT16.min <= low and high <= _INT16.max:
        return samples.astype(np.int16), "PCM_16"
    if _INT32.min <= low and high <= _INT32.max:
        return samples.astype(np.int32), "PCM_32"
    raise DataError(f"{key} holds samples from {low} to {high}: whole numbers of at most 32 bits are needed")


def _wav(samples: NDArray[Any], sample_rate: int, subtype: str) -> bytes:
    memory = io.BytesIO()
    soundfile.write(memory, samples, sample_rate, format="WAV", subtype=subtype)
    return memory.getvalue()


def _widen(path: Path) -> None:
    """Store a quiet clip among clips of 32 bits as one of 32 bits: its loudest sample does not tell its full scale."""
    samples, sample_rate = soundfile.read(str(path), dtype="int16")
    path.write_bytes(_wav(samples.astype(np.int32), sample_rate, "PCM_32"))
