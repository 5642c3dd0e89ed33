"""Say why a model scores as it does: robustness, context, layers, similarity."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from noss.errors import DataError
from noss.pipeline._analyse_request import FOLDER, Analysed, Request
from noss.pipeline._embed_engine import open_engine
from noss.pipeline._embed_precision import Precision, sped_up
from noss.pipeline._plan import make_plan
from noss.pipeline._protocol import DEFAULT
from noss.places.outgoing import folder_here

Kind = Literal["robustness", "context", "layers", "similarity"]

OWN: Final[Mapping[Kind, tuple[str, ...]]] = {
    "robustness": ("probe", "conditions", "noise", "rooms"),
    "context": ("probe", "windows"),
    "layers": ("probe",),
    "similarity": ("estimator", "standardise"),
}


def analyse(
    kind: Kind,
    models: Sequence[str],
    *,
    tasks: Sequence[str],
    out: Path | str,
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    probe: str | None = None,
    conditions: Sequence[str] = (),
    noise: str | None = None,
    rooms: str | None = None,
    windows: Sequence[str] = (),
    estimator: Literal["unbiased", "plain", "minibatch"] | None = None,
    standardise: bool = False,
    max_clips: int | None = None,
    seed: int = 0,
    draws: int = 2000,
    workers: int | None = None,
    device: str | None = None,
    engine: str = "local",
    address: str | None = None,
    gpus_per_worker: float | None = None,
    precision: Precision = "fp32",
    compile: bool = False,
    strict: bool = False,
    trust_remote_code: Sequence[str] = (),
) -> Analysed:
    """Analyse models on tasks and write records or numbers below the folder `analyses` of `out`.

    `robustness` scores test clips that are noisy, coded, reverberant, ... with probes fitted on clean ones; `context` cuts
    every clip into windows of a few lengths; `layers` scores every layer; `similarity` compares the layers of models. Run
    again, it makes only what is missing; `noss report` on `out` shows what is there.

    Args:
        kind: What to find out.
        models: Names of embedding models.
        tasks: Names of tasks, separated by commas; `NAME=TASK` gives a task's dataset another name.
        out: The folder of a run, or a new one.
        root: Where corpora lie, as `NAME=DIR`.
        cache: Where embeddings are kept; None for `NOSS_CACHE` or the platform's cache folder.
        probe: Name of the probe; by default `logistic` for classes and `ridge` for numbers.
        conditions: Of robustness, what is done to test clips, separated by commas: `pink noise 10 dB`, `gain -20 dB`, or
            `noise` for all of its kind; by default every kind.
        noise: Of robustness, what is mixed in: `white`, `pink`, `babble`, or a folder of recordings; by default `pink`.
        rooms: Of robustness, a folder of measured room impulse responses, beside the made ones.
        windows: Of context, lengths of windows in seconds, separated by commas; by default 0.5, 1, 2, 4 and 8.
        estimator: Of similarity, how CKA is estimated; by default `unbiased`. `minibatch` takes the least time and memory.
        standardise: Of similarity, divide each dimension by its deviation first, as probes do.
        max_clips: The most clips of a task to use, drawn speaker by speaker; None for all.
        seed: The seed of folds, probes, noises and bootstrap draws.
        draws: Bootstrap draws behind an interval.
        workers: Processes that embed; None for one a core, 0 for none beside this one.
        device: Where models run: `cpu` or `cuda`; None for the best there is.
        engine: Where workers run: `local`, this machine, or `ray`, a Ray cluster.
        address: The Ray cluster: `HOST:PORT`, `auto` or `ray://HOST:PORT`; None for one of its own on this machine.
        gpus_per_worker: GPUs for each worker on the Ray cluster, or a fraction of one, such as 0.25.
        precision: Of torch models' matrix products, as in `noss run`: `bf16` is faster on some machines and moves vectors a
            little; `auto` takes it where it is faster and too near to move a score.
        compile: Let torch compile models first, which takes up to a minute a worker and needs a C++ compiler.
        strict: Stop at the first clip that fails, in place of listing it and going on.
        trust_remote_code: Names of models that may run the code of their repository; read that code first.

    Raises:
        NossError: A name is unknown, an option is for another kind, or nothing could be analysed.
    """
    given: dict[str, Any] = {
        "probe": probe,
        "conditions": conditions,
        "noise": noise,
        "rooms": rooms,
        "windows": windows,
    }
    given |= {"estimator": estimator, "standardise": standardise}
    _check(kind, given, max_clips=max_clips)
    names = {
        "models": models,
        "tasks": tasks,
        "probes": [probe] if probe else [],
        "metrics": [],
        "protocols": [DEFAULT],
    }
    where = {"root": root, "cache": cache, "seed": seed, "trust_remote_code": trust_remote_code}
    chosen = open_engine(engine, address=address, gpus_per_worker=gpus_per_worker)
    folder, plan = folder_here(out), make_plan({**names, **where})
    how: dict[str, Any] = {"precision": precision, "compiled": compile, "device": device, "workers": workers}
    heard = plan.clips
    running = [sped_up(model, *heard, cache=plan.cache, **how) for model in plan.models]
    request = Request(
        plan=replace(plan, models=running),
        out=folder / FOLDER,
        seed=seed,
        draws=draws,
        workers=workers,
        device=device,
        engine=chosen,
        max_clips=max_clips,
        strict=strict,
        own={name: given[name] for name in OWN[kind]},
    )
    found: Analysed = importlib.import_module(f"noss.pipeline._analyse_{kind}").analyse(request)
    return found


def _check(kind: Kind, given: Mapping[str, Any], *, max_clips: int | None) -> None:
    for name, value in given.items():
        kinds = [other for other, own in OWN.items() if name in own]
        if value not in (None, (), [], False) and kind not in kinds:
            option = f"--{name.replace('_', '-')}"
            raise DataError(f"{option} is for noss analyse {' and '.join(kinds)}: leave it out of noss analyse {kind}")
    if max_clips is not None and max_clips < 2:
        raise DataError(f"--max-clips {max_clips} leaves nothing to fit and score: give two or more")
