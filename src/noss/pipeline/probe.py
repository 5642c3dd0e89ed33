"""Fit a probe on a model's embeddings of a task and write what it says about every test clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from noss.errors import Failure
from noss.identity import clip_ids
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._embed_done import Embedded, EmbeddedFrames
from noss.pipeline._embed_engine import open_engine
from noss.pipeline._models import Model, open_model
from noss.pipeline._probe_choice import needs_frames
from noss.pipeline._protocol import DEFAULT, probe_for, run_protocol
from noss.pipeline._request import roots
from noss.pipeline.embed import embed_clips, embed_frames
from noss.places.outgoing import folder_here
from noss.runs import cache_folder


@dataclass(frozen=True, kw_only=True)
class Probed:
    """Predictions files, one a task and number of the protocol, and the clips that could not be used."""

    paths: list[Path]
    failures: list[Failure] = field(default_factory=list)

    def __str__(self) -> str:
        return "\n".join(map(str, self.paths))


def probe(
    model: str,
    task: str,
    *,
    out: Path | str,
    probe: str | None = None,
    protocol: str = DEFAULT,
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    seed: int = 0,
    workers: int | None = None,
    engine: str = "local",
    address: str | None = None,
    gpus_per_worker: float | None = None,
) -> Probed:
    """Fit a probe on a model's embeddings of a task and write its predictions on test clips.

    Args:
        model: Name of an embedding model.
        task: Name of a task, or of a dataset for all its targets.
        out: The run's folder; predictions go to `predictions/` in it.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers.
        protocol: Name of the protocol: `clean`, `paper`, ...
        root: Where corpora lie, as `NAME=DIR`.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        seed: The seed of folds and probe.
        workers: Processes that embed; None for one a core.
        engine: Where workers run: `local`, this machine, or `ray`, a Ray cluster.
        address: The Ray cluster: `HOST:PORT`, `auto` or `ray://HOST:PORT`; None for one of its own on this machine.
        gpus_per_worker: GPUs for each worker on the Ray cluster, or a fraction of one, such as 0.25.

    Raises:
        NossError: A name is unknown, or the probe does not fit the task.
    """
    out, folder = folder_here(out), cache_folder(cache)
    opened, probed = open_model(model, cache=folder), Probed(paths=[])
    options: dict[str, Any] = {"cache": folder, "workers": workers}
    options["engine"] = open_engine(engine, address=address, gpus_per_worker=gpus_per_worker)
    for one in open_tasks(task, roots=roots(root), cache=folder):
        step = embed_frames if needs_frames(probe_for(one, protocol, probe)) else embed_clips
        embedded = step(opened, one.clips, ids=clip_ids(one.clips, cache=folder), **options)
        probed.failures.extend(failure for failure in embedded.failures if failure not in probed.failures)
        probed.paths.extend(
            run_protocol(one, embedded, model=opened, out=out, protocol=protocol, probe=probe, seed=seed)
        )
    return probed


def probe_task(
    task: Task, embedded: Embedded | EmbeddedFrames, *, model: Model, out: Path, probe: str | None = None, seed: int = 0
) -> Path:
    """The predictions file of the protocol `clean`: fitted on train, chosen on validation, a row a test clip.

    Does nothing where the file is there already and carries the same signature.

    Args:
        task: The task.
        embedded: Embeddings of the task's clips, in their order.
        model: The model they come from.
        out: The run's folder.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers.
        seed: The seed of folds and probe.

    Raises:
        ProbeError: The probe does not fit the kind of target, or the metric.
        DataError: Too few usable clips or classes.
    """
    return run_protocol(task, embedded, model=model, out=out, probe=probe, seed=seed)[0]
