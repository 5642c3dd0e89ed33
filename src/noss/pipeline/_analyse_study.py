"""A study: records of every model on every task under conditions, written as they come, so that it can be gone on with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from noss.errors import DataError, Failure, NossError
from noss.pipeline._analyse_request import Request
from noss.pipeline._analyse_sample import Sampled, sampled
from noss.pipeline._models import Model
from noss.pipeline.score import read_scores, write_scores
from noss.reports import Score


class Study:
    """The records of an analysis, and what could not be used.

    Args:
        path: The file of records.
        request: What is asked for.
    """

    def __init__(self, path: Path, request: Request) -> None:
        self.path = path
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        self._request = request
        self.known = self._read()
        self.scores: list[Score] = []

    def run(self, one: Callable[[Model, Sampled], Sequence[Score]]) -> None:
        """The records of every model on every task by `one`; a model that fails on a task is noted, and the rest goes on.

        Raises:
            NossError: Something fails and the request is strict, or nothing could be scored.
        """
        plan, request = self._request.plan, self._request
        tasks = [sampled(task, most=request.max_clips, seed=request.seed, cache=plan.cache) for task in plan.tasks]
        pairs = [(model, task) for task in tasks for model in plan.models]
        for place, (model, task) in enumerate(pairs, 1):
            say(f"{place} of {len(pairs)}: {model.name} on {task.task.name}, {len(task.ids):,} clips")
            try:
                self._put(one(model, task))
            except NossError as error:
                if request.strict:
                    raise
                self.lose(Failure(file=task.task.name, start_s=0.0, end_s=None, stage=model.name, reason=str(error)))
        if not self.scores:
            raise DataError(f"nothing could be scored: {self.failures[0].reason}")

    def lose(self, *failures: Failure) -> None:
        """Note failures, each once."""
        self.failures += [one for one in failures if one not in self.failures]

    def note(self, line: str) -> None:
        """Note a line, once."""
        if line not in self.notes:
            self.notes.append(line)

    def _put(self, scores: Sequence[Score]) -> None:
        """Take records of one model on one task in the place of old ones, and write the file.

        It is read again just before: another model may have been analysed beside this one.
        """
        self.scores += scores
        there = self._read()
        places = [place for place, one in enumerate(there) if _replaced(one, scores)]
        first = places[0] if places else len(there)
        after = [one for place, one in enumerate(there) if place > first and place not in places]
        self.known = [*there[:first], *scores, *after]
        if self.known != there:
            write_scores(self.path, self.known)

    def _read(self) -> list[Score]:
        return read_scores(self.path) if self.path.is_file() else []


def say(line: str) -> None:
    """A line on stderr about what is being done."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _replaced(old: Score, scores: Sequence[Score]) -> bool:
    """Whether a record is made anew, or stands on other clips or another model than the new ones, so cannot stay beside."""
    same = [new for new in scores if (new.model, new.task, new.probe) == (old.model, old.task, old.probe)]
    if not same:
        return False
    alike = (old.dataset_revision, old.seed, old.noss_version)
    others = any((new.dataset_revision, new.seed, new.noss_version) != alike for new in same)
    return others or any(new.condition == old.condition for new in same)
