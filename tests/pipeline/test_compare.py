"""`noss compare` on runs: what it says of models, suites, groups and seeds, and of input that cannot be compared."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from made_comparison import speech, write_model

from noss import cli
from noss.errors import DataError
from noss.pipeline._ties import gaps
from noss.pipeline.compare import compare
from noss.pipeline.score import read_scores, score

TASKS = ("made/mood", "made/mind", "other/mood")
QUICK = {"permutations": 500, "draws": 100}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Three models and a control on three tasks, two on one corpus; `best` is far ahead, `good` and `fair` are alike."""
    folder = tmp_path / "run"
    for place, task in enumerate(TASKS):
        speaker_N, true_N, scores = speech(np.random.default_rng(place), num_models=4, num_speakers=24, own=0.2)
        scores[0][np.arange(len(true_N)), true_N] += 2
        for model, scores_NK in zip(("best", "good", "fair", "control"), scores, strict=True):
            write_model(folder, model, speaker_N, true_N, scores_NK, task=task, ranked=model != "control")
    return folder


def status(*words: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["compare", *map(str, words)])
    captured = capsys.readouterr()
    return int(exit_.value.code or 0), captured.err if exit_.value.code else captured.out


def test_all_ranked_models_of_a_run_are_compared_on_every_task(run: Path) -> None:
    found = compare([run], **QUICK)
    assert sorted(one.name for one in found.contests) == sorted(TASKS)
    for one in found.contests:
        assert {standing.name for standing in one.standings} == {"best", "good", "fair"}
        assert one.standings[0].name == "best" and one.standings[0].letters == "a" and len(one.pairs) == 3
        assert set(one.standings[1].letters) == set(one.standings[2].letters) == {"b"}
        assert (one.standings[0].best_rank, one.standings[0].worst_rank) == (1, 1)
    assert found.notes == []


def test_a_control_takes_part_when_it_is_named(run: Path) -> None:
    found = compare([run, "best", "control"], **QUICK)
    assert {standing.name for standing in found.contests[0].standings} == {"best", "control"}


def test_values_are_those_of_the_records(run: Path) -> None:
    score(run, metrics=["uar"], draws=50)
    values = {(one.model, one.task): one.value for one in read_scores(run / "scores.jsonl") if one.main}
    for one in compare([run], **QUICK).contests:
        assert all(standing.value == pytest.approx(values[standing.name, one.name]) for standing in one.standings)


def test_two_models_are_corrected_over_the_tasks(run: Path) -> None:
    pairs = [one.pairs[0] for one in compare([run, "good", "fair"], **QUICK).contests]
    first = min(pairs, key=lambda pair: pair.p)
    assert first.p_corrected == pytest.approx(min(1, 3 * first.p))


def test_a_suite_has_means_ranks_and_the_letters_of_its_own_test(run: Path) -> None:
    suite = compare([run], **QUICK).suite
    assert suite is not None and len(suite.contests) == 3
    best = suite.skill.standings[0]
    assert best.name == "best" and best.letters == "a" and best.low < best.value < best.high
    assert {rank.name: rank.value for rank in suite.ranks}["best"] == 1.0
    assert suite.skill.num_clusters == 48


def test_a_suite_is_of_one_protocol(run: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0), num_speakers=24)
    for model, scores_NK in zip(("best", "good"), scores, strict=True):
        write_model(run / "few", model, speaker_N, true_N, scores_NK, protocol="few", variant="k=5")
    found = compare([run, run / "few"], **QUICK)
    assert "made/mood (few, k=5)" in {one.name for one in found.contests}
    assert found.suite is not None and sorted(found.suite.contests) == sorted(TASKS)
    assert found.notes == ["the suite is of clean alone: scores of several protocols do not add up"]


def test_one_task_is_no_suite(run: Path) -> None:
    found = compare([run], tasks=["other"], **QUICK)
    assert found.suite is None and [one.name for one in found.contests] == ["other/mood"] and found.notes == []


def test_families_are_those_that_datasets_declare(tmp_path: Path) -> None:
    for place, task in enumerate(("ravdess/emotion", "fsdd/speaker", "mine/mood")):
        speaker_N, true_N, scores = speech(np.random.default_rng(place))
        for model, scores_NK in zip(("x", "y"), scores, strict=True):
            write_model(tmp_path, model, speaker_N, true_N, scores_NK, task=task)
    suite = compare([tmp_path], **QUICK).suite
    assert suite is not None
    assert suite.members == {"speaker": ["fsdd/speaker"], "ungrouped": ["mine/mood"], "emotion": ["ravdess/emotion"]}


