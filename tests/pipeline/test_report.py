"""A report from a run's folder: files in, page out, and what it says when a file is missing or odd."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from noss.errors import DataError, ModelError, UnknownPartError
from noss.pipeline import _details, _details_maps
from noss.pipeline._details_audio import Heard, data_uris
from noss.pipeline._details_maps import layout
from noss.pipeline._details_page import model_page
from noss.pipeline._kept import kept
from noss.pipeline._leaderboard import leaderboard
from noss.pipeline._predictions import Predictions, predictions_path, write_predictions
from noss.pipeline._ties import gaps
from noss.pipeline.report import report
from noss.pipeline.score import read_scores, score
from noss.shelf import load

CLASSES = ["calm", "angry", "<b>sad</b>"]
SKILLS = {"good": 3.0, "nearly": 2.9, "bad": 0.4, "control": 0.0}
NUM_CLIPS, NUM_SPEAKERS = 240, 12


def made_predictions(model: str, *, root: Path) -> Predictions:
    """Three classes, twelve speakers; good and nearly share their noise, so only skill tells them apart."""
    rng = np.random.default_rng(3 if model in {"good", "nearly"} else 4)
    true_N = np.arange(NUM_CLIPS) % 3
    logits = rng.normal(0, 1, (NUM_CLIPS, 3))
    logits[np.arange(NUM_CLIPS), true_N] += SKILLS[model]
    scores_NK = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    facts: dict[str, Any] = {
        "model": model, "model_revision": f"revision-{model}", "dataset": "mine", "dataset_revision": "1", "target": "mood",
        "classes": CLASSES, "protocol": "clean", "splits": "5 folds by speaker", "probe": "logistic", "probe_options": [{"c": 1.0}], "metric": "uar",
        "num_train": 192, "num_failed": 1, "speakers": "disjoint", "warnings": [], "ranked": model != "control", "seed": 0,
        "signature": f"signature-{model}", "noss_version": "0", "embed_s": 2.0, "audio_s": 480.0, "device": "test", "size_mb": None,
        "num_parameters": None, "dim": 4, "root": str(root), "num_test": NUM_CLIPS, "chance": 1 / 3, "num_classes": 3,
    }  # fmt: skip
    return Predictions(
        facts=facts,
        ids=[f"{i:032x}" for i in range(NUM_CLIPS)],
        files=[f"{i:03d}.wav" for i in range(NUM_CLIPS)],
        start_s=np.zeros(NUM_CLIPS),
        end_s=[None] * NUM_CLIPS,
        speakers=[f"s{i % NUM_SPEAKERS}" for i in range(NUM_CLIPS)],
        folds=[i % 5 for i in range(NUM_CLIPS)],
        true_N=true_N,
        scores_NK=scores_NK,
    )


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a finished run, with sounds of every clip."""
    folder, root = tmp_path / "run", tmp_path / "sounds"
    root.mkdir()
    for index in range(NUM_CLIPS):
        soundfile.write(root / f"{index:03d}.wav", 0.1 * np.sin(np.arange(4000) * (0.1 + index / 999)), 8000)
    for model in SKILLS:
        path = predictions_path(folder, model=model, task="mine/mood", probe="logistic")
        write_predictions(path, made_predictions(model, root=root))
    score(folder, metrics=["accuracy"], draws=200)
    (folder / "run.json").write_text(
        json.dumps({"command": ["noss", "run"], "cache": str(tmp_path / "cache")}), encoding="utf-8"
    )
    (folder / "failures.csv").write_text(
        "model,file,start_s,end_s,stage,reason\ngood,x.wav,0,,read,it is empty\n", encoding="utf-8"
    )
    return folder


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S
    )
    assert found is not None
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def test_page_is_made_from_the_folder_alone(run: Path) -> None:
    page = report(run)
    assert page == run / "report.html"
    data = data_of(page)
    assert [model["name"] for model in data["tasks"][0]["models"]] == ["good", "nearly", "bad", "control"]
    assert data["tasks"][0]["classes"] == CLASSES
    assert "it is empty" in page.read_text(encoding="utf-8")
    assert "<b>sad</b>" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("style", "name"), [("markdown", "report.md"), ("csv", "report.csv"), ("latex", "report.tex")])
