"""A checksum that is computed beside a download, in a thread of its own."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from types import TracebackType

from noss.pipeline._fetch_behind import Behind

_CHUNK = 1 << 20
_MOST_CHUNKS = 32


class Digest:
    """The checksum of a file that grows: `sha256:...`, or of the kind that its owner states.

    Args:
        stated: The stated checksum, of which only the kind is used here; empty for SHA-256.
    """

    def __init__(self, stated: str = "") -> None:
        self._kind = stated.partition(":")[0] or "sha256"
        self._behind = Behind(most=_MOST_CHUNKS)
        self._restart()

    def __enter__(self) -> Digest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._behind:
            pass

    def follow(self, path: Path) -> None:
        """Hold the checksum of just what a file holds (nothing, if it is not there)."""
        self._behind.wait()
        size = path.stat().st_size if path.exists() else 0
        if size == self._size:
            return
        self._restart()
        if size:
            with path.open("rb", buffering=0) as file:
                while chunk := file.read(_CHUNK):
                    self.update(chunk)

    def update(self, chunk: bytes) -> None:
        """Add bytes, which are hashed some time later."""
        self._behind.give(partial(self._hash.update, chunk))
        self._size += len(chunk)

    def text(self) -> str:
        """The checksum, with its kind in front."""
        self._behind.wait()
        return f"{self._kind}:{self._hash.hexdigest()}"

    def _restart(self) -> None:
        self._hash = hashlib.new(self._kind, usedforsecurity=False)
        self._size = 0
