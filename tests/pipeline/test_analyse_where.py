"""Every kind of analysis runs where, and as precisely, as `noss run` would: engines, half precision, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_layers
import tiny_net
from made_table import TINY, made_rows, write_table

from noss import shelf
from noss.errors import DataError, ModelError
from noss.pipeline._models import open_model
from noss.pipeline.analyse import analyse

NET, DEEP = (str(Path(module.__file__)) for module in (tiny_net, tiny_layers))
OWN: dict[str, dict[str, Any]] = {
    "robustness": {"models": [NET], "conditions": ["gain -20"]},
    "context": {"models": [NET], "windows": ["0.1"]},
    "layers": {"models": [f"{DEEP}@all"]},
    "similarity": {"models": [NET, DEEP]},
}
ENGINE = """
from noss.engines.local import forks, run as here

asked = []


def run(make, items, **how):
    asked.append(how["workers"])
    yield from here(make, items, **{**how, "workers": 0})
"""


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    table = write_table(tmp_path, made_rows(tmp_path))
    return {
        "tasks": [f"calls=csv/{table}/mood"],
        "out": tmp_path / "out",
        "cache": tmp_path / "cache",
        "draws": 20,
        "device": "cpu",
    }


@pytest.mark.parametrize("kind", OWN)
def test_an_analysis_embeds_on_the_engine_that_is_asked_for(kind: Any, given: dict[str, Any], tmp_path: Path) -> None:
    engine = tmp_path / "counted.py"
    engine.write_text(ENGINE, encoding="utf-8")
    analyse(kind, **OWN[kind], **given, engine=str(engine), workers=1)
    asked = shelf.load("engines", str(engine)).asked
    assert len(asked) >= len(OWN[kind]["models"]) and set(asked) == {1}


@pytest.mark.parametrize("kind", ["robustness", "context"])
def test_records_of_an_analysis_say_that_it_was_in_bf16(kind: Any, given: dict[str, Any]) -> None:
    found = analyse(kind, **OWN[kind], **given, workers=0, precision="bf16")
    records = [json.loads(line) for line in found.path.read_text(encoding="utf-8").splitlines()]
    assert [one["condition"] for one in records].count("") == 1 and len(records) == 2
    for one in records:
        assert one["device"].endswith(", bf16") and any(
            "in bf16: a cosine distance" in line for line in one["warnings"]
        )
    assert records[0]["model_revision"] != open_model(NET).revision


def test_a_comparison_says_which_model_was_in_bf16(given: dict[str, Any]) -> None:
    models = {"models": [NET, f"{NET}/small"]}
    plain, half = (analyse("similarity", **models, **given, workers=0, precision=one) for one in ("fp32", "bf16"))
    assert not any("bf16" in note for note in plain.notes)
    assert [note.count(f"{NET}: embedded in bf16") for note in half.notes].count(1) == 1


def test_what_cannot_be_is_one_line_before_anything_is_embedded(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no torch module, which --precision bf16 needs"):
        analyse("robustness", [NET, TINY], **given, workers=0, precision="bf16")
    with pytest.raises(DataError, match="takes no address and no share of a GPU: add --engine ray"):
        analyse("context", [NET], **given, address="auto")
    assert not (tmp_path / "cache" / "embeddings").exists()
