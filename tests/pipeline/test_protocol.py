"""A protocol is a file; its name stands in every record, in the path and in the signature."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_task import embedded, model, mood_task

from noss import cli
from noss.errors import DataError, UnknownPartError
from noss.pipeline import _protocol as frame
from noss.pipeline._predictions import read_facts
from noss.pipeline._protocol import Variant, load_protocol, protocol_names, run_protocol
from noss.pipeline.score import score_predictions


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_says_what_it_does_and_defines_the_contract(name: str):
    part = load_protocol(name)
    sentence = (inspect.getdoc(part) or "").split("\n", 1)[0]
    assert sentence.endswith((".", ";")) and len(sentence) <= 119
    assert part.PROBE is None or isinstance(part.PROBE, str)
    assert callable(part.variants) and callable(part.predict)


def test_a_new_file_is_a_new_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("_protocol.py", "_protocol_mine.py", "_protocol_mine_grid.py", "_predictions.py"):
        (tmp_path / name).touch()
    monkeypatch.setattr(frame, "__file__", str(tmp_path / "_protocol.py"))
    assert protocol_names() == ["mine"]


def test_an_unknown_protocol_is_one_line_and_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(UnknownPartError, match="did you mean paper"):
        load_protocol("papre")
    with pytest.raises(SystemExit) as stop:
        cli.main(["run", "--models", "trivial", "--tasks", "demo/word", "--protocols", "papre", "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "noss: no protocol named 'papre': did you mean paper?\n"


def test_the_name_stands_in_facts_path_and_records(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    (path,) = run_protocol(given, embedded(given, x_NLD), model=model(), out=tmp_path, protocol="clean")
    assert path.name == "made--made_mood-" + path.name.split("-")[3] + "--logistic--clean.parquet"
    facts = read_facts(path)
    assert (facts["protocol"], facts["variant"], facts["aside"]) == ("clean", "", False)
    score = score_predictions(path, draws=50)[0]
    assert (score.protocol, score.contest) == ("clean", "made/mood")
    assert score.splits == "5 folds by speaker; settings chosen on 4 folds inside train"


def test_protocols_do_not_share_a_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given, x_NLD = mood_task(num=60)
    clean = importlib.import_module("noss.pipeline._protocol_clean")
    monkeypatch.setattr(frame, "load_protocol", lambda name: clean)
    paths = [
        run_protocol(given, embedded(given, x_NLD), model=model(), out=tmp_path, protocol=name)[0]
        for name in ("clean", "other")
    ]
    assert read_facts(paths[0])["signature"] != read_facts(paths[1])["signature"]


def test_variants_become_files_of_their_own_and_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    given, x_NLD = mood_task(num=60)
    clean = importlib.import_module("noss.pipeline._protocol_clean")
    once = clean.predict
    monkeypatch.setattr(clean, "variants", lambda job: [Variant(), Variant(name="beside", aside=True)])
    monkeypatch.setattr(clean, "predict", lambda job: [*once(job), *once(job)])
    vectors = embedded(given, x_NLD)
    paths = run_protocol(given, vectors, model=model(), out=tmp_path)
    assert paths[1].name.endswith("--clean--beside.parquet")
    assert [read_facts(path)["aside"] for path in paths] == [False, True]
    assert run_protocol(given, vectors, model=model(), out=tmp_path) == paths
    assert vectors.store.num_lookups == 1
    paths[1].unlink()
    run_protocol(given, vectors, model=model(), out=tmp_path)
    assert paths[1].exists() and vectors.store.num_lookups == 2


def test_predictions_of_an_earlier_version_are_refused_in_one_line(tmp_path: Path):
    given, x_NLD = mood_task(num=60)
    (path,) = run_protocol(given, embedded(given, x_NLD), model=model(), out=tmp_path)
    table, facts = pq.read_table(path), read_facts(path)
    del facts["splits"]
    pq.write_table(table.replace_schema_metadata({b"noss": json.dumps(facts).encode()}), path)
    with pytest.raises(DataError, match="holds no predictions of this version: delete it and score the model again"):
        score_predictions(path)
