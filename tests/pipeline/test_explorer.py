"""The explorer of a run: what its page carries, when it is made, and what is said where it cannot be."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tiny_model

from noss import run as noss_run
from noss.datasets import Clip
from noss.errors import DataError, MissingExtraError
from noss.identity import clip_ids
from noss.pipeline import _explorer
from noss.pipeline._explorer import explore
from noss.pipeline._models import open_model
from noss.pipeline.report import report
from noss.pipeline.score import read_scores
from noss.reports._explorer_facts import Atlas
from noss.store import Store

pytest.importorskip("openTSNE")
TINY = str(Path(tiny_model.__file__))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small table of sounds, its run and the cache."""
    folder = tmp_path_factory.mktemp("explored")
    rows = ["file,speaker,label,gender,age,split"]
    for place in range(48):
        speaker, loud = place % 12, place // 12 % 2
        noise_T = np.random.default_rng(place).uniform(-1, 1, 4000) * (0.02, 0.2)[loud] * (1 + speaker / 12)
        soundfile.write(folder / f"{place:02d}.wav", noise_T, 16_000)
        split = "train" if speaker < 6 else "dev" if speaker < 8 else "test"
        rows.append(f"{place:02d}.wav,s{speaker},{('soft', 'loud')[loud]},{'fm'[speaker % 2]},{20 + speaker},{split}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    models, task = [TINY, "logmel_stats"], f"mine=csv/{folder / 'table.csv'}/label"
    noss_run(models=models, tasks=[task], out=folder / "run", cache=folder / "cache", draws=100, workers=0)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """The run to alter; its corpus stays where it is."""
    shutil.copytree(finished / "run", tmp_path / "run")
    return tmp_path


def blocks(page: Path) -> list[dict[str, Any]]:
    pattern = r'<script type="application/json" class="atlas">(.*?)</script>'
    return [json.loads(found) for found in re.findall(pattern, page.read_text(encoding="utf-8"), re.S)]


def test_a_report_alone_makes_no_explorer_and_says_how_to(folder: Path) -> None:
    page = report(folder / "run")
    assert not page.with_name("explorer.html").exists()
    assert "noss report RUN --explore" in page.read_text(encoding="utf-8")


def explored(folder: Path, finished: Path) -> Atlas:
    """What the explorer would show of the run's one dataset."""
    scores = [score for score in read_scores(folder / "run" / "scores.jsonl") if score.main]
    models = list(dict.fromkeys(score.model for score in scores))
    (atlas,) = explore(folder / "run", scores, models=models, most=2, cache=finished / "cache").atlases
    return atlas


def test_explorer_holds_every_clip_of_the_corpus_with_its_columns(folder: Path, finished: Path) -> None:
    atlas = explored(folder, finished)
    assert sorted(atlas.files) == [f"{place:02d}.wav" for place in range(48)]
    assert (atlas.root, atlas.notes) == (finished, [])
    columns = {column.name: column for column in atlas.columns}
    assert (
        {"label", "speaker", "split", "gender", "age", "seconds"} >= set(columns) >= {"label", "split", "gender", "age"}
    )
    assert columns["label"].words == ["loud", "soft"]
    assert [one.model for one in atlas.models] == [TINY, "logmel_stats"]
    assert [column.name for column in atlas.models[0].columns][:2] == ["label, right or wrong", "label, predicted"]


def test_neighbours_are_those_of_the_stored_vectors(folder: Path, finished: Path) -> None:
    atlas = explored(folder, finished)
    model = open_model("logmel_stats", cache=finished / "cache")
    ids = clip_ids([Clip(path=atlas.root / file, labels={}) for file in atlas.files], cache=finished / "cache")
    vectors_ND = Store.open(finished / "cache", model.facts).lookup([str(name) for name in ids])[:, 0]
    scaled_ND = (vectors_ND - vectors_ND.mean(0)) / vectors_ND.std(0)
    unit_ND = scaled_ND / np.linalg.norm(scaled_ND, axis=1, keepdims=True)
    distances_NN = 1 - unit_ND @ unit_ND.T
    np.fill_diagonal(distances_NN, np.inf)
    np.testing.assert_array_equal(atlas.models[1].near_NK[:, 0], distances_NN.argmin(axis=1))
    np.testing.assert_allclose(atlas.models[1].distances_NK[:, 0], distances_NN.min(axis=1), atol=1e-4)


def test_the_second_time_nothing_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = report(folder / "run", explore=True)
    assert 'href="explorer.html"' in shown.read_text(encoding="utf-8")
    page = shown.with_name("explorer.html")
    before = page.stat().st_mtime_ns
    monkeypatch.setattr(_explorer, "nearest", None)
    report(folder / "run", explore=True)
    assert page.stat().st_mtime_ns == before
    page.write_text("spoilt", encoding="utf-8")
    report(folder / "run", explore=True)
    assert len(blocks(page)) == 1


def test_names_that_mean_nothing_are_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="the run scored no model yamnet"):
        report(folder / "run", explore=True, models=["yamnet"])
    with pytest.raises(DataError, match="holds results of many runs"):
        report(Path(__file__).parents[2] / "results", explore=True)
    with pytest.raises(DataError, match="add --explore"):
        report(folder / "run", models=["logmel_stats"])
    with pytest.raises(DataError, match=r"report\.md has no explorer: .* --style html"):
        report(folder / "run", style="markdown", explore=True)


