"""What a training run tells while it goes: a table, TensorBoard, and a line or a live view in the terminal."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from noss.pipeline._train_watch import MEAN, read_watch
from noss.reports._training import in_time
from noss.runs import replacing

if TYPE_CHECKING:
    from noss.pipeline._train_cost import Cost

_EVERY_S: Final = 10.0  # between lines in a pipe
_LOOK_S: Final = 2.0  # between looks at what the watcher found
_KEPT: Final = 0.9  # of a number's moving average, from one step to the next


class Log:
    """The curves of a run: `log.csv`, a row a number (step, name, value), and TensorBoard's files beside it.

    A run that goes on from step n drops what was logged behind n, so that the curve is one run's.

    Args:
        folder: The run's folder.
        step: Steps that are done.
        steps: Steps in all.
        alone: Whether this process is the one that writes and tells; the others keep still.
        cost: Counts what the run costs, and is asked to note it at each checkpoint; None for no count.
    """

    def __init__(self, folder: Path, *, step: int, steps: int, alone: bool = True, cost: Cost | None = None) -> None:
        self._path = folder / "log.csv"
        self._kept = [row for row in read_log(folder) if row[0] <= step]
        self._steps, self._first, self._alone, self._cost = steps, step, alone, cost
        self._told_s = self._started_s = time.monotonic()
        self._latest: dict[str, float] = {}
        self._folder, self._looked_s = folder, -_LOOK_S
        self._events = str(folder / "tensorboard")

    def __enter__(self) -> Log:
        if not self._alone:
            return self
        with replacing(self._path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", "name", "value"])
            writer.writerows([step, name, repr(value)] for step, name, value in self._kept)
        from tensorboardX import SummaryWriter

        self._board = SummaryWriter(self._events, purge_step=self._first + 1)
        self._file = self._path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._bar = self._start_bar()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._alone:
            return
        self._file.close()
        self._board.close()
        if self._bar is not None:
            self._bar[0].stop()

    def add(self, step: int, numbers: Mapping[str, float], *, prefix: str = "") -> None:
        """Note numbers at a step."""
        if not self._alone:
            return
        for name, value in numbers.items():
            self._writer.writerow([step, f"{prefix}{name}", repr(float(value))])
            self._board.add_scalar(f"{prefix}{name}", float(value), step)
            self._latest[f"{prefix}{name}"] = self._smoothed(f"{prefix}{name}", float(value))
        self._tell(step)

    def flush(self) -> None:
        """Put everything on disk, as before a checkpoint."""
        if not self._alone:
            return
        self._file.flush()
        self._board.flush()
        if self._cost is not None:
            self._cost.note()

    def _start_bar(self) -> Any:
        if not sys.stderr.isatty():
            return None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        told = TextColumn("{task.fields[told]}")
        columns = (MofNCompleteColumn(), BarColumn(bar_width=12), told, TimeRemainingColumn(compact=True))
        progress = Progress(*columns, console=Console(stderr=True))
        progress.start()
        return progress, progress.add_task("training", total=self._steps, completed=self._first, told="")

    def _smoothed(self, name: str, value: float) -> float:
        """What is told of a number: steps jump about, looks at held-out speech do not."""
        before = self._latest.get(name, value)
        return _KEPT * before + (1.0 - _KEPT) * value if name in ("loss", "crops_per_s") else value

    def _tell(self, step: int) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            self._latest |= _suite(self._folder)
        told = ", ".join(text.format(self._latest[name]) for name, text in _TOLD.items() if name in self._latest)
        if self._bar is not None:
            self._bar[0].update(self._bar[1], completed=step, told=told)
            return
        if now_s - self._told_s >= _EVERY_S:
            self._told_s = now_s
            left_s = (now_s - self._started_s) / max(1, step - self._first) * (self._steps - step)
            sys.stderr.write(f"step {step} of {self._steps}: {told}, {in_time(left_s)} left\n")


_TOLD: Final = {
    "loss": "loss {:.4g}",
    "held_out/loss": "held out {:.4g}",
    "suite": "suite {:.3f}",
    "crops_per_s": "{:.0f} crops/s",
}


def _suite(folder: Path) -> dict[str, float]:
    """The student's newest score on the watcher's suite; empty before the first."""
    found = {row["step"]: row["value"] for row in read_watch(folder) if row["name"] == MEAN and row["step"] >= 0}
    return {"suite": found[max(found)]} if found else {}


def read_log(folder: Path) -> list[tuple[int, str, float]]:
    """Every number that a run has logged: step, name, value; a line that was cut off by a kill is left out."""
    path = folder / "log.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == 3 and row[0].isdecimal()]
    return [(int(step), name, float(value)) for step, name, value in rows if _is_number(value)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
