"""The studies beside a run: records of models under conditions, as `noss analyse` wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from noss.pipeline.score import read_scores
from noss.reports import Score
from noss.reports._studies import Study


def read_studies(folder: Path) -> dict[str, list[Score]]:
    """The records of every study in the folder `analyses` of a run, by study; none where nothing was analysed.

    Raises:
        DataError: A file holds something else.
    """
    paths = {study: folder / f"{study}.jsonl" for study in get_args(Study)}
    return {study: read_scores(path) for study, path in paths.items() if path.is_file()}
