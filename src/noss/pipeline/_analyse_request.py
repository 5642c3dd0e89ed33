"""What an analysis is asked to do, with every name resolved, and what comes of it. One file a kind; this is the contract.

A kind of analysis is a file `_analyse_<kind>.py` beside this one, which defines::

    def analyse(request: Request) -> Analysed

It writes below `request.out`, which is the folder `analyses` of the folder the user named: a file `<kind>.jsonl` of records
or `<kind>.json` of numbers, for reports to show. What is there already and still holds is not made again. Options that only
one kind has stand in `request.own`, and in `OWN` of `analyse.py` under the kind's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noss.datasets import Clip
from noss.errors import Failure
from noss.pipeline._embed_done import Embedded
from noss.pipeline._embed_engine import LOCAL, Engine
from noss.pipeline._models import Model
from noss.pipeline._plan import Plan
from noss.pipeline.embed import embed_clips

FOLDER = "analyses"


@dataclass(frozen=True, kw_only=True)
class Request:
    """An analysis to make.

    Attributes:
        plan: Models as they run, tasks with their clips and identities, and the cache folder; every name is known to exist.
        out: Where results go; made where it is not there.
        seed: The seed of folds, probes, draws and whatever else is drawn.
        draws: Bootstrap draws behind an interval.
        workers: Processes that embed; None for one a core.
        device: Where models run; None for the best there is.
        engine: Where workers run.
        max_clips: The most clips of a task that are used; None for all.
        strict: Whether to stop at the first clip that fails.
        own: Options of this kind of analysis, by name.
    """

    plan: Plan
    out: Path
    seed: int = 0
    draws: int = 2000
    workers: int | None = None
    device: str | None = None
    engine: Engine = LOCAL
    max_clips: int | None = None
    strict: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)

    def embed(self, model: Model, clips: Sequence[Clip], ids: Sequence[str | Failure]) -> Embedded:
        """Put the embeddings of clips into the store, as the request says how."""
        how: dict[str, Any] = {name: getattr(self, name) for name in ("workers", "device", "engine", "strict")}
        return embed_clips(model, clips, ids=ids, cache=self.plan.cache, **how)


@dataclass(frozen=True, kw_only=True)
class Analysed:
    """What an analysis found.

    Attributes:
        path: The file of records or numbers.
        text: What it says in the terminal: a table, say.
        notes: What was left out, and why, a line each.
        failures: Clips or files that could not be used.
    """

    path: Path
    text: str
    notes: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join([self.text, *self.notes, f"analysis: {self.path}"])
