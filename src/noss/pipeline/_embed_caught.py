"""The one place where an error of any kind is held: foreign models raise whatever they like."""

from __future__ import annotations

from types import TracebackType


class Caught:
    """Keeps what a foreign model raises, which may be anything: `with Caught() as caught: ...`, then `caught.error`."""

    error: Exception | None = None

    def __enter__(self) -> Caught:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Exception):
            self.error = error
        return isinstance(error, Exception)


def one_line(error: BaseException | None) -> str:
    """An exception in one line: its kind and what it says."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")[:500]
