"""Does a dataset give its labels away? What stands on two sides of a task, and what tells a label unheard.

Every clip is decoded once. `_leaks_names` looks at what the clips say of themselves, `_leaks_twins` at clips that hold
the same sound, `_leaks_channel` at what the files tell without listening, `_leaks_trained` at what a model has heard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from noss.errors import DataError
from noss.identity import clip_ids
from noss.pipeline._clips import Source, Task, find, scored_targets
from noss.pipeline._leaks_channel import check_channel, check_sentence
from noss.pipeline._leaks_names import check_names
from noss.pipeline._leaks_sides import sides
from noss.pipeline._leaks_trained import check_trained
from noss.pipeline._leaks_twins import Sound, check_apart, check_twins, hear
from noss.pipeline._models import open_model
from noss.pipeline._verdict import Verdict
from noss.runs import cache_folder


def check_leaks(
    name: str,
    *,
    roots: Mapping[str, Path],
    model: str | None = None,
    cache: Path | None = None,
    seed: int = 0,
) -> list[Verdict]:
    """Look for leaks in a dataset, on every task that a run would score on it.

    Args:
        name: A dataset or a task: `ravdess`, `ravdess/emotion`, `csv/./calls.csv`, `./mine.py`.
        roots: Folder by dataset name; without one, `$NOSS_DATA/<name>`.
        model: A model whose training data are set against the corpus; None for none.
        cache: The cache folder; None for the default one.
        seed: The seed of folds made here.

    Raises:
        NossError: There is no such dataset, task or model, or its clips cannot be listed.
    """
    card = None if model is None else open_model(model, cache=cache).card
    source = find(name, roots=roots, cache=cache)
    tasks = _tasks(source)
    sound = hear(source.clips, clip_ids(source.clips, cache=cache_folder(cache)))
    return [
        *(check_trained(model, card, source) if model is not None and card is not None else ()),
        *check_twins(source.clips, sound),
        *(verdict for task in tasks for verdict in _task(task, source, sound, seed=seed)),
    ]


def _tasks(source: Source) -> list[Task]:
    """The tasks that a run would score; none on clips that carry no labels, whose sound is compared all the same."""
    return [source.task(target) for target in scored_targets(source)] if source.card.targets else []


def _task(task: Task, source: Source, sound: Sound, *, seed: int) -> Iterator[Verdict]:
    try:
        parted = sides(task, seed=seed)
    except DataError as error:
        yield Verdict(f"{task.target}: splits", False, str(error))
        return
    place = {id(clip): row for row, clip in enumerate(source.clips)}
    facts = [sound.facts[place[id(clip)]] for clip in task.clips]
    yield from check_names(task, parted)
    yield from check_apart(task, parted, source.clips, sound)
    yield from check_sentence(task, parted)
    yield from check_channel(task, parted, facts)
