"""The analyses of a results store: `results/analyses/<kind>/<model>.jsonl`, and `similarity.json` beside them.

Records keep the rules of every suite. They stand apart from the suites, as a model under a condition is ranked with no
other; and of robustness and context each model has on each task the row of clips as they are, which the others are read against.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from noss.errors import DataError
from noss.pipeline._analyse_request import FOLDER
from noss.pipeline._similarity_file import NAME as SIMILARITY
from noss.pipeline._similarity_file import read_similarities
from noss.pipeline._verdict import Verdict
from noss.reports import Score
from noss.reports._similarity import Similarity

OF_THIS_MACHINE: Final = re.compile(r"(^|/)(\.{1,2}|~)(/|$)|//|^/|\\")
KINDS: Final = ("robustness", "context", "layers")


def analysis_files(store: Path) -> dict[str, list[Path]]:
    """The files of records below `analyses` of a results store, by kind; none where there are none."""
    folder = store if store.name == FOLDER else store / FOLDER
    found = {kind: sorted((folder / kind).glob("*.jsonl")) for kind in KINDS}
    return {kind: paths for kind, paths in found.items() if paths}


def similarity_path(store: Path) -> Path:
    """Where the comparisons of a results store are, if it has any."""
    return (store if store.name == FOLDER else store / FOLDER) / SIMILARITY


def check_plain_rows(scores: Sequence[Score], where: str) -> None:
    """Make sure that every row under a condition has the row of clips as they are beside it.

    Raises:
        DataError: One has not.
    """
    plain = {(one.task, one.probe, one.dataset_revision) for one in scores if not one.condition}
    for score in scores:
        if score.condition and (score.task, score.probe, score.dataset_revision) not in plain:
            what = f"{score.model} on {score.contest}"
            raise DataError(f"{where} has {what} without the row of clips as they are: publish the whole analysis")


def shared_similarities(path: Path) -> list[Similarity]:
    """The comparisons in a file that means something elsewhere.

    Raises:
        DataError: It is broken, or names a dataset or a model by a path of one machine.
    """
    found = read_similarities(path)
    for one in found:
        for name in [one.dataset, *(model.name for model in one.models)]:
            if OF_THIS_MACHINE.search(name):
                what = f"{path} names {name!r}, a path of one machine"
                raise DataError(f"{what}: compare it under a name, as --tasks NAME=TASK, or a part of the shelf")
    return found


def check_similarities(store: Path) -> Iterator[Verdict]:
    """A verdict on the file of similarities, where there is one."""
    path = similarity_path(store)
    if not path.is_file():
        return
    name = f"{FOLDER}/{SIMILARITY}"
    try:
        found = shared_similarities(path)
    except DataError as error:
        yield Verdict(name, False, str(error), files=[(str(path), str(error))])
    else:
        yield Verdict(name, True, f"{len(found)} {'comparison' if len(found) == 1 else 'comparisons'}")