def test_different_clips_are_compared_on_the_common_ones_and_it_is_said(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    write_model(tmp_path, "x", speaker_N, true_N, scores[0], rows=np.arange(0, 500))
    write_model(tmp_path, "y", speaker_N, true_N, scores[1], rows=np.arange(600)[::-1][:500])
    found = compare([tmp_path], **QUICK)
    assert found.contests[0].num_clips == 400
    assert found.notes == ["made/mood: compared on the 400 clips that all have, of 500"]
    rows = np.arange(100, 500)
    right = {name: np.mean(scores[m][rows].argmax(1) == true_N[rows]) for m, name in enumerate("xy")}
    assert {one.name: one.value for one in found.contests[0].standings} == pytest.approx(right)


def test_runs_in_several_seeds_are_one_model_with_the_noise_of_its_seeds(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    speaker_N, true_N, scores = speech(generator)
    shares = []
    for seed in range(4):
        noisy = [s + generator.normal(0, 1, s.shape) for s in scores]
        for model, scores_NK in zip(("x", "y"), noisy, strict=True):
            write_model(tmp_path / f"seed{seed}", model, speaker_N, true_N, scores_NK, seed=seed)
        shares.append(np.mean(noisy[0].argmax(1) == true_N))
    found = compare(sorted(tmp_path.iterdir()), **QUICK)
    noise = {row.name: row for row in found.seeds}
    assert noise["x"].num_seeds == 4 and noise["x"].sd == pytest.approx(np.std(shares, ddof=1))
    assert noise["x"].share == pytest.approx(noise["x"].sd ** 2 / (noise["x"].sd ** 2 + noise["x"].error ** 2))
    assert found.contests[0].standing("x").value == pytest.approx(np.mean(shares))  # type: ignore[union-attr]
    assert found.contests[0].pairs[0].seed_sd is not None and found.contests[0].num_seeds == 4


def test_a_model_alone_in_several_seeds_still_shows_their_noise(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    for seed in range(2):
        write_model(tmp_path / f"seed{seed}", "x", speaker_N, true_N, scores[seed], seed=seed)
    assert [row.num_seeds for row in compare(sorted(tmp_path.iterdir()), **QUICK).seeds] == [2]


def test_a_model_that_changed_between_runs_is_two(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    for run in ("before", "after"):
        write_model(tmp_path / run, "x", speaker_N, true_N, scores[run == "after"], model_revision=run)
    names = {one.name for one in compare([tmp_path / "before", tmp_path / "after"], **QUICK).contests[0].standings}
    assert names == {"x (before)", "x (after)"}


def test_predictions_files_are_compared_as_well_as_folders(run: Path) -> None:
    files = [next((run / "predictions").glob(f"{model}--other*")) for model in ("good", "fair")]
    assert [one.name for one in compare(files, **QUICK).contests] == ["other/mood"]


def write_table(folder: Path) -> Path:
    """A table of 600 clips of 30 speakers with a gender."""
    path = folder / "calls.csv"
    (folder / "0000.wav").touch()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "speaker", "mood", "gender"])
        for row in range(600):
            speaker = row // 20
            writer.writerow([f"{row:04d}.wav", f"s{speaker}", "calm", "f" if speaker < 27 else 'x, "y" <b>'])
    return path


def test_sub_groups_are_scored_by_columns_of_the_corpus(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    path = write_table(tmp_path)
    for model, scores_NK in zip(("x", "y"), scores, strict=True):
        write_model(tmp_path / "run", model, speaker_N, true_N, scores_NK, task="mine/mood", root=str(tmp_path))
    request = {"request": {"tasks": [f"mine=csv/{path}/mood"]}}
    (tmp_path / "run" / "run.json").write_text(json.dumps(request), encoding="utf-8")
    found = compare([tmp_path / "run"], by=["gender", "size"], out=tmp_path / "out", **QUICK)
    groups = {(one.group, one.name): one for one in found.groups}
    women = groups["f", "x"]
    assert women.value == pytest.approx(np.mean(scores[0][:540].argmax(1) == true_N[:540]))
    assert women.num_speakers == 27 and women.low is not None and women.low < women.value
    few = groups['x, "y" <b>', "y"]
    assert few.low is None and few.note == "too small for an interval: 3 speakers"
    assert found.notes == ["mine/mood: no sub-groups by size: no such column, there are gender, mood, speaker"]
    assert "<b>" not in (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")


def test_single_speakers_are_groups_too(run: Path) -> None:
    found = compare([run], tasks=["other/mood"], by=["speaker"], **QUICK)
    assert len(found.groups) == 24 * 3 and all(one.num_speakers == 1 for one in found.groups)


def test_the_result_is_written_as_json_and_markdown(run: Path, tmp_path: Path) -> None:
    found = compare([run], out=tmp_path / "out", **QUICK)
    written = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert written["contests"][0]["pairs"][0]["p"] == found.contests[0].pairs[0].p
    assert written["suite"]["skill"]["standings"][0]["name"] == "best"
    page = (tmp_path / "out" / "comparison.md").read_text(encoding="utf-8")
    assert "| best | " in page and "Suite of 3 tasks" in page


def test_the_same_command_gives_the_same_numbers(run: Path) -> None:
    assert compare([run], **QUICK) == compare([run], **QUICK)


def test_the_leaderboard_ties_those_whom_compare_does_not_tell_apart(run: Path) -> None:
    score(run, metrics=["uar"], draws=50)
    scores = [one for one in read_scores(run / "scores.jsonl") if one.main and one.ranked]
    found, result = gaps(run, scores, draws=100), {one.name: one for one in compare([run], draws=100).contests}
    for one in scores:
        letters = {standing.name: set(standing.letters) for standing in result[one.task].standings}
        if one.model != "best":
            assert found[one.predictions].tied == bool(letters["best"] & letters[one.model])


def test_speakers_unknown_and_one_speaker_are_said(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0), num_speakers=5)
    for model, scores_NK in zip(("x", "y"), scores, strict=True):
        write_model(tmp_path, model, None, true_N, scores_NK, task="unknown/mood")
        write_model(tmp_path, model, 0 * speaker_N, true_N, scores_NK, task="alone/mood")
    notes = compare([tmp_path], **QUICK).notes
    assert any(line.startswith("alone/mood: one speaker only: clips are drawn") for line in notes)
    assert any(line.startswith("unknown/mood: speakers are unknown: clips are drawn") for line in notes)


def test_equal_scores_and_absent_classes_are_said(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    for model in ("x", "y"):
        write_model(tmp_path, model, speaker_N, 0 * true_N, scores[0], classes=["calm", 'a,"<b>'])
    found = compare([tmp_path], **QUICK)
    assert 'made/mood: 1 of 2 classes have no test clip (a,"<b>)' in found.notes
    assert "made/mood: all scores are equal: there is nothing to tell apart" in found.notes
    assert found.contests[0].pairs[0].p == 1 and found.contests[0].pairs[0].speakers_needed is None


def test_predictions_of_another_version_are_said(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    write_model(tmp_path, "x", speaker_N, true_N, scores[0])
    write_model(tmp_path, "y", speaker_N, true_N, scores[1], noss_version="0.0.9")
    assert "1 predictions are of noss 0.0.9" in compare([tmp_path], **QUICK).notes[0]


def test_a_broken_file_is_said_and_the_rest_compared(run: Path) -> None:
    path = next((run / "predictions").glob("fair--other*"))
    path.write_bytes(b"PAR1 not really")
    found = compare([run], **QUICK)
    assert "holds no predictions" in found.notes[0]
    assert {one.name: len(one.standings) for one in found.contests} == {"made/mood": 3, "made/mind": 3, "other/mood": 2}


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"metric": "uar"}, "metric differs between files"),
        ({"classes": ["angry", "calm"]}, "classes differs between files"),
    ],
)
def test_what_was_scored_in_another_way_is_refused(tmp_path: Path, facts: dict, line: str) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    write_model(tmp_path, "x", speaker_N, true_N, scores[0])
    write_model(tmp_path, "y", speaker_N, true_N, scores[1], **facts)
    with pytest.raises(DataError, match=line):
        compare([tmp_path], **QUICK)


def test_other_labels_of_the_same_clips_are_refused(tmp_path: Path) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    write_model(tmp_path, "x", speaker_N, true_N, scores[0])
    write_model(tmp_path, "y", speaker_N, np.where(np.arange(len(true_N)) < 3, 1 - true_N, true_N), scores[1])
    with pytest.raises(DataError, match="3 clips have another label for x and y"):
        compare([tmp_path], **QUICK)


def test_nothing_to_compare_is_one_line_and_status_2(run: Path, tmp_path: Path, capsys) -> None:
    lines = [
        status(tmp_path / "nowhere", capsys=capsys),
        status(run, "godo", capsys=capsys),
        status(run, "good", capsys=capsys),
        status(run, "--tasks", "other/moot", capsys=capsys),
        status(run, "--permutations", "0", capsys=capsys),
    ]
    assert all(code == 2 and text.count("\n") == 1 for code, text in lines)
    hints = [
        "give folders that noss run wrote",
        "did you mean good",
        "was scored with good only",
        "did you mean other/mood",
        "at least one",
    ]
    assert all(hint in text for hint, (_, text) in zip(hints, lines, strict=True))


def test_disjoint_clips_and_scores_that_are_not_numbers_are_one_line_and_status_2(tmp_path: Path, capsys) -> None:
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    write_model(tmp_path / "a", "x", speaker_N, true_N, scores[0], rows=np.arange(300))
    write_model(tmp_path / "a", "y", speaker_N, true_N, scores[1], rows=np.arange(300, 600))
    write_model(tmp_path / "b", "x", speaker_N, true_N, scores[0])
    write_model(tmp_path / "b", "y", speaker_N, true_N, np.where(scores[1] > 3, np.nan, scores[1]))
    code, text = status(tmp_path / "a", capsys=capsys)
    assert code == 2 and "no clip is common to x, y" in text
    code, text = status(tmp_path / "b", capsys=capsys)
    assert code == 2 and "y cannot be measured on the common clips: labels or scores hold NaN" in text


def test_the_terminal_shows_letters_pairs_and_the_suite(run: Path, capsys) -> None:
    code, text = status(run, "--draws", "100", "--permutations", "500", capsys=capsys)
    assert code == 0
    for words in (
        "Suite of 3 tasks",
        "The two best of each task",
        "speakers to separate",
        "apart",
        "Westfall and Young over the pairs",
    ):
        assert words in text
