"""Results in MTEB's shape: a folder a model, a folder a revision, a JSON file a task, as its result cache has them.

`results/noss__logmel_stats/<revision>/ravdess_emotion--logistic--clean.json`, beside `model_meta.json`. A task's name
holds probe and protocol, for in MTEB both belong to the task. Whole records stand beside the scores, so that
`noss convert` gives the same records back. Nothing here was run by MTEB, so its version is null.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from noss.errors import DataError
from noss.reports import Details, Score
from noss.reports._mteb import LANGUAGES, model_meta, model_name, subset_scores
from noss.reports._names import ways

SUFFIX = "-mteb"
FOLDER = True
PAGES = False


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write a result file a model and task below the folder `path`, as a cache of MTEB has them.

    Raises:
        DataError: Two models or tasks would share a file, or there are two records of one score.
    """
    del details
    for (model, revision, task), records in ways(scores).items():
        folder = path / "results" / model_name(model).replace("/", "__") / revision
        target = folder / f"{task}.json"
        if target.exists():
            raise DataError(f"two models or tasks would share the file {target.relative_to(path)}: rename one of them")
        folder.mkdir(parents=True, exist_ok=True)
        _dump(target, _result(task, records))
        _dump(folder / "model_meta.json", model_meta(records[0]))


def _result(task: str, records: Sequence[Score]) -> dict[str, Any]:
    first = records[0]
    return {
        "dataset_revision": first.dataset_revision,
        "task_name": task,
        "mteb_version": None,
        "scores": {"test": [{"hf_subset": "default", "languages": LANGUAGES, **subset_scores(records)}]},
        "evaluation_time": first.embed_s,
        "kg_co2_emissions": None,
        "date": _seconds(first.date),
        "evaluation_phases": None,
    }


def _seconds(date: str) -> float:
    moment = datetime.fromisoformat(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _dump(path: Path, facts: dict[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
