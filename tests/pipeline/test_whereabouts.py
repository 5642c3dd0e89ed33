"""A corpus that is not at its root: the hint names the folder it is in, or the corpus that is there in its place."""

from __future__ import annotations

import dataclasses
import importlib
import os
from pathlib import Path

import pytest

from noss import cli
from noss.datasets import fsdd, ravdess
from noss.errors import DataError
from noss.pipeline import _whereabouts
from noss.pipeline._clips import open_dataset, open_tasks
from noss.pipeline._whereabouts import explained, looks_like

CARD = dataclasses.replace(ravdess.DATASET, signs=("Actor_0?/03-01-*", "Actor_24"))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    root = tmp_path / "deep" / "er" / "ravdess"
    root.mkdir(parents=True)
    importlib.import_module("miniatures.ravdess").build(root)
    return root


def said(root: Path) -> str:
    return explained(DataError("no clip of it"), name="ravdess", card=CARD, root=root)


def test_a_corpus_is_known_by_all_of_its_signs(corpus: Path) -> None:
    assert looks_like(CARD, corpus)
    (corpus / "Actor_24").rename(corpus / "Actor_25")
    assert not looks_like(CARD, corpus)
    assert not looks_like(dataclasses.replace(CARD, signs=()), corpus)


@pytest.mark.parametrize("above", [1, 2])
def test_a_corpus_one_or_two_folders_below_is_found(corpus: Path, above: int) -> None:
    given = corpus.parents[above - 1]
    assert said(given) == f"ravdess is not in {given} but in {corpus}: give --root ravdess={corpus}"


def test_a_corpus_in_the_folder_above_is_found(corpus: Path) -> None:
    given = corpus / "Actor_01"
    assert said(given) == f"ravdess is not in {given} but in {corpus}: give --root ravdess={corpus}"


def test_a_corpus_further_away_is_not_looked_for(corpus: Path) -> None:
    assert said(corpus.parents[2]) == "no clip of it"


def test_where_the_signs_are_right_the_error_stands(corpus: Path) -> None:
    assert said(corpus) == "no clip of it"


def test_another_corpus_at_the_root_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    importlib.import_module("miniatures.fsdd").build(tmp_path)
    monkeypatch.setattr(fsdd, "DATASET", dataclasses.replace(fsdd.DATASET, signs=("recordings/?_george_*",)))
    assert said(tmp_path) == f"no clip of it; what is in {tmp_path} looks like fsdd"


def test_an_archive_that_is_still_packed_is_named(tmp_path: Path) -> None:
    (tmp_path / "Audio_Speech_Actors_01-24.zip").touch()
    assert said(tmp_path) == f"no clip of it; unpack Audio_Speech_Actors_01-24.zip, which is in {tmp_path}"


def test_links_that_go_round_and_folders_that_are_gone_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to(tmp_path)
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    assert said(tmp_path) == "no clip of it"
    assert said(tmp_path / "gone") == "no clip of it"


def test_no_more_than_a_bounded_number_of_entries_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in range(60):
        (tmp_path / f"{row // 10}/{row}").mkdir(parents=True)
    monkeypatch.setattr(_whereabouts, "_MOST_ENTRIES", 20)
    taken, real = [], os.scandir

    def counted(folder: str) -> object:
        taken.append(folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", counted)
    assert said(tmp_path) == "no clip of it"
    look = _whereabouts._Look()
    assert sum(len(look.entries(folder)) for folder in [str(tmp_path), *(f"{tmp_path}/{n}" for n in range(6))]) == 20


def test_the_hint_reaches_whoever_opens_the_dataset_in_one_line(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ravdess, "DATASET", CARD)
    with pytest.raises(DataError, match=f"give --root ravdess={corpus}$"):
        open_dataset("ravdess", roots={"ravdess": corpus.parent})
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["check", "dataset", "ravdess", "--root", f"ravdess={corpus.parent}"])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_part_of_a_corpus_never_scores_as_if_it_were_complete(corpus: Path) -> None:
    (task,) = open_tasks("ravdess", roots={"ravdess": corpus})
    assert task.warnings[0] == (
        "192 of 1,440 clips are listed, and scores are not those of the complete corpus: "
        "noss check dataset ravdess says what is missing"
    )
