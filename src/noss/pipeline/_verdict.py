"""What a check says about one promise of a part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One promise, whether it holds, and what was seen.

    `ok` is True where it holds, False where it is broken, None for a remark that is neither.
    """

    name: str
    ok: bool | None
    detail: str
