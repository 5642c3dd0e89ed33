"""Every format on the shelf: a written file embeds as a model, and gives what its own model gives.

`export` itself compares at a short, a usual and a long sound, and fails beyond the tolerance: here it is tried on models, and
what stands in the files is read as a stranger would read it.
"""

from __future__ import annotations

import functools
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
from noss.pipeline.export import CARD, PROOF, Exported, export

NEEDED = {"onnx": "onnxscript", "litert": "litert_torch", "torchexport": "torch"}
NATIVE = ["noss/small", "mobilenet_v3/tiny-0.5"]
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


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes a model in a format and a precision; each once, as it takes seconds."""

    @functools.cache
    def write(model: str, to: str, precision: Any = "fp32") -> Exported:
        path = tmp_path_factory.mktemp("export") / f"net{shelf.load('exporters', to).SUFFIX}"
        return export(model, to=to, out=path, precision=precision)

    return write


@pytest.mark.slow
@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("model", NATIVE)
def test_a_file_gives_what_its_model_gives(model: str, to: str, written: Any) -> None:
    exported = written(model, to)
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
def test_a_file_keeps_the_contract_of_models(to: str, written: Any) -> None:
    exported = written(NATIVE[0], to)
    assert [verdict for verdict in check_model(exported.name) if verdict.ok is False] == []


@pytest.mark.slow
@pytest.mark.parametrize("to", FORMATS)
def test_a_smaller_file_is_smaller_and_its_drift_is_kept(to: str, written: Any) -> None:
    part = shelf.load("exporters", to)
    files = {name: written(NATIVE[0], to, name) for name in part.PRECISIONS}
    sizes = [exported.size_mb for exported in files.values()]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)
    for name, exported in files.items():
        proof = json.loads(Path(f"{exported.path}{PROOF}").read_text(encoding="utf-8"))
        cosines = [one["cosine"] for one in proof["compared"]]
        assert proof["precision"] == name
        assert min(cosines) > 0.98 and (name == "fp32" or min(cosines) < 1.0)
        card = json.loads(Path(f"{exported.path}{CARD}").read_text(encoding="utf-8"))
        assert card["dim"] == 2048 and ("window" in card) == (not part.ANY_LENGTH)
