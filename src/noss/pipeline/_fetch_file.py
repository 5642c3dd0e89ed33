"""One file of a corpus: brought, checked, unpacked beside its place and moved there.

Whatever moment it is stopped at, the next call goes on: from the bytes of the partial file, from the whole archive, or
from the moving, which may be done again over itself. What is under way stands in `.fetch` in the corpus's folder.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from noss.datasets import Download
from noss.errors import DataError
from noss.pipeline._fetch_digest import Digest
from noss.pipeline._fetch_http import download
from noss.pipeline._fetch_manifest import NAME, Record, held
from noss.pipeline._fetch_progress import Bars
from noss.pipeline._fetch_unpack import Unpacked, unpack

WORKSHOP = ".fetch"
_NO_NAMES = frozenset({"content", "download", "file"})  # what some sites put behind a file's name


@dataclass(frozen=True, kw_only=True)
class Brought:
    """A file's record, its archive (not needed any more), names that differ only in case, and if it was there before."""

    record: Record
    archive: Path
    collisions: tuple[tuple[str, str], ...] = ()
    was_there: bool = False


def bring(item: Download, root: Path, *, known: Record | None, bars: Bars) -> Brought:
    """Bring one file to where it belongs; its archive stays until its record is written.

    Args:
        item: The file.
        root: The corpus's folder.
        known: What is noted about it from an earlier call.
        bars: Where progress is shown.

    Raises:
        DataError: It cannot be brought, is not what it should be, or cannot be unpacked safely.
    """
    archive = root / WORKSHOP / f"{hashlib.sha256(item.url.encode()).hexdigest()[:8]}-{file_name(item.url)}"
    if known is not None and item.checksum in ("", known.checksum) and known.is_there(root):
        return Brought(record=known, archive=archive, was_there=True)
    wanted = item.checksum or (known.checksum if known is not None else "")
    found = _download(item, archive, wanted=wanted, bars=bars)
    if not item.checksum and known is not None and found != known.checksum:
        archive.unlink()
        raise DataError(
            f"{item.url} has {found} and had {known.checksum} on {known.date}, and nobody states which is right: "
            f"it is removed; take {NAME} out of {root} to accept the file as it is now"
        )
    size = archive.stat().st_size
    come, holds = _place(item, archive, root, bars=bars)
    record = Record(
        url=item.url,
        checksum=found,
        stated=bool(item.checksum),
        size=size,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        num_files=come.num_files,
        num_bytes=come.num_bytes,
        holds=holds,
    )
    return Brought(record=record, archive=archive, collisions=tuple(come.collisions))


def file_name(url: str) -> str:
    """The name of the file behind a URL."""
    pieces = [unquote(piece) for piece in urlsplit(url).path.split("/") if piece]
    named = [piece for piece in pieces if piece not in _NO_NAMES] or ["file"]
    return re.sub(r"[^\w. +()-]", "_", named[-1])


def _download(item: Download, archive: Path, *, wanted: str, bars: Bars) -> str:
    """The checksum found of a file that is whole and right, and there."""
    part = archive.with_name(f"{archive.name}.part")
    with Digest(wanted) as digest:
        if archive.exists():  # whole already: it was stopped later
            digest.follow(archive)
        else:
            download(item, part, digest=digest, tell=bars.add(file_name(item.url)))
        found = digest.text()
    whole = archive if archive.exists() else part
    if item.checksum and found != item.checksum:
        whole.unlink()
        raise DataError(
            f"{item.url} has {found}, and {item.checksum} is needed: it is removed; run the same command again, "
            "and if it stays wrong, its owner has changed it"
        )
    whole.replace(archive)
    return found


def _place(item: Download, archive: Path, root: Path, *, bars: Bars) -> tuple[Unpacked, tuple[str, ...]]:
    target = _below(root, item.into)
    target.mkdir(parents=True, exist_ok=True)
    if not item.unpack:
        size = archive.stat().st_size
        archive.replace(target / file_name(item.url))
        return Unpacked(num_files=1, num_bytes=size), ((Path(item.into) / file_name(item.url)).as_posix(),)
    size, show = archive.stat().st_size, bars.add(f"unpacking {file_name(item.url)}")
    with _empty(root / WORKSHOP / "unpacking") as folder:
        try:
            come = unpack(archive, folder, tell=lambda done: show(done, size))
        except DataError as error:
            archive.unlink()
            raise DataError(f"{error}: {item.url} is removed; ask its owner, or run again to try once more") from error
        holds = held(folder, item.into)
        _merge(folder, target)
    return come, holds


def _below(root: Path, into: str) -> Path:
    assert not Path(into).is_absolute() and ".." not in Path(into).parts, into
    return root / into


@contextmanager
def _empty(folder: Path) -> Iterator[Path]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _merge(source: Path, target: Path) -> None:
    """Move everything below a folder to another one, in which some of it may stand already."""
    for path in source.iterdir():
        place = target / path.name
        if _is_folder(path) and _is_folder(place):
            _merge(path, place)
        elif (place.exists() or place.is_symlink()) and _is_folder(path) != _is_folder(place):
            raise DataError(f"{place} is in the way of what was fetched: move it, and run again")
        else:
            path.replace(place)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
