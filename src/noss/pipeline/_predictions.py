"""The predictions file: what a probe said about every test clip, and the facts a score needs.

A Parquet table with a row a clip (`id`, `file`, `start`, `end`, `speaker`, `split`, `fold`, `truth`, `predicted`) and
a column of scores a class, in class order (`score_<class>`; one column `score` for numbers). `file` is below the
corpus's root where it can be. A trial of two clips also names the second one's speaker (`partner`). The facts stand as
JSON in the footer, so that they are read without the rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from noss.errors import DataError
from noss.runs import replacing, slug

_KEY = b"noss"


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Test clips with their truth and scores, in the corpus's order.

    `true_N` (N,) holds class indices, or numbers; `scores_NK` (N, K) a score a class, or (N, 1) numbers. A fold is None
    where there is one test set only. `partners` are the speakers of the second clips where rows are trials.
    """

    facts: Mapping[str, Any]
    ids: Sequence[str]
    files: Sequence[str]
    start_s: NDArray[np.float64]
    end_s: Sequence[float | None]
    speakers: Sequence[str | None]
    folds: Sequence[int | None]
    true_N: NDArray[Any]
    scores_NK: NDArray[np.float64]
    partners: Sequence[str | None] | None = None

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes in their order; None for numbers."""
        return None if self.facts["classes"] is None else tuple(self.facts["classes"])


def predictions_path(
    out: Path, *, model: str, task: str, probe: str, protocol: str = "clean", variant: str = ""
) -> Path:
    """Where the predictions of a protocol, with a probe on a model's embeddings of a task, stand in a run's folder."""
    words = [model, task, probe, protocol, *([variant] if variant else [])]
    return out / "predictions" / f"{'--'.join(map(slug, words))}.parquet"


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a predictions file, whole or not at all.

    Raises:
        StoreError: The folder cannot be written.
    """
    facts = json.dumps(dict(predictions.facts)).encode()
    table = pa.table(_rows(predictions) | _scores(predictions)).replace_schema_metadata({_KEY: facts})
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_facts(path: Path) -> dict[str, Any]:
    """The facts in the footer of a predictions file, without its rows.

    Raises:
        DataError: No such file, or it is not a predictions file.
    """
    try:
        facts = json.loads((pq.read_schema(path).metadata or {})[_KEY])
    except FileNotFoundError as error:
        raise DataError(f"no predictions at {path}: score the model first, with noss run or noss probe") from error
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise DataError(f"{path} holds no predictions: delete it and score the model again") from error
    if not isinstance(facts, dict) or not {"signature", "classes", "protocol", "splits"} <= facts.keys():
        raise DataError(f"{path} holds no predictions of this version: delete it and score the model again")
    return facts


def read_predictions(path: Path) -> Predictions:
    """A predictions file in memory.

    Raises:
        DataError: No such file, it is not a predictions file, or its rows are broken.
    """
    facts = read_facts(path)
    try:
        return _from_table(pq.read_table(path), facts)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is broken ({error}): delete it and score the model again") from error


def shared_rows(a: Predictions, b: Predictions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (N,) of both that hold the same clips, in the order of `a`: a model may have lost some."""
    places: dict[str, list[int]] = {}
    for row, name in enumerate(b.ids):
        places.setdefault(name, []).append(row)
    pairs = [(row, places[name].pop(0)) for row, name in enumerate(a.ids) if places.get(name)]
    rows_2N = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return rows_2N[0], rows_2N[1]


def _from_table(table: pa.Table, facts: Mapping[str, Any]) -> Predictions:
    classes, truth = facts["classes"], table["truth"].to_pylist()
    places = {name: place for place, name in enumerate(classes or ())}
    columns = ["score"] if classes is None else [f"score_{name}" for name in classes]
    return Predictions(
        facts=facts,
        ids=table["id"].to_pylist(),
        files=table["file"].to_pylist(),
        start_s=table["start"].to_numpy(),
        end_s=table["end"].to_pylist(),
        speakers=table["speaker"].to_pylist(),
        folds=table["fold"].to_pylist(),
        true_N=np.array(truth if classes is None else [places[name] for name in truth]),
        scores_NK=np.stack([table[name].to_numpy() for name in columns], axis=1),
        partners=table["partner"].to_pylist() if "partner" in table.column_names else None,
    )


def _rows(predictions: Predictions) -> dict[str, pa.Array]:
    partners = predictions.partners
    return {
        "id": pa.array(predictions.ids, pa.string()),
        "file": pa.array(predictions.files, pa.string()),
        "start": pa.array(predictions.start_s, pa.float64()),
        "end": pa.array(predictions.end_s, pa.float64()),
        "speaker": pa.array(predictions.speakers, pa.string()),
        **({} if partners is None else {"partner": pa.array(partners, pa.string())}),
        "split": pa.array(["test"] * len(predictions.ids), pa.string()),
        "fold": pa.array(predictions.folds, pa.int64()),
    }


def _scores(predictions: Predictions) -> dict[str, pa.Array]:
    scores_KN = np.ascontiguousarray(predictions.scores_NK.T, dtype=np.float64)
    if predictions.classes is None:
        truth = pa.array(predictions.true_N, pa.float64())
        return {"truth": truth, "predicted": pa.array(scores_KN[0]), "score": pa.array(scores_KN[0])}
    names = np.array(predictions.classes, dtype=object)
    truth, predicted = names[predictions.true_N], names[predictions.scores_NK.argmax(1)]
    columns = {"truth": pa.array(truth, pa.string()), "predicted": pa.array(predicted, pa.string())}
    return columns | {f"score_{name}": pa.array(score_N) for name, score_N in zip(names, scores_KN, strict=True)}
