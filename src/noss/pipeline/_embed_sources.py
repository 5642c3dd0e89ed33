"""What a user wants embedded: datasets by name, audio files, folders of them, tables that name clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from noss import shelf
from noss.datasets import Clip
from noss.datasets._files import is_audio, walk
from noss.errors import DataError, PlaceError
from noss.pipeline._clips import open_dataset
from noss.pipeline._embed_remote import by_the_copy
from noss.pipeline._manifest import Manifest
from noss.pipeline._manifest_file import is_table
from noss.places import Place, path_of


def clips_of(source: Sequence[str], *, roots: Mapping[str, Path], cache: Path) -> list[Clip]:
    """The clips of datasets, files and folders, in the order given; a clip named twice comes once.

    Raises:
        DataError: Something is neither on disk nor a dataset, or a folder holds no audio.
    """
    found = [clip for name in source for clip in _clips(name, roots, cache)]
    return list({(clip.path, clip.start_s, clip.end_s): clip for clip in found}.values())


def is_source(word: str) -> bool:
    """Whether a word, where a model may stand, is no model and names audio: a file, a folder, an address or a dataset."""
    part = shelf.parse_model(word).part
    if part.endswith(".py") or part in shelf.names("models"):
        return False
    path = path_of(word).expanduser()
    return isinstance(path, Place) or path.exists() or shelf.parse(word).part in shelf.names("datasets")


class Catalogue:
    """Clips, a sequence of them after the other: all of datasets, files and folders at once, then tables by the block.

    Args:
        source: Names of datasets, and paths of files, folders and tables.
        roots: Where corpora lie, by name.
        cache: The cache folder.

    Raises:
        DataError: Something is neither on disk nor a dataset, a folder holds no audio, or a table cannot be read.
    """

    def __init__(self, source: Sequence[str], *, roots: Mapping[str, Path], cache: Path) -> None:
        named = {name: path_of(name).expanduser() for name in source}
        tables = {name: path for name, path in named.items() if _is_manifest(path)}
        self._manifests = [Manifest(path) for path in tables.values()]
        if not named:
            raise DataError("no audio is named: name files, folders, datasets or tables behind the model")
        self._clips = clips_of([name for name in source if name not in tables], roots=roots, cache=cache)

    def __iter__(self) -> Iterator[Sequence[Clip]]:
        if self._clips or not self._manifests:
            yield from by_the_copy(self._clips)
        for manifest in self._manifests:
            for clips in manifest:
                yield from by_the_copy(clips[:]) if clips.are_remote else (clips,)


def files_of(paths: Sequence[Path | str]) -> list[Path]:
    """Audio files, and all those below folders, sorted within a folder.

    Raises:
        DataError: A folder holds no audio.
    """
    return [file for path in paths for file in _files(path_of(path).expanduser())]


def _clips(name: str, roots: Mapping[str, Path], cache: Path) -> Iterator[Clip]:
    path = path_of(name).expanduser()
    if path.is_dir() or is_audio(path.name):
        yield from (Clip(path=file, labels={}) for file in _files(path))
    elif path.is_file():
        raise DataError(f"{name} is not an audio file: name audio, a folder, a table (.csv, .parquet) or a dataset")
    elif isinstance(path, Place):
        raise PlaceError(f"there is nothing at {path}: check the bucket's name and the path")
    else:
        yield from open_dataset(name, roots=roots, cache=cache)[1]


def _is_manifest(path: Path) -> bool:
    return is_table(path) and path.is_file()


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [path / name for name in walk(path)]
    if not files:
        raise DataError(f"no audio below {path}: name a folder that holds wav, flac, mp3, ogg or other audio files")
    return files
