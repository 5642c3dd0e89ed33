"""The one progress bar of `embed`: clips, hours of audio, hours a second, time left."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Bar:
    """A progress bar on stderr where that is a terminal; elsewhere nothing is drawn.

    Args:
        name: What is being done.
        total: Clips to do.
        shown: False draws nothing in any case.
    """

    def __init__(self, name: str, *, total: int, shown: bool = True) -> None:
        self._progress: Progress | None = _progress() if shown and sys.stderr.isatty() else None
        self._audio_s = 0.0
        if self._progress is not None:
            self._task = self._progress.add_task(name, total=total, hours="", speed="")

    def __enter__(self) -> Bar:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, clips: int, *, audio_s: float) -> None:
        """Note that so many more clips are done, with so many seconds of audio."""
        self._audio_s += audio_s
        if self._progress is not None:
            seconds = self._progress.tasks[self._task].elapsed or 1e-9
            hours = self._audio_s / 3600
            self._progress.update(self._task, advance=clips, hours=f"{hours:.2f} h", speed=f"{hours / seconds:.3f} h/s")


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("clips  {task.fields[hours]}  {task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
