"""Train an embedding by a recipe: resumable, and kept as a model like any other.

The same command run again goes on from the last checkpoint, and a finished run answers at once.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from noss.errors import Failure
from noss.pipeline._request import words
from noss.pipeline._train_checkpoint import best_of, checkpoints, load, read_facts
from noss.pipeline._train_files import claim, note_machine, read_broken, write_broken
from noss.pipeline._train_recipe import Recipe, read_recipe
from noss.runs import cache_folder
from noss.shelf import require


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A finished run of training.

    Attributes:
        out: Its folder.
        model: The name under which the trained model is opened.
        steps: Steps done.
        held_out: What its best checkpoint says of held-out speech; empty where nothing was held out.
        failures: Recordings that could not be used.
        compression: What the recipe's compression gained and cost, as `compression.json` says; empty without any.
        is_main: Whether this process is the one, of several, that says so; the others are silent.
    """

    out: Path
    model: str
    steps: int
    held_out: dict[str, float]
    failures: list[Failure] = field(default_factory=list)
    compression: dict[str, Any] = field(default_factory=dict)
    is_main: bool = True

    def __str__(self) -> str:
        if not self.is_main:
            return ""
        told = ", ".join(f"{name} {value:.4g}" for name, value in self.held_out.items())
        line = f"{self.out}: {self.steps} steps; on held-out speech {told or 'nothing'}; use it as {self.model}"
        if not self.compression:
            return line
        from noss.pipeline._train_compress_table import in_words

        return f"{line}\n{in_words(self.compression)}"


def train(
    recipe: Path | str,
    *,
    out: Path | str,
    set: Sequence[str] = (),
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    device: Literal["cpu", "cuda"] | None = None,
    workers: int | None = None,
) -> Trained:
    """Train the student of a recipe; write checkpoints, curves, a page of them and all that is needed to repeat it.

    On several devices or machines, start it with `accelerate launch -m noss train ...`.

    Args:
        recipe: A Python file whose `RECIPE` says what is trained on what, and how.
        out: The run's folder.
        set: Settings that differ from the recipe's, as `steps=200` or `objective_options.margin=0.2`.
        root: Where corpora lie, as `NAME=DIR`, beside those that the recipe names.
        cache: Where a teacher's embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        device: Where to train: `cpu` or `cuda`; None for the best there is.
        workers: Processes that load audio; None for what suits the machine, 0 for none beside this one.

    Returns:
        Where the trained model is, and what held-out speech says of it.

    Raises:
        MissingExtraError: There is something to train, and the extra `train` is not installed.
        NossError: The recipe is wrong, is not the one that the folder was begun with, or training cannot go on.
    """
    changes, folder = [set] if isinstance(set, str) else list(set), Path(out)
    asked = read_recipe(recipe, changes)
    options = [*(("--set", one) for one in changes), *(("--root", one) for one in words(root))]
    is_open = _steps_done(folder) < asked.steps or _is_behind(folder)
    for package in ("accelerate", "tensorboardX") if is_open else ():
        require(package, extra="train", needed_by="noss train")
    claim(folder, asked, source=Path(recipe), options=[word for option in options for word in option])
    if is_open:
        _go_on(asked, folder, root=words(root), cache=cache_folder(cache), device=device, workers=workers)
    best = best_of(folder / "checkpoints") or checkpoints(folder / "checkpoints")[-1]
    return Trained(
        out=folder,
        model=f"trained/{folder}",
        steps=asked.steps,
        held_out=dict(read_facts(best)["held_out"]),
        failures=read_broken(folder) if _is_main() else [],
        compression=_compression(asked, folder, root=words(root), cache=cache_folder(cache)),
        is_main=_is_main(),
    )


def _is_main() -> bool:
    """Whether this is the first of the processes that the launcher started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def _compression(recipe: Recipe, folder: Path, *, root: Sequence[str], cache: Path) -> dict[str, Any]:
    if recipe.compress is None or not _is_main():
        return {}
    from noss.pipeline._train_compress_table import compare_sizes

    return compare_sizes(folder, recipe, root=root, cache=cache)


def _is_behind(folder: Path) -> bool:
    if not (folder / "watch" / "models").is_dir():
        return False
    from noss.pipeline._train_watch import is_behind

    return is_behind(folder)


def _steps_done(folder: Path) -> int:
    there = checkpoints(folder / "checkpoints")
    return int(read_facts(there[-1])["step"]) if there else 0


def _go_on(
    recipe: Recipe, folder: Path, *, root: Sequence[str], cache: Path, device: str | None, workers: int | None
) -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    from noss.pipeline._train_cost import Cost
    from noss.pipeline._train_log import Log
    from noss.pipeline._train_page import show
    from noss.pipeline._train_start import start
    from noss.pipeline._train_watch import watching

    mixed: Any = "no" if recipe.precision == "fp32" else recipe.precision
    accelerator = Accelerator(mixed_precision=mixed, cpu=device == "cpu")
    try:
        loop = start(recipe, folder, accelerator=accelerator, root=root, cache=cache, workers=workers)
        if there := checkpoints(folder / "checkpoints"):
            loop.resume(load(there[-1]))
        first = accelerator.is_main_process
        try:
            if first:
                note_machine(folder, device=accelerator.device.type, processes=accelerator.num_processes)
            gpus = accelerator.num_processes if accelerator.device.type != "cpu" else 0
            cost = Cost(folder, gpus=gpus) if first else None
            with (
                watching(recipe, folder, root=root, cache=cache, alone=first),
                Log(folder, step=loop.step, steps=recipe.steps, alone=first, cost=cost) as log,
            ):
                loop.run(folder, log)
            if cost:
                cost.note()  # what the watcher worked on after the last step
        finally:
            if first:
                write_broken(folder, recipe, loop.broken)
        if first:
            show(folder, cache=cache)
    finally:
        accelerator.free_memory()
        AcceleratorState._reset_state(reset_partial_state=accelerator.num_processes == 1)
