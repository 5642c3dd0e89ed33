"""Roots as people have them: half there, elsewhere, read-only, full of links, with names that differ in capitals."""

from __future__ import annotations

import importlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from noss import cli
from noss.datasets import ravdess
from noss.errors import DataError
from noss.pipeline._check_dataset import check_dataset
from noss.pipeline._clips import open_dataset, open_tasks
from noss.pipeline.check import check
from noss.pipeline.show import show


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    root = tmp_path / "corpus"
    root.mkdir()
    importlib.import_module("miniatures.ravdess").build(root)
    return root


def state(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in (root, *root.rglob("*"))}


@pytest.fixture
def read_only(corpus: Path) -> Iterator[Path]:
    folders = [corpus, *(path for path in corpus.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield corpus
    for folder in folders:
        folder.chmod(stat.S_IRWXU)


def test_nothing_is_written_below_a_root(read_only: Path, tmp_path: Path) -> None:
    before = state(read_only)
    roots = [f"ravdess={read_only}"]
    check("dataset", "ravdess", root=roots, cache=tmp_path / "cache", out=tmp_path / "files.csv")
    show("ravdess", root=roots, cache=tmp_path / "cache")
    assert state(read_only) == before


def test_a_run_writes_nothing_below_a_root(read_only: Path, tmp_path: Path) -> None:
    from noss.pipeline.run import run

    before = state(read_only)
    run(
        out=tmp_path / "run", models=["trivial"], tasks=["ravdess"], root=[f"ravdess={read_only}"],
        cache=tmp_path / "cache", draws=10, workers=0,
    )  # fmt: skip
    assert state(read_only) == before


def test_links_to_files_folders_and_the_root_itself_are_followed(corpus: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for folder in corpus.iterdir():
        (linked / folder.name).symlink_to(folder)
    (tmp_path / "root").symlink_to(linked)
    assert len(open_dataset("ravdess", roots={"ravdess": tmp_path / "root"})[1]) == 192


def test_links_that_go_round_are_cut(corpus: Path) -> None:
    (corpus / "Actor_01/up").symlink_to(corpus)
    (corpus / "Actor_99").symlink_to(corpus / "Actor_99")
    assert len(open_dataset("ravdess", roots={"ravdess": corpus})[1]) == 192
    assert len(open_dataset(f"folder/{corpus}", roots={})[1]) == 192


def test_a_link_that_leads_nowhere_is_reported_and_the_rest_goes_on(corpus: Path, tmp_path: Path) -> None:
    lost = corpus / "Actor_01/03-01-01-01-01-01-01.wav"
    lost.unlink()
    lost.symlink_to(tmp_path / "gone.wav")
    verdicts = {v.name: v for v in check_dataset("ravdess", roots={"ravdess": corpus}, cache=tmp_path / "cache")}
    assert verdicts["links"].detail.endswith(f"lead nowhere 1 ({lost.relative_to(corpus)})")


@pytest.mark.parametrize("twin", ["03-01-01-01-01-01-01.WAV", "03-01-01-01-01-01-01.flac"])
def test_one_clip_in_two_files_is_an_error_in_one_line(
    corpus: Path, twin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "Actor_01" / twin).touch()
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main(["check", "dataset", "ravdess", "--root", f"ravdess={corpus}"])
    assert capsys.readouterr().err.count("are one clip twice: keep one of them\n") == 1


def test_names_that_differ_in_capitals_are_one_clip_of_a_corpus(tmp_path: Path) -> None:
    from noss.datasets._files import audio_by_stem

    for name in ("Ab.wav", "aB.wav"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"Ab\.wav and aB\.wav are one clip twice: keep one of them"):
        audio_by_stem(tmp_path)


def test_a_half_downloaded_corpus_is_scored_with_a_loud_line(corpus: Path) -> None:
    for folder in sorted(corpus.iterdir())[12:]:
        for path in folder.iterdir():
            path.unlink()
    (task,) = open_tasks("ravdess", roots={"ravdess": corpus})
    assert len(task.clips) == 96
    assert task.warnings[0].startswith("96 of 1,440 clips are listed")


def test_a_complete_corpus_carries_no_such_line(noss_data: Path) -> None:
    (task,) = open_tasks("ravdess", roots={"ravdess": noss_data / "ravdess"})
    assert task.warnings == []


def test_an_empty_root_is_an_error_that_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no clip of ravdess in .*: it needs Actor_01/.*; give --root ravdess=DIR"):
        open_dataset("ravdess", roots={"ravdess": tmp_path})


def test_a_label_outside_the_declared_set_names_the_first_clip(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ravdess, "EMOTIONS", (*ravdess.EMOTIONS[:-1], "astonished"))
    first = corpus / "Actor_01/03-01-08-01-01-01-01.wav"
    with pytest.raises(DataError, match=rf"does not declare the label 'astonished' of emotion \(24 clips, .*{first}"):
        open_tasks("ravdess", roots={"ravdess": corpus})
