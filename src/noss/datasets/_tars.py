"""Clips in tar files, copied member by member: nothing is written by its own name, linked to or unpickled."""

from __future__ import annotations

import json
import lzma
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noss.datasets._copy import Copy
from noss.datasets._files import is_audio
from noss.errors import DataError

_LARGEST = 1 << 24  # bytes of a member that is no audio and is read whole
_MEMBER = re.compile(r"(?P<key>(?:.*/)?[^./][^./]*)\.(?P<suffix>[^/]+)")
_PICKLES = frozenset({"pyd", "pickle", "pkl", "pth", "pt", "npy", "npz"})
_AGAIN = "bring the shard again, or write it again"


@dataclass(kw_only=True)
class _Clip:
    """One clip of a shard in the making: members of its key, side by side."""

    key: str
    audio: Path | None = None
    cells: dict[str, Any] = field(default_factory=dict)
    is_one: bool = False


class Shards:
    """Copies shards, and remembers what it did not read."""

    def __init__(self, copy: Copy) -> None:
        self._copy = copy
        self._num_audio = 0
        self._num_links = 0
        self._classes: set[str] = set()
        self._unread: set[str] = set()

    def add(self, shard: Path, *, split: str) -> None:
        """Copy the clips of one shard.

        Raises:
            DataError: It is no tar file or half of one, or its members are no clips.
        """
        clip, seen = None, set[str]()
        with _opened(shard) as tar:
            for member in tar:
                name = _MEMBER.fullmatch(member.name)
                if name is None or member.isdir():
                    continue
                if clip is None or clip.key != name["key"]:
                    self._end(clip, split)
                    clip = _Clip(key=name["key"])
                    if clip.key in seen:
                        raise DataError(f"{shard}: the members of {clip.key} are not side by side: {_AGAIN}")
                    seen.add(clip.key)
                self._read(shard, tar, member, clip, suffix=name["suffix"].lower())
            _check_end(shard, tar)
        self._end(clip, split)

    def finish(self, choice: str) -> None:
        """Say what was not read, and which classes there are.

        Raises:
            DataError: No member of any shard is audio.
        """
        unread = sorted(self._unread)
        if not self._num_audio:
            there = f" (there is {', '.join(f'.{suffix}' for suffix in unread)})" if unread else ""
            raise DataError(f"no member of {choice} is audio{there}: key.wav, key.flac, key.mp3 or the like is needed")
        if self._classes:
            self._copy.classes["cls"] = tuple(sorted(self._classes, key=lambda text: (len(text), text)))
        self._copy.notes += [f"Members .{suffix} are not read{_why(suffix)}." for suffix in unread]
        if self._num_links:
            self._copy.notes.append(f"{self._num_links} members are links, which are not followed.")

    def _read(self, shard: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, clip: _Clip, *, suffix: str) -> None:
        last = suffix.rpartition(".")[2]
        if not member.isreg():
            self._num_links += member.issym() or member.islnk()
            clip.is_one |= is_audio(f"x.{last}")
        elif is_audio(f"x.{last}"):
            if clip.audio is not None:
                raise DataError(f"{shard}: {clip.key} has two files of audio: one a key is needed; {_AGAIN}")
            clip.audio = self._copy.file(clip.key, f".{last}")
            self._num_audio += 1
            self._extract(tar, member, clip.audio)
        elif suffix in ("json", "cls", "txt"):
            clip.is_one = True
            clip.cells |= self._cells(suffix, _content(shard, tar, member), where=f"{shard}: {member.name}")
        else:
            self._unread.add(suffix)

    def _extract(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        self._copy.expect(member.size)
        source = tar.extractfile(member)
        assert source is not None, "a regular member can be read"
        with source, path.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)

    def _cells(self, suffix: str, content: bytes, *, where: str) -> dict[str, Any]:
        if suffix == "json":
            try:
                found = json.loads(content)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{where} is no JSON ({error}): mend it") from error
            return found if isinstance(found, dict) else {"json": found}
        text = content.decode("utf-8", errors="replace").strip()
        if suffix == "cls" and text:
            self._classes.add(text)
        return {suffix: text}

    def _end(self, clip: _Clip | None, split: str) -> None:
        if clip is None or not (clip.is_one or clip.audio):
            return
        # A clip whose audio is missing keeps its place: the pipeline tells which file is not there.
        self._copy.add(clip.audio or self._copy.file(clip.key, ".wav"), clip.cells, split=split)


@contextmanager
def _opened(shard: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(shard) as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the archive's
        raise DataError(f"{shard} is no whole tar file ({str(error).splitlines()[0]}): {_AGAIN}") from error


def _check_end(shard: Path, tar: tarfile.TarFile) -> None:
    """An archive ends with a block of zeros; tarfile stops without a word at the end of half of one, and at damage."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise DataError(f"{shard} is no whole tar file (it has no end mark): {_AGAIN}")


def _content(shard: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > _LARGEST:
        raise DataError(
            f"{shard}: {member.name} has {member.size:,} bytes and at most {_LARGEST:,} are read: shorten it"
        )
    source = tar.extractfile(member)
    assert source is not None, "a regular member can be read"
    with source:
        return source.read()


def _why(suffix: str) -> str:
    return ", since what they hold may run as code" if suffix.rpartition(".")[2] in _PICKLES else ""
