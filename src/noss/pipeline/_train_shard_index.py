"""The index of a webdataset shard: where each member with audio lies in the tar file, how long it is, what is said of it.

A shard is read through once, from end to end. Its index is kept in the cache, and is made again when the shard changes;
`noss.shards.write_shards` leaves it beside the shard (`NAME.tar.index.json`), where it is found and no shard is read through.
"""

from __future__ import annotations

import json
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from noss.audio import read
from noss.datasets._files import is_audio
from noss.errors import AudioError, DataError
from noss.places import Place, copies, store
from noss.runs import signature, write_json

_FORMAT: Final = 1
_LARGEST: Final = 1 << 24  # bytes of a member that is no audio and is read whole
_MEMBER: Final = re.compile(r"(?P<key>(?:.*/)?[^./][^./]*)\.(?P<suffix>[^/]+)")
_AGAIN: Final = "bring the shard again, or write it again"


@dataclass
class Member:
    """A clip of a shard: its audio from `offset` to `offset + size` of the tar file, and its columns."""

    key: str
    suffix: str = ""
    offset: int = 0
    size: int = 0
    duration_s: float = 0.0
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Index:
    """What stands in a shard.

    Attributes:
        members: The clips that can be used.
        broken: What cannot, by `SHARD/MEMBER`, with the reason.
    """

    members: list[Member]
    broken: Mapping[str, str]


def index_of(shard: Path, *, cache: Path) -> Index:
    """The index of a shard: from the cache, from beside the shard, or from reading the shard through.

    Raises:
        DataError: It is no plain tar file.
        PlaceError: The store refuses, does not answer, or has no such file.
    """
    held = cache / "shards" / f"{signature(str(shard))}.json"
    stamp = _stamp(shard)
    facts = _facts(held)
    if facts is not None and facts["stamp"] == stamp:
        return _read(facts)
    facts = _facts(beside(shard))
    if facts is None or facts["num_bytes"] != int(stamp.split()[0]):
        facts = made(shard)
    write_json(held, {**facts, "stamp": stamp})
    return _read(facts)


def beside(shard: Path) -> Path:
    """Where the index of a shard lies beside it, if it does."""
    return shard.with_name(f"{shard.name}.index.json")


def made(shard: Path) -> dict[str, Any]:
    """The index of a shard as plain facts, from reading it through.

    Raises:
        DataError: It is no plain tar file.
    """
    broken: dict[str, str] = {}
    index = Index([], broken)
    with copies.local(shard) as file:
        num_bytes = file.stat().st_size
        for member in _members(file, shard, broken):
            if (reason := _measured(file, member)) is None:
                index.members.append(member)
            else:
                broken[f"{shard}/{member.key}.{member.suffix}"] = reason
    members = [list(vars(member).values()) for member in index.members]
    return {"format": _FORMAT, "num_bytes": num_bytes, "members": members, "broken": broken}


@contextmanager
def as_file(content: bytes, suffix: str) -> Iterator[Path]:
    """A file for this while with these bytes: decoders need one."""
    with tempfile.NamedTemporaryFile(prefix="noss-", suffix=f".{suffix}") as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def _stamp(shard: Path) -> str:
    """The size of a shard, and what changes when it does."""
    try:
        if isinstance(shard, Place):
            return store.look(str(shard)).stamp
        status = shard.stat()
    except FileNotFoundError as error:
        raise DataError(f"there is no shard {shard}: bring it, or correct the pattern") from error
    return f"{status.st_size} {status.st_mtime_ns}"


def _facts(path: Path) -> dict[str, Any] | None:
    try:
        with path.open(encoding="utf-8") as file:
            facts = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    return facts if isinstance(facts, dict) and facts.get("format") == _FORMAT else None


def _read(facts: Mapping[str, Any]) -> Index:
    return Index([Member(*row) for row in facts["members"]], facts["broken"])


def _members(file: Path, shard: Path, broken: dict[str, str]) -> Iterator[Member]:
    """The clips of a tar file: members side by side with one key, one of them audio; of half a file, those that it holds."""
    clip = Member("")
    try:
        with tarfile.open(file, "r:") as tar, file.open("rb") as content:
            for found in tar:
                name = _MEMBER.fullmatch(_told(found.name))
                if name is None or not found.isreg() or found.issparse():
                    continue
                if name["key"] != clip.key:
                    yield from [clip] if clip.suffix else []
                    clip = Member(name["key"])
                _add(clip, found, content, suffix=name["suffix"].lower(), shard=shard, broken=broken)
            content.seek(tar.offset)
            if content.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
                raise tarfile.ReadError("no end mark")
    except tarfile.TarError as error:
        told = f"{shard} is no whole, plain tar file ({str(error).partition(chr(10))[0]}): {_AGAIN}, without gzip"
        if not clip.key:
            raise DataError(told) from error
        broken[str(shard)] = told
    yield from [clip] if clip.suffix else []


def _add(
    clip: Member,
    found: tarfile.TarInfo,
    content: IO[bytes],
    *,
    suffix: str,
    shard: Path,
    broken: dict[str, str],
) -> None:
    last = suffix.rpartition(".")[2]
    if is_audio(f"x.{last}"):
        if clip.suffix:
            broken[f"{shard}/{_told(found.name)}"] = (
                f"{clip.key} has two files of audio and the first is used: keep one a key"
            )
            return
        clip.suffix, clip.offset, clip.size = suffix, found.offset_data, found.size
    elif suffix in ("json", "cls") and found.size <= _LARGEST:
        content.seek(found.offset_data)
        text = content.read(found.size).decode("utf-8", errors="replace").strip()
        try:
            clip.columns |= _columns(suffix, text)
        except ValueError as error:
            name = f"{shard}/{_told(found.name)}"
            broken[name] = f"{name} is no JSON object ({error}): mend it"


def _columns(suffix: str, text: str) -> dict[str, Any]:
    if suffix == "cls":
        return {"cls": text}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"a {type(found).__name__}")
    plain = {name: value for name, value in found.items() if isinstance(value, str | int | float | None)}
    return {_told(name): _told(value) if isinstance(value, str) else value for name, value in plain.items()}


def _told(text: str) -> str:
    """Text that can be written anywhere: names of members need not be UTF-8, and JSON can hold halves of characters."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _measured(file: Path, member: Member) -> str | None:
    """Note how long a member is; why not, where its header cannot be read."""
    with file.open("rb") as tar:
        tar.seek(member.offset)
        content = tar.read(member.size)
    if len(content) < member.size:
        return f"{len(content)} of {member.size} bytes are there: {_AGAIN}"
    with as_file(content, member.suffix) as audio:
        try:
            member.duration_s = read.info(audio).duration_s
        except AudioError as error:
            return str(error).replace(str(audio), f"{member.key}.{member.suffix}")
    return None if member.duration_s > 0 else f"{member.key}.{member.suffix} is empty: leave it out"
