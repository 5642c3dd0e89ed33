"""What a check says about one promise of a part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """One promise, whether it holds, and what was seen.

    `ok` is True where it holds, False where it is broken, None for a remark that is neither. `files` are the files that
    it is about, each with what is the matter with it; the detail names only the first.
    """

    name: str
    ok: bool | None
    detail: str
    files: Sequence[tuple[str, str]] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{self.name}: {self.detail}"