def test_every_style_is_written_below_the_run(run: Path, style: str, name: str) -> None:
    assert report(run, style=style) == run / name
    assert "nearly" in (run / name).read_text(encoding="utf-8")


def test_out_says_where_to(run: Path, tmp_path: Path) -> None:
    assert report(run, style="csv", out=tmp_path / "there" / "a.csv").read_text(encoding="utf-8").startswith("model,")


def test_the_same_report_is_not_made_twice(run: Path) -> None:
    before = report(run, style="csv").stat().st_mtime_ns
    assert report(run, style="csv").stat().st_mtime_ns == before
    (run / "report.csv").write_text("spoilt", encoding="utf-8")
    assert report(run, style="csv").read_text(encoding="utf-8").startswith("model,")


def test_new_scores_make_a_new_report(run: Path) -> None:
    report(run, style="csv")
    lines = (run / "scores.jsonl").read_text(encoding="utf-8").splitlines()
    (run / "scores.jsonl").write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    assert len(report(run, style="csv").read_text(encoding="utf-8").splitlines()) == 3


def test_own_style_is_a_file(run: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        'SUFFIX = ".txt"\ndef write(scores, path, *, details=None):\n    path.write_text(details.run)\n',
        encoding="utf-8",
    )
    assert report(run, style=str(own)).read_text(encoding="utf-8") == "run"


def test_unknown_style_says_what_there_is(run: Path) -> None:
    with pytest.raises(UnknownPartError, match="did you mean markdown"):
        report(run, style="markdwon")


def test_a_folder_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no scores at .*: give the folder"):
        report(tmp_path)


def test_missing_predictions_are_said(run: Path) -> None:
    next((run / "predictions").glob("bad*")).unlink()
    with pytest.raises(DataError, match="no predictions at"):
        report(run)


def test_broken_settings_are_said(run: Path) -> None:
    (run / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"run\.json cannot be read"):
        report(run)


def test_missing_audio_leaves_a_note_and_a_page(run: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "sounds").iterdir():
        path.unlink()
    page = report(run)
    assert data_of(page)["audio"] == {}
    assert "No sound of" in page.read_text(encoding="utf-8")


def test_sounds_that_come_back_are_in_the_next_page(run: Path, tmp_path: Path) -> None:
    (tmp_path / "sounds").rename(tmp_path / "away")
    assert data_of(report(run))["audio"] == {}
    (tmp_path / "away").rename(tmp_path / "sounds")
    assert data_of(report(run))["audio"] != {}


def test_mistakes_of_the_best_carry_their_sound(run: Path) -> None:
    data = data_of(report(run))
    best = data["tasks"][0]["models"][0]["page"]
    assert 0 < len(best["mistakes"]) <= 20
    assert all(data["audio"][mistake["audio"]].startswith("data:audio/mpeg;base64,") for mistake in best["mistakes"])


def test_no_map_without_embeddings_and_the_page_says_why(run: Path) -> None:
    page = report(run)
    assert data_of(page)["maps"] == []
    assert "No map of mine with good: no model named" in page.read_text(encoding="utf-8")


