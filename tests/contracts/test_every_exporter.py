"""Every format on the shelf: a written file embeds as a model, and gives what its own model gives.

`export` itself compares at a short, a usual and a long sound, and fails beyond the tolerance: here it is tried on models, and
what stands in the files is read as a stranger would read it.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import noss
from noss import shelf
from noss.exporters import TOLERANCE
from noss.pipeline._check_model import check_model
from noss.pipeline._check_model_feed import voice
from noss.pipeline.export import CARD, PROOF, export

NEEDED = {"onnx": "onnxscript", "litert": "litert_torch", "torchexport": "torch"}
NATIVE = ["audiontt/512", "mobilenet_v3/tiny-0.5", "noss/small"]
FORMATS = [
    pytest.param(
        name,
        marks=[
            pytest.mark.skipif(importlib.util.find_spec(NEEDED[name]) is None, reason=f"{NEEDED[name]} is not here"),
        ],
    )
    for name in shelf.names("exporters")
]


def test_every_format_on_the_shelf_is_tried_here() -> None:
    assert sorted(NEEDED) == shelf.names("exporters")


@pytest.mark.parametrize("name", NEEDED)
def test_a_format_states_its_facts(name: str) -> None:
    part = shelf.load("exporters", name)
    assert part.SUFFIX.startswith(".")
    assert part.MODEL in shelf.names("models")
    assert set(part.PRECISIONS) <= {"fp32", "fp16", "int8"} and part.PRECISIONS[0] == "fp32"


def _written(model: str, to: str, folder: Path, **options: Any) -> Any:
    return export(model, to=to, out=folder / f"net{shelf.load('exporters', to).SUFFIX}", **options)


@pytest.mark.slow
@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("model", NATIVE)
def test_a_file_gives_what_its_model_gives(model: str, to: str, tmp_path: Path) -> None:
    exported = _written(model, to, tmp_path)
    seconds = [one.seconds for one in exported.compared]
    assert max(one.difference for one in exported.compared) <= TOLERANCE
    assert len({round(second, 2) for second in seconds}) >= 3
    if shelf.load("exporters", to).ANY_LENGTH:
        sounds = [voice(size, 16_000, np.random.default_rng(0)).astype(np.float32) for size in (0.4, 1.1, 3.2)]
        expected, found = (
            np.concatenate([noss.load_model(name).embed([sound], sample_rate=16_000) for sound in sounds])
            for name in (model, exported.name)
        )
        np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("to", FORMATS)
def test_a_file_keeps_the_contract_of_models(to: str, tmp_path: Path) -> None:
    exported = _written("audiontt/512", to, tmp_path)
    assert [verdict for verdict in check_model(exported.name) if verdict.ok is False] == []


@pytest.mark.slow
@pytest.mark.parametrize("to", FORMATS)
def test_a_smaller_file_is_smaller_and_its_drift_is_kept(to: str, tmp_path: Path) -> None:
    part = shelf.load("exporters", to)
    sizes = [_written("audiontt/512", to, tmp_path / name, precision=name).size_mb for name in part.PRECISIONS]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)
    for name in part.PRECISIONS:
        proof = json.loads((tmp_path / name / f"net{part.SUFFIX}{PROOF}").read_text(encoding="utf-8"))
        assert proof["precision"] == name
        cosines = [one["cosine"] for one in proof["compared"]]
        assert min(cosines) > 0.99 and (name == "fp32" or max(cosines) < 1.0)
        card = json.loads((tmp_path / name / f"net{part.SUFFIX}{CARD}").read_text(encoding="utf-8"))
        assert card["dim"] == 512 and ("window" in card) == (not part.ANY_LENGTH)
