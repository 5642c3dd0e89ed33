"""The watcher: scores a student on a small suite while it trains, in a process of its own.

Every so many steps the run leaves a copy of its model in `RUN/watch/models/STEP`, which is a model like any other
(`trained/RUN/watch/models/STEP`). The watcher takes them up in their order, scores them with the steps of `noss run`, and adds to
`RUN/watch/log.csv`. A fixed baseline and the teacher are scored beside them, once. Of the copies the best stays, which is
what `trained/RUN` then opens. A watcher that was killed goes on with what it has not scored.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from noss.errors import DataError, NossError
from noss.identity import clip_ids
from noss.pipeline import _train_checkpoint
from noss.pipeline._models import open_model
from noss.pipeline._similarity_cka import cka
from noss.pipeline._train_checkpoint import State
from noss.pipeline._train_recipe import Recipe, watch_settings
from noss.pipeline.embed import embed_clips
from noss.pipeline.run import run
from noss.reports import Score
from noss.runs import replacing, write_json, write_text

_POLL_S: Final = 1.0
_COLUMNS: Final = ("step", "model", "name", "value", "low", "high")


@contextmanager
def watching(recipe: Recipe, folder: Path, *, root: Sequence[str], cache: Path, alone: bool) -> Iterator[None]:
    """Start the watcher of a run, where its recipe wants one; at the end, wait until it has scored what there is.

    Args:
        recipe: The run's settings.
        folder: Its folder.
        root: Where corpora lie, as `NAME=DIR`, beside those that the recipe names.
        cache: Where the embeddings of baseline and teacher are kept.
        alone: Whether this process is the one that starts it.
    """
    if recipe.watch is None or not alone:
        yield
        return
    watch_settings(recipe)
    end = folder / "watch" / "end"
    end.unlink(missing_ok=True)
    words = [sys.executable, "-m", "noss.pipeline._train_watch", str(folder), str(cache), str(os.getpid()), *root]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    with ExitStack() as undo:
        undo.callback(process.wait)
        undo.callback(process.terminate)  # undone from the last to the first
        yield
        undo.pop_all()
    write_text(end, "")
    if process.wait() != 0:
        raise DataError(f"the watcher of {folder} failed: see what it wrote above; run the same command again")


def is_behind(folder: Path) -> bool:
    """Whether a copy of the model waits to be scored, as after a watcher was killed."""
    scored = {row["step"] for row in read_watch(folder)}
    return any(int(path.parent.name) not in scored for path in (folder / "watch" / "models").glob("*/model.json"))


def leave_copy(folder: Path, state: State) -> None:
    """A copy of the model at this step, for the watcher to take up."""
    place = folder / "watch" / "models" / f"{state.step:07d}"
    if (place / "model.json").is_file():
        return
    kept = State(step=state.step, student=state.student, objective={}, average={}, optimizer={}, facts=state.facts)
    _train_checkpoint.save(place / "checkpoints", kept, best=True)
    write_text(place / "model.json", (folder / "model.json").read_text(encoding="utf-8"))


def read_watch(folder: Path) -> list[dict[str, Any]]:
    """The rows of a run's `watch/log.csv`: step (-1 for a reference), model, name, value, low, high."""
    path = folder / "watch" / "log.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if None not in row.values()]
    numbers = ("value", "low", "high")
    return [{**row, "step": int(row["step"]), **{name: float(row[name]) for name in numbers}} for row in rows]


