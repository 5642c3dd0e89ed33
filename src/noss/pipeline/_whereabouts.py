"""Where a corpus is that is not where it was looked for: in a folder near by, still packed, or another is in its place.

A corpus is known by its `signs`. Looking is bounded: hints are for people who wait, and a root may be a whole disk.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Final

from noss import shelf
from noss.datasets import Dataset
from noss.datasets._files import is_folder

_MOST_OF_A_FOLDER: Final = 1_000  # entries of one folder that are looked at
_MOST_ENTRIES: Final = 20_000  # and of all folders together
_MOST_FOLDERS: Final = 500  # folders below the root in which a corpus is looked for
_ARCHIVES: Final = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
_WILD = frozenset("*?[")


def looks_like(card: Dataset, root: Path) -> bool:
    """Whether each of a corpus's signs is found in a folder; never, where it states none."""
    return _Look().finds(card.signs, str(root))


def explained(error: Exception, *, name: str, card: Dataset, root: Path) -> str:
    """What is wrong with a root in which a corpus cannot be listed: the error's line, or a better one.

    Args:
        error: What the dataset said.
        name: The dataset's, as it stands in `--root`.
        card: The dataset's facts.
        root: Where it was looked for.
    """
    look, here = _Look(), str(root)
    if not root.is_dir() or not card.signs or look.finds(card.signs, here):
        return str(error)
    for folder in _near(look, root):
        if look.finds(card.signs, folder):
            return f"{name} is not in {root} but in {folder}: give --root {name}={folder}"
    others = [other for other, signs in _signs_on_the_shelf().items() if other != name and look.finds(signs, here)]
    if others:
        return f"{error}; what is in {root} looks like {' or '.join(others)}"
    packed = sorted(entry for entry, _ in look.entries(here) if entry.lower().endswith(_ARCHIVES))
    if packed:
        return f"{error}; unpack {packed[0]}, which is in {root}"
    return str(error)


class _Look:
    """Looks into folders, each once, and at a bounded number of entries in all."""

    def __init__(self) -> None:
        self._listed: dict[str, list[tuple[str, bool]]] = {}
        self._left = _MOST_ENTRIES

    def finds(self, signs: Iterable[str], folder: str) -> bool:
        """Whether there are signs and each matches something in a folder."""
        wanted = [sign.split("/") for sign in signs]
        return bool(wanted) and all(self._matches(folder, parts) for parts in wanted)

    def entries(self, folder: str) -> list[tuple[str, bool]]:
        """Names in a folder, and whether each is a folder; a folder that cannot be listed has none."""
        if folder not in self._listed:
            self._listed[folder] = list(islice(_scan(folder), min(_MOST_OF_A_FOLDER, self._left)))
            self._left -= len(self._listed[folder])
        return self._listed[folder]

    def _matches(self, folder: str, parts: list[str]) -> bool:
        first, rest = parts[0], parts[1:]
        if not _WILD & set(first):
            path = f"{folder}/{first}"
            return self._matches(path, rest) if rest else os.path.exists(path)  # noqa: PTH110
        fits = re.compile(fnmatch.translate(first)).match
        return any(
            fits(name) and (not rest or (is_folder and self._matches(f"{folder}/{name}", rest)))
            for name, is_folder in self.entries(folder)
        )


def _scan(folder: str) -> Iterator[tuple[str, bool]]:
    try:
        with os.scandir(folder) as entries:
            yield from ((entry.name, is_folder(entry)) for entry in entries if not entry.name.startswith("."))
    except OSError:
        return  # a hint can do without


def _near(look: _Look, root: Path) -> Iterator[str]:
    """Folders in which a corpus may be instead: one and two levels below the root, and the one above it."""
    first = _folders(look, str(root))
    second = chain.from_iterable(_folders(look, folder) for folder in first)
    yield from islice(chain(first, second), _MOST_FOLDERS)
    yield str(root.parent if root.name not in {"", ".."} else root.resolve().parent)


def _folders(look: _Look, folder: str) -> list[str]:
    return sorted(f"{folder}/{name}" for name, is_folder in look.entries(folder) if is_folder)


def _signs_on_the_shelf() -> Mapping[str, tuple[str, ...]]:
    modules = {part: shelf.load("datasets", part) for part in shelf.names("datasets")}
    return {part: module.DATASET.signs for part, module in modules.items() if hasattr(module, "DATASET")}
