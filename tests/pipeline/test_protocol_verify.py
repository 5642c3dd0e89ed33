"""Trials: published or drawn evenly, scored by cosine; a centre knows nothing of the trial; intervals draw both speakers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_table import TINY, made_rows, write_table
from made_task import clips, embedded, model, task

import noss
from noss import shelf
from noss.errors import DataError
from noss.pipeline import _protocol_verify as verify
from noss.pipeline import _protocol_verify_trials as trials
from noss.pipeline._bootstrap import by_cluster, clusters, intervals, weights
from noss.pipeline._predictions import read_facts, read_predictions
from noss.pipeline._predictions_data import data_of
from noss.pipeline._protocol import Job, run_protocol
from noss.pipeline.score import score_predictions


def speakers_task(*, num: int = 120, num_speakers: int = 12, noise: float = 1.0, dim: int = 6, **columns):
    """A task about who speaks, and embeddings (N, 1, D) around a place for each speaker."""
    made = clips(["calm"] * num, num_speakers=num_speakers, **columns)
    made = [replace(clip, labels={"mood": clip.speaker}) for clip in made]
    generator = np.random.default_rng(0)
    places_JD = generator.standard_normal((num_speakers, dim)) * 2
    x_ND = places_JD[np.arange(num) % num_speakers] + noise * generator.standard_normal((num, dim))
    return task(made, classes=tuple(f"s{n:03d}" for n in range(num_speakers)), speakers="shared"), x_ND[:, None] + 1


def with_gender(given):
    return replace(
        given,
        clips=[replace(clip, facts={"gender": "mf"[int(str(clip.speaker)[1:]) % 2]}) for clip in given.clips],
    )


def verify_paths(given, x_NLD, out: Path, **options) -> list[Path]:
    return run_protocol(given, embedded(given, x_NLD), model=model(), out=out, protocol="verify", **options)


def pairs_of(path: Path) -> list[tuple[int, int]]:
    return [(int(first, 16), int(second, 16)) for first, second in (n.split("+") for n in read_predictions(path).ids)]


def drawn(given, **options) -> trials.Trials:
    return trials.drawn(data_of(given, [f"{row:032x}" for row in range(len(given.clips))]), seed=0, **options)


def test_a_trial_is_scored_by_the_cosine_of_its_clips_and_says_both_speakers(tmp_path: Path):
    given, x_NLD = speakers_task()
    path = verify_paths(given, x_NLD, tmp_path)[0]
    read, x_ND = read_predictions(path), x_NLD[:, 0].astype(np.float32).astype(float)
    for row, (a, b) in list(enumerate(pairs_of(path)))[::17]:
        cosine = x_ND[a] @ x_ND[b] / np.linalg.norm(x_ND[a]) / np.linalg.norm(x_ND[b])
        assert read.scores_NK[row] == pytest.approx([-cosine, cosine])
        assert (read.speakers[row], read.partners[row]) == (given.clips[a].speaker, given.clips[b].speaker)
        assert read.true_N[row] == (given.clips[a].speaker == given.clips[b].speaker)
    assert read.classes == ("different", "same")


def test_the_main_metric_is_the_equal_error_rate_and_metrics_of_a_threshold_are_left_out(tmp_path: Path):
    scores = score_predictions(verify_paths(*speakers_task(), tmp_path)[0], draws=100)
    assert [one.metric for one in scores] == ["eer", "auc", "min_dcf", "min_dcf_05"]
    assert scores[0].probe == "cosine" and scores[0].num_speakers == 12 and scores[0].speakers == "disjoint"
    assert "over 12 speakers" in scores[0].interval and scores[0].low < scores[0].value < scores[0].high


def test_voices_that_are_far_apart_are_never_mistaken_and_noise_is_at_chance(tmp_path: Path):
    given, x_NLD = speakers_task(noise=0.01)
    assert score_predictions(verify_paths(given, x_NLD, tmp_path)[0], draws=50)[0].value == 0.0
    noise_NLD = np.random.default_rng(1).standard_normal((120, 1, 6))
    chance = score_predictions(verify_paths(given, noise_NLD, tmp_path / "noise")[0], draws=50)[0]
    assert chance.value == pytest.approx(0.5, abs=0.05)


def test_drawn_trials_are_even_over_speakers_and_none_comes_twice(monkeypatch):
    monkeypatch.setattr(trials, "NUM_TRIALS", 240)
    given, _ = speakers_task()
    found = drawn(given)
    same = Counter(given.clips[row].speaker for row in found.first_N[found.same_N])
    pairs = {frozenset(pair) for pair in zip(found.first_N.tolist(), found.second_N.tolist(), strict=True)}
    assert set(same.values()) == {20} and len(same) == 12
    assert len(pairs) == len(found.same_N) and all(len(pair) == 2 for pair in pairs)
    other = Counter(given.clips[row].speaker for rows in (found.first_N, found.second_N) for row in rows[~found.same_N])
    assert len(other) == 12 and max(other.values()) < 2 * min(other.values())


def test_a_loud_speaker_with_many_clips_counts_no_more_than_others(monkeypatch):
    monkeypatch.setattr(trials, "NUM_TRIALS", 60)
    given, _ = speakers_task(num=300, num_speakers=3)
    given.clips = [clip for row, clip in enumerate(given.clips) if row % 3 == 0 or row < 30]
    found = drawn(given)
    same = Counter(given.clips[row].speaker for row in found.first_N[found.same_N])
    assert same == {"s000": 20, "s001": 20, "s002": 20}


def test_both_clips_of_one_speaker_are_of_different_sessions():
    given, _ = speakers_task(session=[f"day {row // 12 % 3}" for row in range(120)])
    found = drawn(given)
    sessions = [(given.clips[a].session, given.clips[b].session) for a, b in _pairs(found)]
    assert all(a != b for a, b in sessions) and "sessions apart" in found.how and found.warnings == []


def test_where_sessions_are_not_told_apart_a_line_says_so():
    given, _ = speakers_task(session=["one day"] * 120)
    assert "no sessions are told apart" in drawn(given).warnings[0]
    assert "no sessions are told apart" in drawn(speakers_task()[0]).warnings[0]


def _pairs(found: trials.Trials) -> list[tuple[int, int]]:
    return list(zip(found.first_N[found.same_N].tolist(), found.second_N[found.same_N].tolist(), strict=True))


def test_copies_of_a_clip_are_never_compared():
    given, _ = speakers_task(num=24, num_speakers=4)
    data = data_of(given, [f"{row % 12:032x}" for row in range(24)])
    found = trials.drawn(data, seed=0)
    assert all(data.ids[a] != data.ids[b] for a, b in zip(found.first_N, found.second_N, strict=True))


def test_a_split_that_parts_speakers_keeps_training_speakers_out_of_trials_and_makes_the_centre_of_them(tmp_path: Path):
    given, x_NLD = speakers_task()
    given.clips = [replace(clip, split="test" if row % 12 > 5 else "train") for row, clip in enumerate(given.clips)]
    plain, centred = verify_paths(given, x_NLD, tmp_path)
    tested = {speaker for one in (read_predictions(plain),) for speaker in [*one.speakers, *one.partners]}
    assert tested == {f"s{n:03d}" for n in range(6, 12)}
    x_ND, who_N = x_NLD[:, 0].astype(np.float32).astype(float), np.arange(120) % 12
    centre_D = np.mean([x_ND[who_N == n].mean(axis=0) for n in range(6)], axis=0)
    _check_cosines(centred, x_ND, lambda a, b: centre_D)
    assert read_facts(centred)["num_train"] == 60


def test_without_training_speakers_the_centre_leaves_the_speakers_of_the_trial_out(tmp_path: Path):
    given, x_NLD = speakers_task(num_speakers=5)
    x_ND, who_N = x_NLD[:, 0].astype(np.float32).astype(float), np.arange(120) % 5
    mean_JD = np.stack([x_ND[who_N == n].mean(axis=0) for n in range(5)])

    def centre(a: int, b: int):
        return mean_JD[[n for n in range(5) if n not in (who_N[a], who_N[b])]].mean(axis=0)

    _check_cosines(verify_paths(given, x_NLD, tmp_path)[1], x_ND, centre)


def _check_cosines(path: Path, x_ND, centre) -> None:
    read = read_predictions(path)
    for row, (a, b) in list(enumerate(pairs_of(path)))[::13]:
        first_D, second_D = x_ND[a] - centre(a, b), x_ND[b] - centre(a, b)
        cosine = first_D @ second_D / np.linalg.norm(first_D) / np.linalg.norm(second_D)
        assert read.scores_NK[row, 1] == pytest.approx(cosine)


def test_trials_of_one_gender_are_a_number_of_their_own_where_all_tell_it(tmp_path: Path):
    given, x_NLD = speakers_task()
    assert [read_facts(path)["variant"] for path in verify_paths(given, x_NLD, tmp_path)] == ["", "centred"]
    paths = verify_paths(with_gender(given), x_NLD, tmp_path / "told")
    assert [read_facts(path)["variant"] for path in paths] == ["", "centred", "same-gender"]
    plain, of_one = read_predictions(paths[0]), read_predictions(paths[2])
    assert all(int(a[1:]) % 2 == int(b[1:]) % 2 for a, b in zip(of_one.speakers, of_one.partners, strict=True))
    same = [name for name, is_same in zip(plain.ids, plain.true_N, strict=True) if is_same]
    assert same == [name for name, is_same in zip(of_one.ids, of_one.true_N, strict=True) if is_same]


def test_published_trials_are_used_as_they_are_and_lost_ones_counted(tmp_path: Path):
    given, x_NLD = speakers_task()
    path_of = [clip.path for clip in given.clips]
    listed = [(path_of[0], path_of[12], True), (path_of[0], path_of[1], False), (path_of[2], path_of[25], False)]
    listed += [(path_of[3], Path("/data/clips/gone.wav"), False)]
    given = replace(given, trials=lambda root: iter(listed))
    path = verify_paths(given, x_NLD, tmp_path)[0]
    read = read_predictions(path)
    assert pairs_of(path) == [(0, 12), (0, 1), (2, 25)] and read.true_N.tolist() == [1, 0, 0]
    assert read.facts["splits"].startswith("3 published trials")
    assert "1 of 4 published trials lack a clip here" in read.facts["warnings"]


def test_published_trials_of_one_gender_are_those_of_the_list(tmp_path: Path):
    given, x_NLD = speakers_task()
    path_of = [clip.path for clip in given.clips]
    listed = [(path_of[a], path_of[b], a % 12 == b % 12) for a, b in [(0, 12), (0, 1), (0, 2), (1, 3), (1, 2), (3, 15)]]
    given = replace(with_gender(given), trials=lambda root: iter(listed))
    assert pairs_of(verify_paths(given, x_NLD, tmp_path)[2]) == [(0, 12), (0, 2), (1, 3), (3, 15)]


@pytest.mark.parametrize("change", ["session", "gender", "list"])
def test_what_trials_depend_on_makes_them_anew(tmp_path: Path, change: str):
    given, x_NLD = speakers_task()
    key = read_facts(verify_paths(given, x_NLD, tmp_path)[0])["signature"]
    first, path = given.clips[0], given.clips[12].path
    if change == "list":
        given = replace(given, trials=lambda root: iter([(first.path, path, True), (first.path, first.path, False)]))
    given.clips[0] = replace(first, session="a" if change == "session" else None)
    given.clips[0] = replace(given.clips[0], facts={"gender": "f"} if change == "gender" else {})
    assert read_facts(verify_paths(given, x_NLD, tmp_path)[0])["signature"] != key


@pytest.mark.parametrize(
    ("labels", "speakers", "message"),
    [
        (["calm", "sad"] * 12, 6, "made/mood does not ask who speaks"),
        (["s000"] * 12 + ["s001"] * 12, None, "made/mood does not ask who speaks"),
    ],
)
def test_a_task_that_does_not_ask_who_speaks_is_refused(tmp_path: Path, labels, speakers, message: str):
    given = task(clips(labels, num_speakers=speakers), classes=tuple(sorted(set(labels))))
    with pytest.raises(DataError, match=message):
        verify_paths(given, np.ones((24, 1, 2)), tmp_path)


def test_a_corpus_with_one_clip_a_speaker_is_refused(tmp_path: Path):
    given, x_NLD = speakers_task(num=12)
    with pytest.raises(DataError, match="no speaker has two clips to compare"):
        verify_paths(given, x_NLD, tmp_path)


def test_several_layers_are_refused(tmp_path: Path):
    given, x_NLD = speakers_task()
    with pytest.raises(DataError, match="made has 2 layers, and the protocol verify takes one: add @LAYER"):
        run_protocol(given, embedded(given, x_NLD), model=model(layers=2), out=tmp_path, protocol="verify")


def test_a_silent_vector_has_the_cosine_zero(tmp_path: Path):
    given, x_NLD = speakers_task()
    x_NLD[5] = 0.0
    path = verify_paths(given, x_NLD, tmp_path)[0]
    read = read_predictions(path)
    assert {read.scores_NK[row, 1] for row, pair in enumerate(pairs_of(path)) if 5 in pair} == {0.0}


def test_trials_do_not_depend_on_the_model(tmp_path: Path):
    given, x_NLD = speakers_task()
    first = verify_paths(given, x_NLD, tmp_path)[0]
    other = run_protocol(given, embedded(given, -(x_NLD**2)), model=model("b"), out=tmp_path, protocol="verify")[0]
    assert read_predictions(first).ids == read_predictions(other).ids


def test_a_trial_counts_as_often_as_the_product_of_its_speakers_and_one_of_a_single_speaker_as_often_as_he():
    cluster_N2, unit = clusters(["a", "a", "b", "c"], ["a", "b", "c", "c"])
    assert unit == "speakers" and cluster_N2.tolist() == [[0, 0], [0, 1], [1, 2], [2, 2]]
    counts_RJ = np.array([[2, 3, 1], [0, 2, 1], [1, 1, 1]], dtype=np.float32)
    assert by_cluster(counts_RJ, cluster_N2).tolist() == [[2, 6, 3, 1], [0, 0, 2, 1], [1, 1, 1, 1]]
    drawn_RN = np.concatenate(list(weights(cluster_N2, draws=50, seed=0)))
    of_b_R = 3 - drawn_RN[:, 0] - drawn_RN[:, 3]
    assert (drawn_RN[:, 1] == drawn_RN[:, 0] * of_b_R).all() and (drawn_RN[:, 2] == of_b_R * drawn_RN[:, 3]).all()


EER = shelf.load("metrics", "eer")


def simulated(generator, *, num_speakers: int, per_speaker: int = 10):
    """Trials of speakers who are more or less alike themselves and others: truth (N,), scores (N, 2), speakers (N, 2)."""
    steady_J, common_J = (scale * generator.standard_normal(num_speakers) for scale in (0.8, 0.5))
    first_N = np.repeat(np.arange(num_speakers), per_speaker)
    other_N = (first_N + generator.integers(1, num_speakers, len(first_N))) % num_speakers
    same_N = 3 + steady_J[first_N] + generator.standard_normal(len(first_N))
    different_N = common_J[first_N] + common_J[other_N] + generator.standard_normal(len(first_N))
    score_N = np.concatenate([same_N, different_N])
    pair_N2 = np.stack([np.tile(first_N, 2), np.concatenate([first_N, other_N])], axis=1)
    return np.repeat([1, 0], len(first_N)), np.stack([-score_N, score_N], axis=1), pair_N2


def coverage(how, *, num_speakers: int, replications: int, draws: int = 300) -> float:
    """How often an interval holds the rate of 4,000 speakers, where `how` makes clusters of the speakers (N, 2)."""
    truth = EER.score(*simulated(np.random.default_rng(9), num_speakers=4000)[:2])
    generator, held = np.random.default_rng(0), 0
    for seed in range(replications):
        true_N, scores_N2, pair_N2 = simulated(generator, num_speakers=num_speakers)
        found = intervals([EER], true_N, scores_N2, cluster_N=how(pair_N2), unit="speakers", draws=draws, seed=seed)[0]
        held += found.low <= truth <= found.high
    return held / replications


@pytest.mark.parametrize(
    "num_speakers",
    [
        pytest.param(15, marks=pytest.mark.slow),
        pytest.param(30, marks=pytest.mark.slow),
        pytest.param(100, marks=pytest.mark.long),
    ],
)
def test_intervals_over_both_speakers_hold_the_truth_95_times_in_100(num_speakers: int):
    assert 0.92 <= coverage(lambda pair_N2: pair_N2, num_speakers=num_speakers, replications=400) <= 0.99


@pytest.mark.slow
def test_intervals_over_trials_are_far_too_narrow_and_over_the_first_speaker_too_narrow():
    assert coverage(lambda pair_N2: np.arange(len(pair_N2)), num_speakers=30, replications=200) < 0.85
    assert coverage(lambda pair_N2: pair_N2[:, 0], num_speakers=30, replications=400) < 0.92


def test_a_run_shows_trials_without_pages_of_single_clips(tmp_path: Path):
    rows = made_rows(tmp_path, num_speakers=4, takes=2)
    table = write_table(tmp_path, [{**row, "label": row["speaker"]} for row in rows])
    given = {"tasks": [f"csv/{table}/label"], "models": [TINY], "protocols": ["verify", "few"], "workers": 0}
    run = noss.run(**given, out=tmp_path / "run", cache=tmp_path / "cache", draws=50)
    assert not run.failures
    assert [one.variant for one in run.scores if one.main and one.protocol == "verify"] == ["", "centred"]
    assert "(verify)" in run.page.read_text(encoding="utf-8")
    assert "No map" not in run.page.read_text(encoding="utf-8")


def test_predictions_in_order_of_the_numbers_promised():
    given, x_NLD = speakers_task()
    made_of = embedded(with_gender(given), x_NLD)
    job = Job(data=data_of(with_gender(given), made_of.ids), embedded=made_of, model=model())
    assert [one.name for one in verify.variants(job)] == ["", "centred", "same-gender"]
    assert ["no centre" in one.facts["splits"] for one in verify.predict(job)] == [True, False, True]
