"""Protocols: the ways from a task and its embeddings to predictions. One file each; this page is the contract.

A protocol is a file `_protocol_<name>.py` beside this one; its name is the file's name, without an underscore in it (what
has one, `_protocol_<name>_grid.py`, belongs to that protocol), and there is no list. Its docstring's first line says in a
sentence what it does: reports show it. It defines::

    PROBE: str | None = None              # the one probe it has; None where it takes any that fits the task
    PROBES: tuple[str, ...] = ()          # parts of the shelf that its own probe is made of, if there are some
    def variants(job: Job) -> list[Variant]
    def predict(job: Job) -> Iterable[Predictions]

and may define `key(job: Job) -> Any`, plain facts its predictions depend on beside clips, labels, speakers and splits.

`variants` says, before anything is fitted, which numbers the protocol gives for a task: often one, `Variant()`. It
raises a `NossError` where the protocol does not fit the task. `predict` gives as many predictions, in the same order;
each becomes a file, and its facts (`facts_of` makes most of them) become those of its records:

- `metric` is the main metric, by default the task's; `classes` and `probabilities` say what the scores are;
- `splits` says in words how clips were split and settings chosen, `probe_options` what was chosen;
- `average` says how rows become a number: None, over all rows at once; `"speakers"`, the mean over speakers of the metric
  on each one's rows; `"folds"`, the mean over folds (or draws, or episodes) of the metric on each one's rows. Intervals
  are over speakers in every case. See `_average.py`;
- `grid` holds every setting that was tried, as flat rows; it is written to `grids/` as CSV too, and pages show it;
- `metrics` names those beside the main one that make sense of the rows, where not all that fit do;
- `trials` says that rows are pairs of clips: reports then show no page of single clips;
- `sets_per_draw` says that folds are draws of training clips, and how many training sets a draw is made of: records then
  say how far one such set alone varies.

The frame adds `protocol`, `variant`, `aside`, `probe` and `signature`. A row need not be a clip: a clip may be scored in
several folds, and a row of trials may stand for two clips (`id` then names both, and `partners` the second speakers).
"""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from noss import __version__, shelf
from noss.errors import DataError, ProbeError, UnknownPartError
from noss.pipeline._clips import Task
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._frame_rows import FrameRows
from noss.pipeline._models import Model
from noss.pipeline._predictions import Predictions, predictions_path, read_facts, write_predictions
from noss.pipeline._predictions_data import Data, data_of, source_hash
from noss.pipeline._predictions_fit import Embeddings
from noss.pipeline._probe_choice import probe_name
from noss.runs import signature, write_text

DEFAULT = "clean"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One number that a protocol gives for a task.

    Attributes:
        name: Tells it from the protocol's other numbers; empty for the protocol's own number.
        aside: Whether it is shown in a column of its own and never ranked: chosen on test, say.
    """

    name: str = ""
    aside: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """One model on one task, as a protocol sees it.

    `probe` is None where the protocol has one of its own.
    """

    data: Data
    embedded: Embedded | EmbeddedFrames
    model: Model
    probe: str | None = None
    seed: int = 0

    @property
    def task(self) -> Task:
        """The task, with all its clips; `data` holds those that can be used."""
        return self.data.task

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        """Embeddings (N, L, D) of the usable clips.

        Raises:
            ProbeError: The probe learns from frames, and the protocol has none for it.
        """
        if isinstance(self.embedded, EmbeddedFrames):
            raise ProbeError(f"{self.probe} learns from frames and this protocol has one vector a clip: use clean")
        return self.embedded.store.lookup(self.data.ids)

    @cached_property
    def inputs(self) -> Embeddings:
        """What the probe learns from: embeddings (N, L, D) of the usable clips, or their frames."""
        if not isinstance(self.embedded, EmbeddedFrames):
            return self.embeddings
        store = self.embedded.store
        return FrameRows(store.lookup(self.data.ids), layers=store.layers, dim=store.dim)


class ProtocolFile(Protocol):
    """What a protocol's file defines."""

    PROBE: str | None

    def variants(self, job: Job) -> list[Variant]:
        """The numbers it gives for a task."""
        ...

    def predict(self, job: Job) -> Iterable[Predictions]:
        """Predictions, one a variant."""
        ...


def protocol_names() -> list[str]:
    """The names of all protocols, sorted; nothing is imported."""
    stems = [path.stem.removeprefix("_protocol_") for path in Path(__file__).parent.glob("_protocol_*.py")]
    return sorted(stem for stem in stems if stem and "_" not in stem)