class Watcher:
    """Scores copies of a model as they appear.

    Args:
        folder: The run's folder.
        cache: Where the embeddings of baseline and teacher are kept.
        root: Where corpora lie, as `NAME=DIR`, beside those that the recipe names.
    """

    def __init__(self, folder: Path, *, cache: Path, root: Sequence[str] = ()) -> None:
        known = json.loads((folder / "run.json").read_text(encoding="utf-8"))["recipe"]
        self._recipe, self._folder, self._cache, self._root = Recipe(**known), folder, cache, list(root)
        self._settings = watch_settings(self._recipe)
        self._rows = read_watch(folder)

    def watch(self, *, parent: int) -> None:
        """Score until the run has ended, or is gone, and everything that it left is scored."""
        while True:
            is_over = (self._folder / "watch" / "end").is_file() or os.getppid() != parent
            waiting = self._waiting()
            for place in waiting:
                self._take_up(place)
            if is_over and not waiting:
                return
            if not waiting:
                time.sleep(_POLL_S)

    def _waiting(self) -> list[Path]:
        done = {row["step"] for row in self._rows}
        models = self._folder / "watch" / "models"
        return [path.parent for path in sorted(models.glob("*/model.json")) if int(path.parent.name) not in done]

    def _take_up(self, place: Path) -> None:
        if not any(row["step"] < 0 for row in self._rows):
            self._references()
        name, step = f"trained/{place}", int(place.name)
        scratch = self._folder / "watch" / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            scores = self._scored([name], out=scratch / "run", cache=scratch / "cache")
            rows = [_row(step, "student", score) for score in scores]
            rows += self._fidelity(name, step, cache=scratch / "cache")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self._add([*rows, _mean(step, "student", rows)])
        self._keep_best()

    def _references(self) -> None:
        names = [name for name in (self._settings["baseline"], *self._recipe.teachers) if name]
        scores = self._scored(names, out=self._folder / "watch" / "references", cache=self._cache) if names else []
        for name in names:
            rows = [_row(-1, name, score) for score in scores if score.model == name]
            self._add([*rows, _mean(-1, name, rows)])
        if not names:
            self._rows.append({"step": -1})

    def _scored(self, models: list[str], *, out: Path, cache: Path) -> list[Score]:
        root = [*self._settings["root"], *self._root]
        found = run(out=out, models=models, tasks=self._settings["tasks"], root=root, cache=cache, workers=1)
        return [score for score in found.scores if score.main]

    def _fidelity(self, name: str, step: int, *, cache: Path) -> list[dict[str, Any]]:
        """How near the student's vectors are to the teacher's, or to those of all teachers together, on held-out recordings."""
        if not self._recipe.teachers or not (clips := self._held_out()):
            return []
        ids = clip_ids(clips, cache=self._cache)
        done = [
            embed_clips(open_model(one, cache=where), clips, ids=ids, cache=where, workers=1, progress=False)
            for one, where in [(name, cache), *((teacher, self._cache) for teacher in self._recipe.teachers)]
        ]
        everywhere = set.intersection(*({one for one in found.ids if one is not None} for found in done))
        both = [one for one in done[0].ids if one in everywhere]
        if len(both) < 4:
            return []
        own_ND = done[0].store.lookup(both)[:, -1]
        its_ND = np.concatenate([one.store.lookup(both).reshape(len(both), -1) for one in done[1:]], axis=1)
        found = {"cka to the teacher": cka(own_ND, its_ND)}
        if own_ND.shape == its_ND.shape:
            found["mse to the teacher"] = float(np.mean((own_ND - its_ND) ** 2))
            lengths_N = np.linalg.norm(own_ND, axis=1) * np.linalg.norm(its_ND, axis=1)
            found["cosine to the teacher"] = float(
                np.mean((own_ND * its_ND).sum(axis=1) / np.maximum(lengths_N, 1e-12))
            )
        return [
            {"step": step, "model": "student", "name": key, "value": value, "low": value, "high": value}
            for key, value in found.items()
        ]

    def _held_out(self) -> list[Any]:
        from noss.pipeline._request import roots
        from noss.pipeline._train_corpus import open_corpus

        corpus = open_corpus(self._recipe, roots=roots([*self._recipe.root, *self._root]), cache=self._cache)
        numbers = [one.number for source in corpus.held_out for one in source if one.span is None]
        return [corpus.clips[number] for number in numbers[: int(self._settings["num_held_out"])]]

    def _add(self, rows: list[dict[str, Any]]) -> None:
        self._rows += rows
        with replacing(self._folder / "watch" / "log.csv") as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(row for row in self._rows if len(row) > 1)

    def _keep_best(self) -> None:
        means = {row["step"]: row["value"] for row in self._rows if row.get("name") == MEAN and row["step"] >= 0}
        best = max(means, key=lambda step: means[step])
        write_json(self._folder / "watch" / "best.json", {"step": best, "suite": means[best]})
        for step in means:
            place = self._folder / "watch" / "models" / f"{step:07d}"
            if step != best and (place / "checkpoints").is_dir():
                shutil.rmtree(place, ignore_errors=True)


MEAN: Final = "suite"


def _row(step: int, model: str, score: Score) -> dict[str, Any]:
    name = f"{score.task} {score.metric}"
    return {"step": step, "model": model, "name": name, "value": score.value, "low": score.low, "high": score.high}


def _mean(step: int, model: str, rows: list[Mapping[str, Any]] | list[dict[str, Any]]) -> dict[str, Any]:
    """The mean over the tasks' main metrics; tasks are few and the same for all, so that means compare."""
    tasks = [row for row in rows if not str(row["name"]).endswith("to the teacher")]
    means = {end: float(np.mean([row[end] for row in tasks])) for end in ("value", "low", "high")}
    return {"step": step, "model": model, "name": MEAN, **means}


def main(folder: str, cache: str, parent: str, *root: str) -> int:
    """Watch a run; 1 where that failed, with a line that says why."""
    with suppress(OSError):
        os.nice(5)
    try:
        Watcher(Path(folder), cache=Path(cache), root=root).watch(parent=int(parent))
    except NossError as error:
        sys.stderr.write(f"noss: the watcher of {folder}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
