"""`similarity.json`: a list of comparisons, each of some models on the clips of one dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from noss.errors import DataError
from noss.pipeline._schema import complaint, parse, read_text, schema_of
from noss.reports._similarity import Compared, Similarity
from noss.runs import write_json

NAME: Final = "similarity.json"
LAYERS: Final = "layers.jsonl"  # records of every layer, which stand beside it


def read_similarities(path: Path) -> list[Similarity]:
    """The comparisons in a file.

    Raises:
        DataError: It is broken, or models in it were compared on different clips.
    """
    facts = parse(read_text(path), str(path))
    if not isinstance(facts, list) or not facts:
        raise DataError(f"{path} is no list of comparisons: delete it and run noss analyse similarity again")
    schema = schema_of(Similarity, title="CKA of the layers of models")
    return [_similarity(one, f"{path}, comparison {number}", schema) for number, one in enumerate(facts, 1)]


def write_similarities(path: Path, found: Sequence[Similarity]) -> None:
    """Write comparisons, whole or not at all.

    Raises:
        StoreError: The folder cannot be written.
    """
    write_json(path, [asdict(one) for one in found])


def _similarity(facts: Any, where: str, schema: dict[str, Any]) -> Similarity:
    wrong = complaint(facts, schema)
    if wrong:
        raise DataError(f"{where} {wrong}: delete the file and run noss analyse similarity again")
    found = Similarity(**{**facts, "models": [Compared(**one) for one in facts["models"]]})
    _check_clips(found, where)
    _check_shape(found, where)
    return found


def _check_clips(found: Similarity, where: str) -> None:
    first = found.models[0]
    for other in found.models[1:]:
        if other.clips != first.clips:
            counts = f"{first.name} is of {first.num_clips} clips ({first.clips[:8]})"
            counts += f" and {other.name} of {other.num_clips} ({other.clips[:8]})"
            raise DataError(f"{where}: {counts}, and CKA needs the same: run noss analyse similarity on both at once")


def _check_shape(found: Similarity, where: str) -> None:
    count = len(found.layers)
    tables = [found.cka, *([found.low, found.high] if found.low or found.high else [])]
    if any(len(table) != count or any(len(row) != count for row in table) for table in tables):
        raise DataError(f"{where} is not {count} x {count} values for its {count} layers: delete the file")
    if any(value is not None and not -1 <= value <= 1 for table in tables for row in table for value in row):
        raise DataError(f"{where} has a CKA beyond 1: delete the file and run noss analyse similarity again")
    if any(len(pair) != 2 or not 0 <= pair[0] < len(found.models) for pair in found.layers):
        raise DataError(f"{where} has a layer of no model: delete the file and run noss analyse similarity again")
