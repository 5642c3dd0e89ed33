"""The error tree, and the record of a clip that could not be used.

Every message has three parts: what was found, what is needed, what to do. The command line prints it in one line
and exits with status 2.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any


class NossError(Exception):
    """Anything a user can mend; the parent of every error that noss raises on purpose."""


class AudioError(NossError):
    """A file is missing, is not audio, is truncated, empty or too short, or holds NaN."""


class DataError(NossError):
    """A table, a folder or a corpus is not what its dataset promises."""


class ModelError(NossError):
    """A model cannot be built, or breaks the embedding contract."""


class ProbeError(NossError):
    """A probe cannot be fitted on these embeddings and labels."""


class StoreError(NossError):
    """The embedding store cannot be read or written."""


class PlaceError(NossError):
    """An object store refuses, does not answer, or cannot be reached from here.

    Args:
        message: One line.
        gone: Whether the store as a whole does not answer, so that asking for other files is in vain.
    """

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class UnknownPartError(NossError):
    """No part of that name stands on that shelf."""


class MissingExtraError(NossError):
    """An optional dependency is not installed; the message gives the exact install line."""

    def __init__(self, package: str, *, extra: str, needed_by: str) -> None:
        super().__init__(
            f"{needed_by} needs the package {package}, which is not installed: pip install 'noss[{extra}]'"
        )
        self._facts = {"package": package, "extra": extra, "needed_by": needed_by}

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors travel between processes by their message; this one is made from its facts again."""
        return functools.partial(MissingExtraError, **self._facts), ()


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A clip that could not be used: listed in `failures.csv`, counted in every report.

    `stage` says where it was lost (`read`, `embed`); `reason` is one line. `end_s` None means the end of the file.
    """

    file: str
    start_s: float
    end_s: float | None
    stage: str
    reason: str
