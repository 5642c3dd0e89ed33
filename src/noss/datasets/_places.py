"""Tables put together from several list files: each row knows where it stands, and where its audio is looked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from noss.datasets._files import Finder
from noss.datasets._table import Table
from noss.errors import DataError

_ABSOLUTE = re.compile(r"([A-Za-z]:)?/")
_TRIED = 20  # files that decide which folder relative paths are seen from


@dataclass(frozen=True, kw_only=True)
class Listed(Table):
    """A table whose rows come from several files; `places[i]` says from which of them row `i` comes."""

    places: list[Path]

    def error(self, row: int, message: str) -> DataError:
        """An error that names the file and the line of a row."""
        return DataError(f"{self.places[row]} line {self.lines[row]}: {message}")


def whereabouts(files: Sequence[str], folder: Path) -> list[str]:
    """Paths of a list as absolute ones: relative ones are seen from its own folder or, failing that, from one above it.

    The tools that write such lists take paths as seen from where they were run, most often the folder of the project.
    """
    plain = [file.replace("\\", "/") for file in files]
    relative = [file for file in plain if not _ABSOLUTE.match(file)]
    base = _base(relative[:_TRIED], folder.absolute())
    return [file if _ABSOLUTE.match(file) else f"{base}/{file}" for file in plain]


def _base(files: list[str], own: Path) -> Path:
    finder = Finder()
    for base in (own, *own.parents):
        for file in files:
            finder.find(f"{base}/{file}")
        if finder.num_found:
            return base
    return own
