"""What `show` says about a dataset: its facts, and how to get it where it is not on this machine."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path

import pytest

from noss.datasets import Download, ravdess
from noss.pipeline.show import show

GATED = dataclasses.replace(
    ravdess.DATASET,
    access="gated",
    ask="Fill in the form on https://example.org/ravdess and sign it. " * 3 + "\n\nDownload `speech.zip`.",
    layout="Actor_01/03-01-01-01-01-01-01.wav   24 folders\nlist.txt",
    families={"emotion": "emotion"},
    num_by_label={"emotion": {"neutral": 96}},
)


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOSS_DATA", raising=False)


def shown(monkeypatch: pytest.MonkeyPatch, **changes: object) -> str:
    monkeypatch.setattr(ravdess, "DATASET", dataclasses.replace(GATED, **changes))
    return str(show("ravdess"))


def test_a_gated_corpus_that_is_not_here_shows_where_to_ask_and_what_its_folder_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = shown(monkeypatch).splitlines()
    asked = lines[lines.index("where to ask") :]
    assert asked[1].startswith("  Fill in the form on https://example.org/ravdess and sign it.")
    assert "  Download `speech.zip`." in asked
    tree = lines.index("what its folder should hold")
    assert lines[tree + 1 : tree + 3] == ["  Actor_01/03-01-01-01-01-01-01.wav   24 folders", "  list.txt"]
    assert lines[-1] == "  noss check dataset ravdess --root ravdess=DIR"
    assert max(map(len, asked[:tree])) <= 120


def test_an_open_corpus_that_is_not_here_shows_how_it_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = (Download(url="https://example.org/a.zip", size=1_500_000_000),)
    text = shown(monkeypatch, access="open", ask="", downloads=downloads)
    assert "\nhow to get it\n  1.5 GB: noss fetch ravdess\n  https://example.org/a.zip\n" in text


def test_a_corpus_that_is_here_shows_its_clips_and_no_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module("miniatures.ravdess").build(tmp_path)
    monkeypatch.setattr(ravdess, "DATASET", GATED)
    text = str(show("ravdess", root=[f"ravdess={tmp_path}"]))
    assert "task ravdess/emotion" in text
    assert "where to ask" not in text


def test_a_target_shows_its_family_and_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, num_by_split={"train": 1_000, "test": 440})
    assert "8 classes (emotion): neutral 96, calm, happy" in text
    assert "clips by split  train 1,000, test 440" in text


def test_of_very_many_classes_the_first_and_the_last_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, targets={"emotion": tuple(f"e{number}" for number in range(1_251))})
    assert "1,251 classes (emotion): e0, e1, e2 ... e1250\n" in text