def load_protocol(name: str) -> ProtocolFile:
    """A protocol by its name.

    Raises:
        UnknownPartError: No such protocol.
    """
    if name not in protocol_names():
        raise UnknownPartError(f"no protocol named {name!r}: {shelf.did_you_mean(name, protocol_names())}")
    return cast(ProtocolFile, importlib.import_module(f"noss.pipeline._protocol_{name}"))


def probe_for(task: Task, protocol: str, probe: str | None) -> str:
    """The probe that a protocol fits on a task: its own, or the one asked for, or the default for the task.

    Raises:
        UnknownPartError: No such protocol, or no such probe.
        ProbeError: The probe does not fit the task.
    """
    return load_protocol(protocol).PROBE or probe_name(task, probe)


def run_protocol(
    task: Task,
    embedded: Embedded | EmbeddedFrames,
    *,
    model: Model,
    out: Path,
    protocol: str = DEFAULT,
    probe: str | None = None,
    seed: int = 0,
) -> list[Path]:
    """The predictions files of a protocol on a task, one a variant.

    Does nothing where the files are there already and carry the same signature.

    Args:
        task: The task.
        embedded: Embeddings of the task's clips, in their order.
        model: The model they come from.
        out: The run's folder.
        protocol: Name of the protocol.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers. A protocol with a probe of
            its own leaves it aside.
        seed: The seed of folds and probe.

    Raises:
        UnknownPartError: No such protocol, or no such probe.
        ProbeError: The probe does not fit the kind of target, or the metric.
        DataError: Too few usable clips or classes, or the protocol does not fit the task.
    """
    part, name = load_protocol(protocol), probe_for(task, protocol, probe)
    data = data_of(task, embedded.ids, failures=embedded.failures)
    job = Job(data=data, embedded=embedded, model=model, probe=None if part.PROBE else name, seed=seed)
    variants, key = part.variants(job), signature_of(job, protocol)
    paths = [
        predictions_path(
            out, model=model.name, task=task.name, probe=name, protocol=protocol, variant=_told(variant, model)
        )
        for variant in variants
    ]
    if all(path.exists() and carries(path, key, root=task.root) for path in paths):
        return paths
    for path, variant, predictions in zip(paths, variants, part.predict(job), strict=True):
        own = {"protocol": protocol, "variant": variant.name, "aside": variant.aside, "probe": name, "signature": key}
        write_predictions(path, replace(predictions, facts={**predictions.facts, **own}))
        if tried := predictions.facts.get("grid"):
            write_text(out / "grids" / f"{path.stem}.csv", _as_csv(tried))
    return paths


def _told(variant: Variant, model: Model) -> str:
    """What tells predictions of one protocol apart: which of its numbers, and the condition."""
    return " ".join(word for word in (variant.name, model.condition) if word)


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def signature_of(job: Job, protocol: str) -> str:
    """A hash over everything that predictions of a protocol depend on."""
    part, task, data, model = load_protocol(protocol), job.task, job.data, job.model
    own: tuple[str, ...] = getattr(part, "PROBES", ())
    probes = [source_hash(shelf.load("probes", name)) for name in ([job.probe] if job.probe else own)]
    sources = [*probes, source_hash(shelf.load("metrics", task.metric)), _own_sources(cast(ModuleType, part))]
    facts = [model.name, model.revision, task.name, task.classes, task.metric, data.revision]
    key = [part.key(job)] if hasattr(part, "key") else []
    return signature([*facts, job.probe, sources, job.seed, __version__, protocol, *key, *_sessions(job)])


def _sessions(job: Job) -> list[list[str | None]]:
    """The sessions, which keep clips of unknown speakers on one side; nothing where no such clip has one."""
    found = [clip.session if clip.speaker is None else None for clip in job.data.clips]
    return [found] if any(found) else []


def _own_sources(part: ModuleType) -> list[str]:
    """The code of a protocol: its file, and those that carry its name in front (`_protocol_<name>_grid.py`)."""
    path = Path(str(part.__file__))
    return [source.read_text(encoding="utf-8") for source in [path, *sorted(path.parent.glob(f"{path.stem}_*.py"))]]


def carries(path: Path, key: str, *, root: Path) -> bool:
    """Whether a predictions file carries a signature, and its clips lie below a root."""
    try:
        facts: dict[str, Any] = read_facts(path)
    except DataError:
        return False
    return bool(facts["signature"] == key and facts["root"] == str(root.absolute()))
