"""The progress bar of `fetch`: bytes, speed, time left; a line for each file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Bars:
    """Progress bars on stderr where that is a terminal; elsewhere nothing is drawn."""

    def __init__(self) -> None:
        self._progress: Progress | None = _progress() if sys.stderr.isatty() else None

    def __enter__(self) -> Bars:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def add(self, name: str) -> Callable[[int, int | None], None]:
        """A bar; what is returned moves it, given the bytes that are done and those there are (None: unknown)."""
        progress = self._progress
        if progress is None:
            return lambda done, total: None
        task = progress.add_task(name, total=None)
        return lambda done, total: progress.update(task, completed=done, total=total)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
