"""Who a clip is: the hash of its file's bytes and its segment, never its path or its row.

Hashes are remembered by path, size and times in a small SQLite file, so that a second run reads no audio. The memo is
only a memo: a lost, locked or broken one costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from noss import _memo, _remote_ids
from noss._memo import Seen
from noss.errors import Failure
from noss.places import is_address

if TYPE_CHECKING:
    from noss.datasets import Clip

_BLOCK = 4096  # files looked at together: memory does not grow with their number


def digests(paths: Sequence[Path], *, memo: Path | None) -> list[str | OSError]:
    """The SHA-256 of each file in hex, or the error that kept it from being read.

    Args:
        paths: Files; the same one may come twice.
        memo: SQLite file that remembers hashes between runs; None hashes every file anew.
    """
    answers: dict[str, str | OSError] = dict.fromkeys(map(str, paths), "")
    remote = [path for path in answers if is_address(path)]
    answers.update(_remote_ids.digests(remote) if remote else {})
    unique = [path for path, answer in answers.items() if answer == ""]
    with ThreadPoolExecutor(max_workers=min(16, 2 * (os.cpu_count() or 1))) as pool:
        for first in range(0, len(unique), _BLOCK):
            answers.update(_some_digests(unique[first : first + _BLOCK], memo, pool))
    return [answers[str(path)] for path in paths]


def clip_ids(clips: Sequence[Clip], *, cache: Path) -> list[str | Failure]:
    """The identity of each clip, 32 hex digits, or why its file cannot be read.

    A clip that is a whole file is known by the file's hash; a segment by the hash of that, its start and its end.
    """
    ids: list[str | Failure] = []
    for first in range(0, len(clips), _BLOCK):
        some = clips[first : first + _BLOCK]
        found = digests([clip.path for clip in some], memo=cache / "files.sqlite")
        ids += map(_identity, some, found)
    return ids


def _identity(clip: Clip, digest: str | OSError) -> str | Failure:
    if isinstance(digest, OSError):
        reason = f"cannot be read: {digest.strerror or digest}"
        return Failure(file=str(clip.path), start_s=clip.start_s, end_s=clip.end_s, stage="read", reason=reason)
    if clip.start_s == 0 and clip.end_s is None:
        return digest[:32]
    end = "" if clip.end_s is None else round(clip.end_s * 1e9)
    return hashlib.sha256(f"{digest}:{round(clip.start_s * 1e9)}:{end}".encode()).hexdigest()[:32]


def _some_digests(paths: Sequence[str], memo: Path | None, pool: ThreadPoolExecutor) -> dict[str, str | OSError]:
    seen = {path: _memo.look(path) for path in paths}
    known = _memo.recall(memo, "files", [look for look in seen.values() if isinstance(look, Seen)])
    answers = {path: known.get(look.key, "") if isinstance(look, Seen) else look for path, look in seen.items()}
    unknown = [path for path, answer in answers.items() if answer == ""]
    hashed = dict(zip(unknown, pool.map(_hash, unknown), strict=True))
    _memo.remember(memo, "files", _settled(seen, hashed))
    return answers | hashed


def _hash(path: str) -> str | OSError:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return error


def _settled(seen: Mapping[str, Seen | OSError], hashed: Mapping[str, str | OSError]) -> Iterator[tuple[Seen, str]]:
    """What is safe to remember: files that did not change while they were hashed, nor just before."""
    for path, digest in hashed.items():
        look = seen[path]
        if isinstance(look, Seen) and isinstance(digest, str) and look.settled and _memo.look(path) == look:
            yield look, digest
