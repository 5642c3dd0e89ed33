"""Fine-tune a model on each training fold of a task and score it on the clips left out, beside frozen embeddings.

Folds, records and files are those that `noss run` makes under the protocol `clean`, so that reports and comparisons show
both ways side by side; the probe is called `finetune`. The same command run again goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from noss.errors import DataError, Failure
from noss.pipeline._clips import Task
from noss.pipeline._finetune_folds import PROBE, Tuning, lay_out, train_and_predict
from noss.pipeline._plan import open_named
from noss.pipeline._predictions import predictions_path, write_predictions
from noss.pipeline._protocol import carries
from noss.pipeline._request import load_recipe, roots, words
from noss.pipeline.run import run
from noss.pipeline.score import score
from noss.reports import Score
from noss.runs import cache_folder

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Finetuned:
    """The folder, all the scores in it, and the clips and tasks that could not be used."""

    out: Path
    scores: list[Score]
    failures: list[Failure] = field(default_factory=list)

    def __rich__(self) -> Table:
        """All main scores of the folder as a table for the terminal."""
        from noss.pipeline._leaderboard import leaderboard

        return leaderboard(self.scores).table(caption=f"scores: {self.out / 'scores.jsonl'}")


def finetune(
    recipe: Path | str,
    *,
    out: Path | str,
    tasks: Sequence[str] = (),
    set: Sequence[str] = (),
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    seed: int = 0,
    draws: int = 2000,
    device: Literal["cpu", "cuda"] | None = None,
    workers: int | None = None,
) -> Finetuned:
    """Train the student of a recipe once a fold, score it on the fold's test clips, add the scores to a run's folder.

    Every net sees the clips of its training fold alone. Nothing is chosen on test clips: with the recipe's `validation`
    above 0, the speakers of one fold inside the training fold choose the checkpoint; with 0, the last one is taken.

    Args:
        recipe: A Python file whose `RECIPE` says what is trained and how; its data, target and seed are those of each fold.
        out: The run's folder, which may be that of `noss run`; every fold's training is kept in `finetune/` in it.
        tasks: Names of tasks with classes, separated by commas; by default those of the file's `SUITE`.
        set: Settings that differ from the recipe's, as `steps=200`.
        root: Where corpora lie, as `NAME=DIR`, beside those of the file's `SUITE`.
        cache: Where hashes of files are remembered; None for `NOSS_CACHE` or the platform's cache folder.
        seed: The seed of folds, weights, crops and bootstrap draws.
        draws: Bootstrap draws behind an interval.
        device: Where to train: `cpu` or `cuda`; None for the best there is.
        workers: Processes that load audio; None for what suits the machine, 0 for none beside this one.

    Raises:
        NossError: The request is wrong, or training cannot go on.
    """
    changes = [set] if isinstance(set, str) else list(set)
    _check_changes(changes)
    suite = load_recipe(Path(recipe), run, needed=not tasks)
    tuning = Tuning(
        source=Path(recipe),
        changes=changes,
        out=Path(out),
        cache=cache_folder(cache),
        seed=seed,
        device=device or _best_device(),
        workers=workers,
    )
    given = roots([*words(suite.get("root", ())), *words(root)])
    wanted = words(tasks) or words(suite.get("tasks", ()))
    opened = [task for name in wanted for task in open_named(name, roots=given, cache=tuning.cache)]
    learnt = [task for task in opened if task.classes is not None]
    if not learnt:
        raise DataError(f"no task with classes among {', '.join(wanted) or 'none'}: name one with --tasks")
    failures = [_passed_over(task) for task in opened if task.classes is None]
    scores: list[Score] = []
    for task in learnt:
        path, lost = _one_task(task, tuning)
        scores = score(path, out=tuning.out, draws=draws, seed=seed).scores
        failures += lost
    return Finetuned(out=tuning.out, scores=scores, failures=failures)


def _one_task(task: Task, tuning: Tuning) -> tuple[Path, list[Failure]]:
    """The predictions file of a task, and the clips that could not be used."""
    tuned = lay_out(task, tuning)
    path = predictions_path(tuning.out, model=tuned.model.name, task=task.name, probe=PROBE)
    if path.exists() and carries(path, tuned.signature, root=task.root):
        return path, list(tuned.failures)
    predictions, failures = train_and_predict(tuned, tuning)
    write_predictions(path, predictions)
    return path, failures


def _check_changes(changes: Sequence[str]) -> None:
    for word in changes:
        if word.partition("=")[0].strip() in ("data", "target", "seed", "watch"):
            raise DataError(
                f"--set {word} is not taken: each fold has its own; name --tasks, and give --seed for another seed"
            )


def _passed_over(task: Task) -> Failure:
    reason = f"{task.name} has numbers, and fine-tuning by folds learns classes: score it with noss run"
    return Failure(file=task.name, start_s=0.0, end_s=None, stage=PROBE, reason=reason)


def _best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