def test_maps_are_drawn_for_the_three_best_and_kept(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lookup(revisions: Any, name: str, ids: list[str], *, cache: Path | None) -> Any:
        asked.append(name)
        return np.random.default_rng(0).normal(size=(len(ids), 8)).astype(np.float32)

    monkeypatch.setattr(_details, "_lookup", lookup)
    drawn = data_of(report(run))["maps"]
    assert list(drawn[0]["places"]) == ["good", "nearly", "bad"]
    assert set(drawn[0]["colours"]) == {"mood", "speaker"}
    assert len(drawn[0]["places"]["good"]) == len(drawn[0]["files"]) == NUM_CLIPS
    (run / "report.html").unlink()
    assert data_of(report(run))["maps"] == drawn
    assert asked == ["good", "nearly", "bad"]


def test_maps_stop_when_the_time_is_up(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_details_maps, "BUDGET_S", -1.0)
    assert "out of time for maps" in report(run).read_text(encoding="utf-8")


def test_a_model_that_changed_since_gets_no_map(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="has changed since"):
        _details._lookup({"logmel_stats": "another"}, "logmel_stats", [], cache=None)


def test_ties_hold_the_near_and_not_the_far(run: Path) -> None:
    scores = read_scores(run / "scores.jsonl")
    found = {one.model: gaps(run, scores, draws=300).get(one.predictions) for one in scores if one.main}
    assert found["good"] is None
    assert found["control"] is None
    near, far = found["nearly"], found["bad"]
    assert near is not None and far is not None
    assert near.tied and not far.tied
    assert far.low < far.behind < far.high


def test_gap_is_the_difference_of_the_scores(run: Path) -> None:
    scores = {one.model: one for one in read_scores(run / "scores.jsonl") if one.main}
    gap = gaps(run, list(scores.values()), draws=100)[scores["bad"].predictions]
    assert gap.behind == pytest.approx(scores["good"].value - scores["bad"].value)


def test_terminal_table_shows_names_as_they_are(run: Path) -> None:
    from rich.console import Console

    scores = read_scores(run / "scores.jsonl")
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(leaderboard(scores, gaps=gaps(run, scores)).table(caption="page: [red]x"))
    text = console.export_text()
    assert "page: [red]x" in text
    assert "nearly" in text and "control" in text


def test_confusion_counts_truth_by_prediction(tmp_path: Path) -> None:
    page = model_page("a.parquet", made_predictions("bad", root=tmp_path), metric=load("metrics", "uar"))
    predictions = made_predictions("bad", root=tmp_path)
    assert page["confusion"] is not None
    assert np.sum(page["confusion"]) == NUM_CLIPS
    wanted = np.sum((predictions.true_N == 1) & (predictions.scores_NK.argmax(1) == 2))
    assert page["confusion"][1][2] == wanted
    recall = {row["label"]: row["recall"] for row in page["recall"]}
    assert recall["angry"] == pytest.approx(page["confusion"][1][1] / 80, abs=1e-4)


def test_speakers_bins_and_mistakes_agree_with_a_count_by_hand(tmp_path: Path) -> None:
    predictions = made_predictions("bad", root=tmp_path)
    page = model_page("a.parquet", predictions, metric=load("metrics", "accuracy"))
    right_N = predictions.scores_NK.argmax(1) == predictions.true_N
    by_hand = {f"s{s}": right_N[np.arange(NUM_CLIPS) % NUM_SPEAKERS == s].mean() for s in range(NUM_SPEAKERS)}
    assert {row["speaker"]: row["value"] for row in page["speakers"]} == pytest.approx(by_hand, abs=1e-4)
    assert page["bins"] is not None and page["ece"] is not None
    assert sum(row["num_clips"] * row["accuracy"] for row in page["bins"]) == pytest.approx(right_N.sum(), abs=0.01)
    assert page["ece"] == pytest.approx(
        load("metrics", "ece").score(predictions.true_N, predictions.scores_NK), abs=0.05
    )
    sure = [mistake["confidence"] for mistake in page["mistakes"]]
    assert sure == sorted(sure, reverse=True)
    assert sure[0] == pytest.approx(predictions.scores_NK[~right_N].max(), abs=1e-4)


def test_scores_that_are_no_probabilities_are_not_calibrated(tmp_path: Path) -> None:
    made = made_predictions("bad", root=tmp_path)
    margins = Predictions(**{**vars(made), "scores_NK": np.log(made.scores_NK)})
    page = model_page("a.parquet", margins, metric=load("metrics", "uar"))
    assert page["bins"] is None and page["ece"] is None
    assert all(mistake["confidence"] >= 0 for mistake in page["mistakes"])


def test_very_many_classes_become_pairs(tmp_path: Path) -> None:
    made = made_predictions("bad", root=tmp_path)
    many = [f"c{i}" for i in range(80)]
    scores_NK = np.full((NUM_CLIPS, 80), 0.01)
    scores_NK[:, 7] = 1.0
    page = model_page(
        "a.parquet",
        Predictions(**{**vars(made), "facts": {**made.facts, "classes": many}, "scores_NK": scores_NK}),
        metric=load("metrics", "uar"),
    )
    assert page["confusion"] is None
    assert page["pairs"] == [("c0", "c7", 80), ("c1", "c7", 80), ("c2", "c7", 80)]


def test_numbers_show_points_and_their_largest_errors(tmp_path: Path) -> None:
    made = made_predictions("bad", root=tmp_path)
    true_N = np.linspace(0, 100, NUM_CLIPS)
    numbers = Predictions(**{**vars(made), "facts": {**made.facts, "classes": None}, "true_N": true_N, "scores_NK": (true_N + np.arange(NUM_CLIPS) % 7)[:, None]})  # fmt: skip
    page = model_page("a.parquet", numbers, metric=load("metrics", "mae"))
    assert page["confusion"] is None and page["recall"] == [] and page["bins"] is None
    assert len(page["points"]) == NUM_CLIPS
    assert page["mistakes"][0]["confidence"] == pytest.approx(6.0)


def test_layout_is_repeatable_and_keeps_groups_together() -> None:
    rng = np.random.default_rng(0)
    embeddings_ND = rng.normal(0, 0.1, (60, 5)).astype(np.float32)
    embeddings_ND[30:] += 5
    places = np.array(layout(embeddings_ND))
    assert places.tolist() == [list(place) for place in layout(embeddings_ND)]
    assert places.min() >= 0 and places.max() <= 999
    middle_a, middle_b = places[:30].mean(0), places[30:].mean(0)
    spread = max(places[:30].std(0).max(), places[30:].std(0).max())
    assert np.linalg.norm(middle_a - middle_b) > 3 * spread


@pytest.mark.parametrize("num_clips", [1, 2, 3, 5])
def test_layout_of_very_few_clips(num_clips: int) -> None:
    assert len(layout(np.eye(num_clips, 4, dtype=np.float32))) == num_clips


def test_sounds_stop_at_the_budget(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.1 * np.sin(np.arange(16000) / 9), 16000)
    clips = [Heard(str(i), tmp_path / "a.wav", 0.0, None) for i in range(5)]
    found, notes = data_uris(clips, budget_bytes=1)
    assert list(found) == ["0"]
    assert notes == []


def test_sounds_are_cut_to_four_seconds(tmp_path: Path) -> None:
    import base64
    import io

    soundfile.write(tmp_path / "a.wav", 0.001 * np.sin(np.arange(16000 * 9) / 9), 16000)
    found, _ = data_uris([Heard("a", tmp_path / "a.wav", 1.0, None)])
    packed = io.BytesIO(base64.b64decode(found["a"].split(",")[1]))
    waveform_T, sample_rate = soundfile.read(packed)
    assert sample_rate == 16000
    assert 4.0 <= len(waveform_T) / sample_rate <= 4.2
    assert 0.02 < np.abs(waveform_T).max() < 0.05  # raised by 30 at most


def test_what_is_kept_is_made_anew_when_its_facts_change(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> list[int]:
        made.append(1)
        return [1, 2]

    assert kept(tmp_path, "x", facts=[1], make=make) == kept(tmp_path, "x", facts=[1], make=make) == [1, 2]
    assert len(made) == 1
    kept(tmp_path, "x", facts=[2], make=make)
    assert len(made) == 2
    next(tmp_path.glob("*.json")).write_text("{", encoding="utf-8")
    kept(tmp_path, "x", facts=[2], make=make)
    assert len(made) == 3


def test_records_survive_as_they_are(run: Path) -> None:
    before = [asdict(one) for one in read_scores(run / "scores.jsonl")]
    report(run)
    assert [asdict(one) for one in read_scores(run / "scores.jsonl")] == before
