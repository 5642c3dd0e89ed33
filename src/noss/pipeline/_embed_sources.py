"""What a user wants embedded: datasets by name, audio files, folders of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from noss.datasets import Clip
from noss.datasets._files import is_audio, walk
from noss.errors import DataError
from noss.pipeline._clips import open_dataset


def clips_of(source: Sequence[str], *, roots: Mapping[str, Path], cache: Path) -> list[Clip]:
    """The clips of datasets, files and folders, in the order given; a clip named twice comes once.

    Raises:
        DataError: Something is neither on disk nor a dataset, or a folder holds no audio.
    """
    found = [clip for name in source for clip in _clips(name, roots, cache)]
    return list({(clip.path, clip.start_s, clip.end_s): clip for clip in found}.values())


def files_of(paths: Sequence[Path | str]) -> list[Path]:
    """Audio files, and all those below folders, sorted within a folder.

    Raises:
        DataError: A folder holds no audio.
    """
    return [file for path in paths for file in _files(Path(path).expanduser())]


def _clips(name: str, roots: Mapping[str, Path], cache: Path) -> Iterator[Clip]:
    path = Path(name).expanduser()
    if path.is_dir() or is_audio(path.name):
        yield from (Clip(path=file, labels={}) for file in _files(path))
    elif path.is_file():
        raise DataError(f"{name} is not an audio file: name audio, a folder, or a dataset (for a table: csv/{name})")
    else:
        yield from open_dataset(name, roots=roots, cache=cache)[1]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [path / name for name in walk(path)]
    if not files:
        raise DataError(f"no audio below {path}: name a folder that holds wav, flac, mp3, ogg or other audio files")
    return files
