"""What is wrong with a file, in the words that a user gets: what was found, what is needed, what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from noss.errors import AudioError

_GIT_LFS: Final = b"version https://git-lfs.github.com/spec/"


def unreadable(path: Path, said: object) -> AudioError:
    """The error for a file that does not open; `said` is what the decoder said."""
    if not path.exists():
        return AudioError(f"no file {path}: check the path, and where relative paths start from")
    if path.is_dir():
        return AudioError(f"{path} is a folder and an audio file is needed: name the files in it")
    if not os.access(path, os.R_OK):
        return AudioError(f"{path} cannot be read with your rights: change its permissions")
    if path.stat().st_size == 0:
        return AudioError(f"{path} is empty (0 bytes) and audio is needed: fetch the file again or leave it out")
    if is_git_lfs_pointer(path):
        return AudioError(f"{path} is a Git LFS pointer and audio is needed: run git lfs pull in its repository")
    return AudioError(
        f"{path} is not audio that can be read, or is damaged ({_line(said)}): convert it to WAV or FLAC, or leave it out"
    )


def is_git_lfs_pointer(path: Path) -> bool:
    """Whether a file only says what Git Large File Storage would have put in its place."""
    try:
        with path.open("rb") as file:
            return file.read(len(_GIT_LFS)) == _GIT_LFS
    except OSError:
        return False


def damaged(path: Path, said: object) -> AudioError:
    """The error for a file that opens but does not decode."""
    return AudioError(f"{path} is damaged or truncated ({_line(said)}): fetch the file again or leave it out")


def truncated(path: Path, found: str) -> AudioError:
    """The error for a file that holds less than it promises; `found` says by how much."""
    return AudioError(f"{path} is truncated: {found}; fetch the file again or leave it out")


def _line(said: object) -> str:
    return " ".join(str(said).split()).rstrip(".")
