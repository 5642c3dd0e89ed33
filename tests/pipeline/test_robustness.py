"""noss analyse robustness and context, on a table whose moods are told by loudness alone."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_table import TINY, made_rows, write_noise, write_table

from noss import cli
from noss.datasets import Clip
from noss.errors import DataError
from noss.pipeline import _analyse_robustness
from noss.pipeline._analyse_robustness import cosine_distance
from noss.pipeline._analyse_sample import sampled
from noss.pipeline._analyse_study import Study
from noss.pipeline._clips import Task, open_tasks
from noss.pipeline._results import check_results, is_store, read_results
from noss.pipeline._split import folds
from noss.pipeline.analyse import analyse
from noss.pipeline.publish import publish
from noss.pipeline.report import report
from noss.pipeline.run import run
from noss.pipeline.score import read_scores
from noss.reports import Score


@pytest.fixture
def task(tmp_path: Path) -> str:
    return f"calls=csv/{write_table(tmp_path, made_rows(tmp_path))}/mood"


@pytest.fixture
def given(task: str, tmp_path: Path) -> dict[str, object]:
    return {"tasks": [task], "out": tmp_path / "out", "cache": tmp_path / "cache", "workers": 0, "draws": 200}


def records(out: object, kind: str = "robustness") -> dict[str, Score]:
    return {score.condition: score for score in read_scores(Path(str(out)) / "analyses" / f"{kind}.jsonl")}


def test_clean_is_what_a_run_says_and_a_soft_clip_is_calm(given: dict[str, object], tmp_path: Path) -> None:
    """Moods are told by loudness alone: 60 dB down every clip is calm, and one class of two is right."""
    analyse("robustness", [TINY], conditions=["gain -60 dB,gain -0.01 dB"], **given)  # type: ignore[arg-type]
    found, main = records(given["out"]), run(models=[TINY], **{**given, "out": tmp_path / "run"}).scores[0]  # type: ignore[arg-type]
    same = ("value", "low", "high", "num_test", "num_train", "probe_options", "dataset_revision", "model_revision")
    assert [getattr(found[""], name) for name in same] == [getattr(main, name) for name in same]
    assert found["gain -60 dB"].value == 0.5 and found["gain -0.01 dB"].value == main.value
    assert found["gain -60 dB"].contest == "calls/mood (gain -60 dB)" and found[""].contest == "calls/mood"
    assert "tested under the condition gain -60 dB" in found["gain -60 dB"].splits


def test_the_change_is_paired_and_the_embedding_moves_with_what_is_done(given: dict[str, object]) -> None:
    analyse("robustness", [TINY], conditions=["gain -60 dB", "gain -0.01 dB"], **given)  # type: ignore[arg-type]
    found = records(given["out"])
    lost, kept = found["gain -60 dB"].shift, found["gain -0.01 dB"].shift
    assert lost["change"] == pytest.approx(0.5 - found[""].value) and lost["low"] <= lost["change"] <= lost["high"] < 0
    assert kept["change"] == kept["low"] == kept["high"] == 0.0
    assert 0 <= kept["cosine"] < 0.001 < 0.1 < lost["cosine"] and found[""].shift == {}


def test_distance_is_nothing_for_the_same_and_one_for_the_unrelated() -> None:
    generator = np.random.default_rng(0)
    one_NLD, other_NLD = generator.normal(5, 3, (2, 400, 1, 300)).astype(np.float32)
    assert cosine_distance(one_NLD, one_NLD) == pytest.approx(0, abs=1e-6)
    assert cosine_distance(one_NLD, other_NLD) == pytest.approx(1, abs=0.02)
    assert cosine_distance(one_NLD, 10 - one_NLD) == pytest.approx(2, abs=0.05)


def test_probes_are_fitted_once_for_all_conditions_and_nothing_is_done_twice(
    given: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, whole = [], _analyse_robustness.fit_task
    monkeypatch.setattr(_analyse_robustness, "fit_task", lambda *a, **k: fits.append(1) or whole(*a, **k))
    for conditions, num_fits in [(["gain"], 1), (["gain"], 1), (["gain", "clipping"], 2)]:
        analyse("robustness", [TINY], conditions=conditions, **given)  # type: ignore[arg-type]
        assert len(fits) == num_fits
    path = Path(str(given["out"])) / "analyses" / "robustness.jsonl"
    before = path.read_bytes()
    analyse("robustness", [TINY], conditions=["gain", "clipping"], **given)  # type: ignore[arg-type]
    assert path.read_bytes() == before and len(fits) == 2


def test_records_of_other_models_and_conditions_stay_but_not_on_other_clips(given: dict[str, object]) -> None:
    analyse("robustness", [TINY], conditions=["gain -20"], **given)  # type: ignore[arg-type]
    analyse("robustness", [TINY], conditions=["gain 10"], **given)  # type: ignore[arg-type]
    analyse("robustness", ["trivial"], conditions=["gain 10"], **given)  # type: ignore[arg-type]
    path = Path(str(given["out"])) / "analyses" / "robustness.jsonl"
    kept = [(score.model, score.condition) for score in read_scores(path)]
    assert kept == [
        *((TINY, name) for name in ("", "gain +10 dB", "gain -20 dB")),
        *(("trivial", name) for name in ("", "gain +10 dB")),
    ]
    analyse("robustness", [TINY], conditions=["gain 10"], max_clips=16, **given)  # type: ignore[arg-type]
    assert sum(score.model == TINY for score in read_scores(path)) == 2


def test_a_study_that_is_written_beside_this_one_is_kept(given: dict[str, object]) -> None:
    analyse("robustness", [TINY], conditions=["gain -20"], **given)  # type: ignore[arg-type]
    path, plan = (
        Path(str(given["out"])) / "analyses" / "robustness.jsonl",
        SimpleNamespace(tasks=[], cache=None, models=[]),
    )
    study = Study(path, SimpleNamespace(plan=plan, max_clips=None, seed=0, strict=True))  # type: ignore[arg-type]
    analyse("robustness", ["trivial"], conditions=["gain 10"], **given)  # type: ignore[arg-type]
    study._put([dataclasses.replace(study.known[0], model="other")])
    assert [score.model for score in read_scores(path)] == [TINY, TINY, "trivial", "trivial", "other"]


def test_numbers_are_stressed_as_classes_are(tmp_path: Path, given: dict[str, object]) -> None:
    rows = [
        {**row, "mood": str({"calm": 1.0, "angry": 3.0}[row["mood"]] + place / 100)}
        for place, row in enumerate(made_rows(tmp_path))
    ]
    task = f"csv/{write_table(tmp_path, rows)}/mood"
    analyse("robustness", [TINY], conditions=["gain -60"], **{**given, "tasks": [task]})  # type: ignore[arg-type]
    lost = records(given["out"])["gain -60 dB"]
    assert lost.num_classes is None and lost.metric == "ccc" and lost.shift["change"] < 0


def test_noise_of_a_folder_is_used_and_its_broken_files_are_listed(given: dict[str, object], tmp_path: Path) -> None:
    write_noise(tmp_path / "hum" / "a.wav", 0.1, seed=7)
    (tmp_path / "hum" / "b.wav").write_bytes(b"RIFF no")
    found = analyse("robustness", [TINY], conditions=["noise 0"], noise=str(tmp_path / "hum"), **given)  # type: ignore[arg-type]
    assert "hum noise 0 dB" in records(given["out"])
    assert [(Path(one.file).name, one.stage) for one in found.failures] == [("b.wav", "noise")]


def test_context_cuts_training_and_test_alike_and_says_what_it_leaves_out(given: dict[str, object]) -> None:
    found = analyse("context", [TINY], windows=["0.05,0.15,0.2,2,3"], **given)  # type: ignore[arg-type]
    assert list(records(given["out"], "context")) == ["", "window 0.05 s", "window 0.15 s"]
    assert any("2 s left out, its own windows are 2 s" in note for note in found.notes)
    assert any("0.2 s left out, the longest clip has 0.20 s" in note for note in found.notes)
    padded = records(given["out"], "context")["window 0.05 s"].warnings
    assert any("padded to 0.1 s" in line for line in padded)
    assert not any("padded" in line for line in records(given["out"], "context")["window 0.15 s"].warnings)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["robustness", TINY, "--conditions", "noise -inf dB"], "beyond -60 to 120"),
        (["robustness", TINY, "--conditions", "nose 10 dB"], "did you mean"),
        (["robustness", TINY, "--noise", "/nowhere"], "no folder"),
        (["robustness", TINY, "--windows", "1"], "--windows is for noss analyse context"),
        (["context", TINY, "--noise", "pink"], "--noise is for noss analyse robustness"),
        (["context", TINY, "--windows", "0"], "holds nothing"),
        (["context", TINY, "--windows", "nan"], "holds nothing"),
        (["context", TINY, "--max-clips", "1"], "leaves nothing"),
        (["robustness", TINY, "--probe", "attentive"], "learns from frames"),
        (["robustnes", TINY], "robustness"),
    ],
)
def test_wrong_requests_end_in_one_line(
    words: list[str], message: str, given: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    common = ["--tasks", given["tasks"][0], "--out", str(given["out"]), "--cache", str(given["cache"])]  # type: ignore[index]
    with pytest.raises(SystemExit) as stop:
        cli.main(["analyse", *words, "--workers", "0", *common])
    lines = [line for line in capsys.readouterr().err.strip().split("\n") if not line.startswith("1 of 1: ")]
    assert stop.value.code == 2 and len(lines) == 1 and message in lines[0], lines


def plain_task(num_speakers: int, takes: int) -> Task:
    clips = [
        Clip(path=Path(f"{speaker}_{mood}_{take}"), labels={"mood": mood}, speaker=f"s{speaker}")
        for speaker in range(num_speakers)
        for mood in ("calm", "angry")
        for take in range(takes)
    ]
    from made_task import task as made

    return made(clips, classes=("calm", "angry"))


def draw(task: Task, most: int, monkeypatch: pytest.MonkeyPatch, *, seed: int = 0) -> Task:
    ids = {id(clip): str(clip.path) for clip in task.clips}
    monkeypatch.setattr("noss.pipeline._analyse_sample.clip_ids", lambda clips, cache: [ids[id(one)] for one in clips])
    return sampled(task, most=most, seed=seed, cache=Path("none")).task


def test_fewer_clips_are_drawn_evenly_over_speakers_and_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plain_task(10, 10)
    few = draw(whole, 80, monkeypatch)
    counts = {(clip.speaker, clip.labels["mood"]): 0 for clip in whole.clips}
    for clip in few.clips:
        counts[clip.speaker, clip.labels["mood"]] += 1
    assert len(few.clips) == 80 and set(counts.values()) == {4}
    assert "80 of 200 clips" in few.warnings[-1]


def test_a_draw_hangs_on_clips_and_seed_and_a_smaller_one_lies_in_a_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plain_task(7, 5)
    turned = dataclasses.replace(whole, clips=whole.clips[::-1])
    few = {seed: {clip.path for clip in draw(whole, 30, monkeypatch, seed=seed).clips} for seed in (0, 1)}
    assert {clip.path for clip in draw(turned, 30, monkeypatch).clips} == few[0] != few[1]
    assert few[0] < {clip.path for clip in draw(whole, 50, monkeypatch).clips}
    assert draw(whole, 500, monkeypatch) is whole


def test_the_draw_keeps_what_a_split_needs(tmp_path: Path) -> None:
    table = write_table(tmp_path, made_rows(tmp_path))
    whole = open_tasks(f"csv/{table}/mood", roots={}, cache=tmp_path)[0]
    few = sampled(whole, most=14, seed=0, cache=tmp_path).task
    assert len(folds(few).folds) == 5 and len(few.clips) == 14


def test_reports_show_studies_and_escape_their_names(given: dict[str, object], tmp_path: Path) -> None:
    folder = tmp_path / "<b>hum"
    write_noise(folder / "a.wav", 0.1, seed=7)
    analyse("robustness", [TINY], conditions=["noise 0"], noise=str(folder), **given)  # type: ignore[arg-type]
    analyse("context", [TINY], windows=["0.15"], **given)  # type: ignore[arg-type]
    page = report(Path(str(given["out"]))).read_text(encoding="utf-8")
    assert "&lt;b&gt;hum noise 0 dB" in page and "<b>hum noise" not in page
    assert 'id="robustness"' in page and 'id="context"' in page
    text = report(Path(str(given["out"])), style="markdown").read_text(encoding="utf-8")
    assert "&lt;b&gt;hum noise 0 dB" in text and "| window 0.15 s |" in text
    with report(Path(str(given["out"])), style="csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["condition"] for row in rows] == ["", "<b>hum noise 0 dB", "", "window 0.15 s"]


def test_an_analysis_is_published_apart_from_the_suites_and_checked(
    task: str, given: dict[str, object], tmp_path: Path
) -> None:
    results, out = tmp_path / "results", Path(str(given["out"]))
    run(models=["trivial"], **{**given, "out": tmp_path / "run"})  # type: ignore[arg-type]
    publish(tmp_path / "run", results / "small")
    with pytest.raises(DataError, match="no analyses"):
        publish(out, results / "analyses")
    analyse("robustness", ["trivial"], conditions=["gain"], **given)  # type: ignore[arg-type]
    assert publish(out, results / "analyses").paths == [results / "analyses" / "robustness" / "trivial.jsonl"]
    assert publish(out, results / "analyses").num_written == 0
    assert list(read_results(results)) == ["small"] and is_store(results)
    verdicts = {verdict.name: verdict for verdict in check_results(results)}
    assert verdicts["analyses/robustness/trivial.jsonl"].detail == "3 records of 3 tasks"
    path = results / "analyses" / "robustness" / "trivial.jsonl"
    path.write_text("".join(line + "\n" for line in path.read_text().splitlines() if '"condition": ""' not in line))
    verdicts = {verdict.name: verdict for verdict in check_results(results)}
    assert "without the row of clips as they are" in verdicts["analyses/robustness/trivial.jsonl"].detail
