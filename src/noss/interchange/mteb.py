"""noss inside MTEB: any task as a custom task, any model as a model.

    import mteb
    from noss.interchange.mteb import mteb_model, mteb_tasks

    mteb.evaluate(mteb_model("logmel_stats"), mteb_tasks(["demo/language"]))

MTEB hands its models waveforms as they are stored, so nothing here needs torchaudio, torchcodec or FFmpeg. A task scores
MTEB's models by a protocol of noss: clips on sides that share no speaker, settings chosen on validation, intervals over
speakers. A model takes part in MTEB's own audio tasks as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noss import shelf
from noss.pipeline._models import open_model
from noss.pipeline._plan import make_plan
from noss.pipeline._request import merged
from noss.pipeline.run import run

if TYPE_CHECKING:
    from noss.interchange._mteb_model import SpeechModel
    from noss.interchange._mteb_task import SpeechTask


def mteb_model(name: str, **options: Any) -> SpeechModel:
    """A model as MTEB's encoder, with its card; built when it first encodes.

    Args:
        name: A name on the shelf (`yamnet`, `transformers/DIR@6`) or the path of a Python file.
        options: Options of the model's `build`.

    Raises:
        MissingExtraError: MTEB is not installed.
        NossError: No such model, or one that gives several layers: name one of them, as `NAME@6`.
    """
    _require()
    from noss.interchange._mteb_model import SpeechModel

    return SpeechModel(open_model(name, **options))


def mteb_tasks(
    tasks: Sequence[str] | str = (),
    *,
    recipe: Path | str | None = None,
    probes: Sequence[str] | str = (),
    protocols: Sequence[str] | str = (),
    root: Sequence[str] = (),
    cache: Path | str | None = None,
    seed: int = 0,
    draws: int = 2000,
) -> list[SpeechTask]:
    """Tasks as MTEB's, each scored as `noss run` would score it; one for every protocol and probe that fits.

    Args:
        tasks: Names of tasks, or of datasets for all their targets.
        recipe: A Python file whose `SUITE` sets any of the options below; those given here win, its models do not count.
        probes: Names of probes; by default `logistic` for classes and `ridge` for numbers.
        protocols: Names of protocols, by default `clean`.
        root: Where corpora lie, as `NAME=DIR`.
        cache: Where hashes of files are remembered; None for `NOSS_CACHE` or the platform's cache folder.
        seed: The seed of folds, probe and bootstrap draws.
        draws: Bootstrap draws behind an interval.

    Raises:
        MissingExtraError: MTEB is not installed.
        NossError: A name is unknown, a corpus is not where it should be, or its split leaks.
    """
    _require()
    from noss.interchange._mteb_task import SpeechTask, Way

    given = {"tasks": tasks, "probes": probes, "protocols": protocols, "root": root, "cache": cache}
    request = merged(run, recipe, {**given, "metrics": (), "seed": seed, "draws": draws})
    plan = make_plan({**request, "models": ["trivial"]})  # a plan wants a model, and MTEB brings its own
    facts = {"seed": request["seed"], "draws": request["draws"], "metrics": tuple(plan.metrics), "cache": plan.cache}
    return [
        SpeechTask(task, Way(probe=probe, protocol=protocol, **facts))
        for task in plan.tasks
        for protocol, probe in plan.ways(task)
    ]


def _require() -> None:
    shelf.require("mteb", extra="mteb", needed_by="a room in MTEB")
