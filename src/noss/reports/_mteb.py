"""Records in the shape of MTEB's results: the scores of a subset, and the facts about a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from noss.reports import Score
from noss.reports._names import file_name

ORGANISATION = "noss"
LANGUAGES = ["und-Zxxx"]  # undetermined and unwritten: a record does not say which are spoken, and MTEB wants one
RECORDS = "noss_records"  # the key under which a subset holds the whole records
NAMES = {"accuracy": "accuracy", "mae": "mae", "macro_f1": "f1", "uar": "recall"}  # ours to MTEB's, where they are one


def model_name(model: str) -> str:
    """A model's name as MTEB wants it, `organisation/model`."""
    return f"{ORGANISATION}/{file_name(model)}"


def subset_scores(records: Sequence[Score]) -> dict[str, Any]:
    """What MTEB keeps of a subset: every metric, the main score, and whole records, from which they can be read back.

    Args:
        records: All records of one model on one task, the main metric first.
    """
    values = {score.metric: score.value for score in records}
    same = {NAMES[score.metric]: score.value for score in records if score.metric in NAMES}
    main = {"main_score": records[0].value, "main_metric": records[0].metric}
    interval = {"main_score_low": records[0].low, "main_score_high": records[0].high}
    return {**values, **same, **main, **interval, RECORDS: [asdict(score) for score in records]}


def model_meta(score: Score) -> dict[str, Any]:
    """MTEB's facts about a model, as far as a record holds them; unknown ones are null."""
    unknown = ["loader", "release_date", "languages", "max_tokens", "license", "open_weights", "public_training_code"]
    unknown += ["public_training_data", "use_instructions", "training_datasets", "citation", "reference"]
    return {
        "name": model_name(score.model),
        "revision": score.model_revision,
        "n_parameters": score.num_parameters,
        "memory_usage_mb": score.size_mb,
        "embed_dim": score.dim,
        "framework": [],
        "similarity_fn_name": "cosine",
        "modalities": ["audio"],
        **dict.fromkeys(unknown),
    }
