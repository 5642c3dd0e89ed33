"""Folders of recorded noise and of measured rooms: what of them can be used, and a hash over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from noss import identity, runs
from noss.audio import read
from noss.errors import AudioError, DataError, Failure
from noss.pipeline._embed_sources import files_of


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """A folder's readable audio files, sorted, a hash over their bytes, and those that cannot be read."""

    name: str
    paths: tuple[Path, ...]
    digest: str
    failures: list[Failure] = field(default_factory=list)


def open_recordings(folder: str, *, option: str, cache: Path) -> Recordings:
    """The audio files below a folder; each is decoded once, and broken or silent ones are listed.

    Args:
        folder: The folder.
        option: The option that named it, for messages.
        cache: The cache folder, where hashes of files are remembered.

    Raises:
        DataError: There is no such folder, or nothing in it can be used.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        made = ", or white, pink or babble" if option == "--noise" else ""
        raise DataError(f"{option} {folder} is no folder: name a folder of audio files{made}")
    paths = files_of([place])
    reasons = [_reason(path) for path in paths]
    failures = [
        Failure(file=str(path), start_s=0.0, end_s=None, stage=option.lstrip("-"), reason=reason)
        for path, reason in zip(paths, reasons, strict=True)
        if reason
    ]
    kept = [path for path, reason in zip(paths, reasons, strict=True) if not reason]
    if not kept:
        raise DataError(
            f"no file of {option} {folder} can be used ({failures[0].file}: {failures[0].reason}): mend them"
        )
    digests = identity.digests(kept, memo=cache / "files.sqlite")
    return Recordings(
        name=place.resolve().name, paths=tuple(kept), digest=runs.signature(list(map(str, digests))), failures=failures
    )


def _reason(path: Path) -> str:
    """Why a file cannot be used; empty where it can."""
    try:
        waveform_T, _ = read.read(path)
    except AudioError as error:
        return str(error)
    return "" if waveform_T.any() else f"{path} is silent: leave it out"