def test_without_embeddings_the_report_is_written_and_the_reason_said(
    folder: Path, finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished / "cache" / "scripts", tmp_path / "empty" / "scripts")
    with pytest.raises(DataError, match=r"the report is written, and no explorer: .* --cache"):
        report(folder / "run", explore=True, cache=tmp_path / "empty")
    assert (folder / "run" / "report.html").is_file()
    assert not (folder / "run" / "explorer.html").exists()
    assert not (tmp_path / "empty" / "embeddings").exists()


def test_without_the_package_the_report_is_written_and_the_install_line_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openTSNE", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'noss\[explore\]'"):
        report(folder / "run", explore=True)
    assert (folder / "run" / "report.html").is_file()


def test_without_the_corpus_the_test_clips_are_shown_and_a_note(
    folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise DataError("the corpus is gone")

    monkeypatch.setattr(_explorer, "open_dataset", gone)
    atlas = explored(folder, finished)
    assert len(atlas.files) == 16
    assert atlas.notes == ["Only test clips and the columns of their predictions are shown: the corpus is gone"]


def test_too_many_clips_are_sampled_and_it_is_said(
    folder: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_explorer, "MAX_CLIPS", 20)
    atlas = explored(folder, finished)
    assert len(atlas.files) == 20
    assert "a seeded sample of 20 of 48 clips" in atlas.notes[0]


def test_clips_without_an_embedding_are_left_out_and_counted(folder: Path, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "cache", tmp_path / "cache")
    model = open_model("logmel_stats", cache=tmp_path / "cache")
    store = Store.open(tmp_path / "cache", model.facts)
    ids, shape = store.ids(), (store.layers, store.dim)
    vectors_NLD = store.lookup(ids)
    for part in store.folder.glob("part-*"):
        part.unlink()
    Store.open(tmp_path / "cache", model.facts).append(
        ids[2:], vectors_NLD[2:].reshape(-1, *shape), durations_s=[1.0] * len(ids[2:]), seconds=1.0, device="a machine"
    )
    atlas = explored(folder, tmp_path)
    assert len(atlas.files) == 46
    assert atlas.notes == ["2 of 48 clips are left out: a model has no embedding of them."]


def test_scores_that_came_later_are_told_from_an_older_explorer(folder: Path) -> None:
    report(folder / "run", explore=True)
    lines = (folder / "run" / "scores.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "run" / "scores.jsonl").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    assert "earlier state of the run" in report(folder / "run").read_text(encoding="utf-8")
