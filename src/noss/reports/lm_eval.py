"""Results in the shape of lm-evaluation-harness: a folder a model, a JSON file with all its tasks.

`logmel_stats/results_2026-11-22T17-22-09.json`. A metric stands as `uar,none`, its standard error as `uar_stderr,none`:
half the 95 % interval over 1.96, since the shape has no room for an interval. Whole records stand under `noss_records`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from noss.errors import DataError
from noss.reports import Details, Score
from noss.reports._names import file_name, ways

SUFFIX = "-lm-eval"
FOLDER = True
PAGES = False
_FILTER = "none"
_Z = 1.959964  # of the normal distribution: 95 % lie within


def write(scores: list[Score], path: Path, *, details: Details | None = None) -> None:
    """Write a result file a model below the folder `path`.

    Raises:
        DataError: Two models would share a file, or there are two records of one score.
    """
    del details
    models: dict[tuple[str, str], dict[str, list[Score]]] = {}
    for (model, revision, task), records in ways(scores).items():
        models.setdefault((model, revision), {})[task] = records
    for (model, _), tasks in models.items():
        date = max(_utc(records[0].date) for records in tasks.values())
        target = path / file_name(model) / f"results_{date.strftime('%Y-%m-%dT%H-%M-%S.%f')}.json"
        if target.exists():
            raise DataError(f"two models would share the file {target.relative_to(path)}: rename one of them")
        target.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_results(tasks, date=date), indent=2, ensure_ascii=False, allow_nan=False)
        target.write_text(text + "\n", encoding="utf-8")


def _results(tasks: Mapping[str, Sequence[Score]], *, date: datetime) -> dict[str, Any]:
    """All tasks of one model."""
    first = next(iter(tasks.values()))[0]
    embedding = {records[0].dataset: records[0].embed_s for records in tasks.values()}
    return {
        "results": {task: _values(task, records) for task, records in tasks.items()},
        "group_subtasks": {task: [] for task in tasks},
        "configs": {task: _config(task, records) for task, records in tasks.items()},
        "versions": {task: records[0].noss_version for task, records in tasks.items()},
        "n-shot": dict.fromkeys(tasks, 0),
        "higher_is_better": {task: {one.metric: one.higher_is_better for one in of} for task, of in tasks.items()},
        "n-samples": {task: _counts(records[0]) for task, records in tasks.items()},
        "config": _run(first),
        "git_hash": None,
        "date": date.timestamp(),
        "task_hashes": {task: records[0].signature for task, records in tasks.items()},
        "model_source": "noss",
        "model_name": first.model,
        "model_name_sanitized": file_name(first.model),
        "total_evaluation_time_seconds": str(sum(embedding.values())),
        "noss_records": [asdict(score) for records in tasks.values() for score in records],
    }


def _values(task: str, records: Sequence[Score]) -> dict[str, Any]:
    values: dict[str, Any] = {"name": task, "alias": task, "sample_len": records[0].num_test}
    for score in records:
        values[f"{score.metric},{_FILTER}"] = score.value
        values[f"{score.metric}_stderr,{_FILTER}"] = (score.high - score.low) / 2 / _Z
    return values


def _config(task: str, records: Sequence[Score]) -> dict[str, Any]:
    first = records[0]
    return {
        "task": task,
        "dataset_path": first.dataset,
        "dataset_name": first.target,
        "dataset_kwargs": {"revision": first.dataset_revision},
        "test_split": first.splits,
        "num_fewshot": 0,
        "metric_list": [{"metric": score.metric, "higher_is_better": score.higher_is_better} for score in records],
        "metadata": {"version": first.noss_version, "protocol": first.protocol, "probe": first.probe},
    }


def _counts(score: Score) -> dict[str, int]:
    return {"original": score.num_test + score.num_failed, "effective": score.num_test}


def _run(score: Score) -> dict[str, Any]:
    facts = {"model": "noss", "model_args": {"pretrained": score.model}, "model_revision": score.model_revision}
    known = {} if score.num_parameters is None else {"model_num_parameters": score.num_parameters}
    return {**facts, **known, "batch_size": None, "device": score.device, "limit": None, "random_seed": score.seed}


def _utc(date: str) -> datetime:
    moment = datetime.fromisoformat(date)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
