"""Audio files by their stem, whatever the suffix, and folders walked in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from noss.errors import DataError
from noss.places import is_address, path_of

AUDIO_SUFFIXES = frozenset({
    ".wav", ".wave", ".w64", ".rf64", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc",
    ".au", ".snd", ".sph", ".caf", ".m4a", ".mp4", ".aac", ".webm", ".mka", ".mkv", ".mov", ".wma",
    ".amr", ".3gp",
})  # fmt: skip


def stem(name: str) -> str:
    """A file's name without its audio suffixes: `a.opus.ogg` and `a.WAV` are both `a`."""
    base, dot, suffix = name.rpartition(".")
    while base and dot + suffix.lower() in AUDIO_SUFFIXES:
        name = base
        base, dot, suffix = name.rpartition(".")
    return name


def is_audio(name: str) -> bool:
    """Whether a file's suffix is one of audio; hidden files never are."""
    base, dot, suffix = name.rpartition(".")
    return bool(base) and not name.startswith(".") and dot + suffix.lower() in AUDIO_SUFFIXES


def walk(root: Path) -> Iterator[str]:
    """Every audio file below a folder, sorted; hidden ones are left out, links followed, loops of links cut.

    Paths are text, as seen from the root and with `/`: making 150,000 `Path` objects takes longer than listing them.

    Raises:
        DataError: The folder, or one below it, cannot be listed.
    """
    if is_address(root):
        yield from _below(root)
    else:
        yield from _walk(str(root), "", above=frozenset())


def folders(root: Path) -> list[Path]:
    """The folders right below a folder, sorted, without the hidden ones."""
    return [root / name for name, is_inner in _listing(str(root)) if is_inner]


def audio_by_stem(folder: Path) -> dict[str, Path]:
    """The audio files right in a folder by their stem, sorted by it.

    Raises:
        DataError: The folder cannot be listed, or two files have one stem, be it in capitals.
    """
    found: dict[str, Path] = {}
    first_by_stem: dict[str, str] = {}
    for name, is_inner in _listing(str(folder)):
        if not is_inner and is_audio(name):
            first = first_by_stem.setdefault(stem(name).casefold(), name)
            if first != name:
                raise DataError(f"{folder / first} and {name} are one clip twice: keep one of them")
            found[stem(name)] = folder / name
    return dict(sorted(found.items()))


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link that leads round in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _walk(folder: str, below: str, *, above: frozenset[tuple[int, int]]) -> Iterator[str]:
    listing = _listing(folder)
    status = Path(folder).stat()
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for name, is_inner in listing:
        if is_inner:
            yield from _walk(f"{folder}/{name}", f"{below}{name}/", above=above | {here})
        elif is_audio(name):
            yield below + name


def _below(root: Path) -> Iterator[str]:
    """As `_walk`, of a folder on an object store, in one listing."""
    from noss.places import store

    for file in store.below(str(root)):
        name = file.rpartition("/")[2]
        if is_audio(name) and not file.startswith(".") and "/." not in file:
            yield file


def _listing(folder: str) -> list[tuple[str, bool]]:
    if is_address(folder):
        return [(name, is_inner) for name, is_inner in _listed(folder) if not name.startswith(".")]
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, is_folder(entry)) for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot list {folder}: {error.strerror}; give a folder that can be read") from error


class Finder:
    """Finds files by name, or by stem where that very name is not there; each folder is listed once."""

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self._by_stem: dict[str, dict[str, list[str]]] = {}
        self.num_found = 0

    def find(self, path: str) -> str:
        """The path as it is on disk; a file that is not there keeps the path it was asked by.

        Raises:
            DataError: Several files of that stem, none of that very name.
        """
        folder, name = os.path.split(path)
        if folder not in self._names:
            self._names[folder] = _names(folder)
        if name not in self._names[folder]:
            fitting = self._stems(folder).get(stem(name), [])
            if len(fitting) > 1:
                raise DataError(f"{path} may be {' or '.join(sorted(fitting))}: give the suffix, or keep one of them")
            if not fitting:
                return path
            name = fitting[0]
        self.num_found += 1
        return f"{folder}/{name}" if folder else name

    def _stems(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._by_stem:
            by_stem: dict[str, list[str]] = {}
            for name in filter(is_audio, self._names[folder]):
                by_stem.setdefault(stem(name), []).append(name)
            self._by_stem[folder] = by_stem
        return self._by_stem[folder]


def _listed(folder: str) -> list[tuple[str, bool]]:
    """Names right below a folder on an object store, and whether each is a folder; none where there is no such folder."""
    from noss.places import store

    try:
        return [(name, entry.is_folder) for name, entry in store.listing(str(path_of(folder))).items()]
    except FileNotFoundError:
        return []


def _names(folder: str) -> frozenset[str]:
    if is_address(folder):
        return frozenset(name for name, _ in _listed(folder))
    try:
        return frozenset(os.listdir(folder or "."))  # noqa: PTH208
    except OSError:
        return frozenset()
