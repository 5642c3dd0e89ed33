"""The statistics behind `noss compare` say what they claim: by hand where that is possible, by simulation elsewhere."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from made_comparison import aligned, speech

from noss.pipeline._compare_contest import couples, decide, measured, pair_tests
from noss.pipeline._compare_many import benjamini_hochberg, corrected, holm, letters, open_ranks
from noss.pipeline._compare_power import degrees, speakers_needed, standard_error
from noss.pipeline._compare_signs import swap
from noss.pipeline._compare_suite import _mean_skill, chance_of
from noss.pipeline._compare_units import score_corpus

LINEAR, OTHERS = ["accuracy", "uar", "log_loss"], ["auc", "eer", "macro_f1", "dprime"]


def scored(*contests, draws: int = 1):
    return score_corpus(contests, draws=draws, seed=0)[0]


def p_value(contest, *, permutations: int = 400, seed: int = 0) -> float:
    return float(pair_tests(measured(scored(contest)[0]), permutations=permutations, seed=seed).p_C[0])


def apart(num: int, *pairs: tuple[int, int]):
    found = np.zeros((num, num), dtype=bool)
    for i, j in pairs:
        found[i, j] = found[j, i] = True
    return found


def test_few_speakers_are_swapped_in_every_way_and_the_p_value_is_exact():
    parts_U = np.array([3.0, 1.0, -0.5, 2.0])
    sums = [abs(np.dot(signs, parts_U)) for signs in product((1, -1), repeat=4)]
    found = swap(parts_U[:, None])
    assert found.exact and found.num_ways == 8 and found.least == 1 / 8
    assert found.p_C[0] == np.mean(np.array(sums) >= 5.5)


def test_a_sample_of_ways_is_near_the_exact_value_and_never_zero():
    parts_UC = np.random.default_rng(0).normal(0.4, 1, (12, 1))
    exact, sample = swap(parts_UC), swap(parts_UC, permutations=2000)
    assert exact.exact and not sample.exact
    assert sample.p_C[0] == pytest.approx(exact.p_C[0], abs=0.03)
    assert swap(np.ones((60, 1)), permutations=100).p_C[0] == 1 / 101


def test_no_difference_has_a_p_value_of_one():
    assert swap(np.zeros((5, 2))).p_C.tolist() == [1, 1]
    assert swap(np.ones((1, 1))).p_C.tolist() == [1]


def test_swapping_agrees_with_swapping_answers_one_by_one():
    """Accuracy and uar on answers that are really exchanged, for every way of exchanging six speakers."""
    speaker_N, true_N, scores = speech(np.random.default_rng(3), num_speakers=6, num_clips=8, lead=1.0)
    for name in ("accuracy", "uar"):
        contest = aligned(speaker_N, true_N, scores, metric=name)
        score = contest.entrants["a"][0].measure.score
        seen = abs(score(true_N, scores[0]) - score(true_N, scores[1])) - 1e-9
        reached = []
        for turned_J in product((False, True), repeat=6):
            turned_N1 = np.array(turned_J)[speaker_N, None]
            a, b = np.where(turned_N1, scores[1], scores[0]), np.where(turned_N1, scores[0], scores[1])
            reached.append(abs(score(true_N, a) - score(true_N, b)) >= seen)
        assert p_value(contest) == np.mean(reached)


@pytest.mark.parametrize("metric", LINEAR + OTHERS)
def test_what_units_add_sums_to_the_score(metric: str):
    generator = np.random.default_rng(0)
    speaker_N, true_N, scores = speech(generator, num_speakers=12)
    scores = [np.exp(s) / np.exp(s).sum(1, keepdims=True) for s in scores]
    found = scored(aligned(speaker_N, true_N, scores, metric=metric))[0]
    np.testing.assert_allclose(found.parts_UE.sum(0), found.value_E, rtol=1e-9)


def test_a_speaker_that_is_not_in_a_task_of_the_corpus_adds_nothing_to_it():
    speaker_N, true_N, scores = speech(np.random.default_rng(0), num_speakers=10)
    some = speaker_N < 6
    part = aligned(speaker_N[some], true_N[some], [s[some] for s in scores], metric="auc", name="part")
    whole, found = scored(aligned(speaker_N, true_N, scores, metric="auc"), part)
    assert whole.present_U.sum() == 10 and found.present_U.sum() == 6
    assert not found.parts_UE[~found.present_U].any() and found.num_clusters == 6


def test_a_class_that_hangs_on_one_speaker_is_said():
    speaker_N, true_N = np.repeat(np.arange(4), 5), np.repeat([1, 0, 0, 0], 5)
    scores = [np.random.default_rng(m).random((20, 2)) for m in range(2)]
    found, failed = score_corpus([aligned(speaker_N, true_N, scores, metric="auc")], draws=1, seed=0)
    assert found == [] and "without one of its speakers nothing is left to measure" in failed[0]


def test_holm_and_benjamini_hochberg_by_hand():
    p_C = np.array([0.01, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p_C), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(benjamini_hochberg(p_C), [0.02, 0.04, 0.04, 0.02])


def test_joint_correction_lies_between_none_and_holm():
    found = swap(np.random.default_rng(0).normal(0.3, 1, (20, 1)) + np.random.default_rng(1).normal(0, 0.3, (20, 6)))
    assert (found.joint_C >= found.p_C).all() and (found.joint_C <= holm(found.p_C) + 0.01).all()
    assert found.joint_C.max() < holm(found.p_C).max()


def test_six_speakers_can_be_enough_for_many_pairs_together_though_not_one_by_one():
    parts_UE = np.arange(5) + np.random.default_rng(0).normal(0, 0.01, (6, 5))
    pairs = np.triu_indices(5, 1)
    found = swap(parts_UE[:, pairs[0]] - parts_UE[:, pairs[1]])
    assert corrected(found, "holm").min() > 0.05 > corrected(found, "max").max() == 1 / 32


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], ["a", "a", "a", "a"]),
        ([(0, 3)], ["a", "ab", "ab", "b"]),
        ([(0, 2), (0, 3), (1, 3)], ["a", "ab", "bc", "c"]),
        ([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], ["a", "b", "c", "d"]),
        ([(0, 1)], ["a", "b", "ab", "ab"]),
    ],
)
def test_letters_are_shared_by_those_that_are_not_apart(pairs, expected):
    assert letters(apart(4, *pairs)) == expected


def test_letters_say_neither_more_nor_less_than_the_pairs():
    generator = np.random.default_rng(0)
    for _ in range(50):
        found = np.triu(generator.random((8, 8)) < 0.4, 1)
        found |= found.T
        named = letters(found)
        for i, j in product(range(8), repeat=2):
            assert i == j or found[i, j] == (not set(named[i]) & set(named[j]))


def test_ranks_stay_open_where_the_tests_leave_them():
    value_E = np.array([0.9, 0.8, 0.5])
    assert open_ranks(apart(3, (0, 2)), value_E) == [(1, 2), (1, 3), (2, 3)]
    assert open_ranks(apart(3), value_E) == [(1, 3)] * 3


def test_speakers_needed_is_the_size_of_a_paired_t_test():
    """Sizes from tables of the paired t-test, two-sided 5 %, power 80 %: 34 for half a deviation, 15 for 0.8, 199 for 0.2."""
    for effect, num in ((0.5, 34), (0.8, 15), (0.2, 199)):
        assert speakers_needed(effect, error=1 / np.sqrt(50), num_speakers=50) == pytest.approx(num, abs=1)
    assert speakers_needed(0.0, error=0.1, num_speakers=50) is None
    assert speakers_needed(0.1, error=0.0, num_speakers=50) is None


def test_standard_error_of_a_mean_is_that_of_the_textbook_and_corpora_add_up():
    values = np.random.default_rng(0).normal(size=30)
    left_out_U = (values.sum() - values) / 29
    one_U = np.zeros(30, dtype=np.int64)
    error = standard_error(left_out_U, stratum_U=one_U)
    assert error == pytest.approx(values.std(ddof=1) / np.sqrt(30))
    assert degrees(left_out_U, stratum_U=one_U) == pytest.approx(29)
    twice_U = np.concatenate([left_out_U, left_out_U + 5])
    assert standard_error(twice_U, stratum_U=np.repeat([0, 1], 30)) == pytest.approx(error * np.sqrt(2))
    assert degrees(twice_U, stratum_U=np.repeat([0, 1], 30)) == pytest.approx(58)


def test_skill_is_zero_for_a_constant_answer_and_one_for_a_perfect_one():
    speaker_N, true_N, _ = speech(np.random.default_rng(0), num_speakers=8)
    scores = [np.eye(2)[true_N], np.eye(2)[np.zeros_like(true_N)]]
    for metric in ("accuracy", "uar", "log_loss", "macro_f1"):
        contest = aligned(speaker_N, true_N, scores, metric=metric)
        found = _mean_skill(scored(contest), ["a", "b"])
        assert found.value_E[0] == pytest.approx(1)
        assert found.value_E[1] <= 1e-9
    shares = np.bincount(true_N) / len(true_N)
    constant = aligned(speaker_N, true_N, [np.tile(shares, (len(true_N), 1))] * 2, metric="log_loss")
    assert _mean_skill(scored(constant), ["a", "b"]).value_E == pytest.approx([0, 0])


def test_skill_turns_errors_and_leaves_the_order_of_a_task():
    speaker_N, true_N, scores = speech(np.random.default_rng(0), num_models=4, num_speakers=12)
    found = scored(aligned(speaker_N, true_N, scores, metric="eer"))
    order = np.argsort(found[0].value_E)
    assert (np.argsort(-_mean_skill(found, list("abcd")).value_E) == order).all()


def test_a_metric_without_chance_has_no_skill():
    speaker_N, true_N, scores = speech(np.random.default_rng(0))
    scores = [np.exp(s) / np.exp(s).sum(1, keepdims=True) for s in scores]
    assert chance_of(scored(aligned(speaker_N, true_N, scores, metric="ece"))[0]) is None


def test_tasks_of_one_corpus_are_drawn_with_the_same_speakers():
    speaker_N, true_N, scores = speech(np.random.default_rng(0), num_speakers=10)
    one, other = scored(
        aligned(speaker_N, true_N, scores, name="x"), aligned(speaker_N, true_N, scores, name="y"), draws=50
    )
    np.testing.assert_array_equal(one.drawn_RE, other.drawn_RE)


def test_the_test_and_its_interval_do_not_depend_on_who_is_called_a():
    speaker_N, true_N, scores = speech(np.random.default_rng(1), num_speakers=9)
    found = []
    for models in (scores, scores[::-1]):
        its = measured(scored(aligned(speaker_N, true_N, models, metric="auc"), draws=200)[0])
        swapped = pair_tests(its, permutations=1000, seed=0)
        pair = decide(its, swapped, swapped.p_C).pairs[0]
        found.append((pair.difference, pair.low, pair.high, pair.p))
    assert found[0] == pytest.approx(found[1])


def _false_alarms(replications: int, *, metric: str, over_clips: bool = False, num_speakers: int = 30) -> float:
    """How often two models that are equally good are told apart."""
    generator, hits = np.random.default_rng(1), 0
    for seed in range(replications):
        speaker_N, true_N, scores = speech(generator, num_speakers=num_speakers)
        speakers = [None] * len(speaker_N) if over_clips else speaker_N
        hits += p_value(aligned(speakers, true_N, scores, metric=metric), seed=seed) <= 0.05
    return hits / replications


def test_equal_models_are_told_apart_five_times_in_a_hundred_by_speaker_and_far_more_often_by_clip():
    assert _false_alarms(300, metric="accuracy") <= 0.09
    assert _false_alarms(100, metric="accuracy", over_clips=True) > 0.2


@pytest.mark.long
@pytest.mark.parametrize("metric", ["accuracy", "uar", "auc", "eer", "macro_f1"])
def test_false_alarms_are_near_five_in_a_hundred_whatever_the_metric(metric: str):
    """2,000 replications: the standard error of a rate of 5 % is half a point."""
    assert 0.035 <= _false_alarms(2000, metric=metric) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "auc"])
def test_few_speakers_do_not_make_more_false_alarms(metric: str):
    assert _false_alarms(1500, metric=metric, num_speakers=8) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "auc"])
def test_a_test_over_clips_fails_on_the_same_data(metric: str):
    assert _false_alarms(300, metric=metric, over_clips=True) > 0.25


def _false_alarms_on_trials(replications: int, *, num_speakers: int, over_trials: bool = False) -> float:
    """How often two equally good models of who speaks are told apart: each has speakers that it knows badly."""
    generator, hits, num = np.random.default_rng(0), 0, 10 * num_speakers
    first_n = np.repeat(np.arange(num_speakers), 10)
    for seed in range(replications):
        other_n = (first_n + generator.integers(1, num_speakers, num)) % num_speakers
        scores = []
        for _ in range(2):
            steady_J, common_J = (scale * generator.standard_normal(num_speakers) for scale in (0.8, 0.5))
            alike_N = np.concatenate([2 + steady_J[first_n], common_J[first_n] + common_J[other_n]])
            alike_N += generator.standard_normal(2 * num)
            scores.append(np.stack([-alike_N, alike_N], axis=1))
        one_N, other_N = [*first_n, *first_n], [*first_n, *other_n]
        nobody = [None] * len(one_N)
        contest = aligned(
            nobody if over_trials else one_N, np.repeat([1, 0], num), scores, metric="eer",
            partners=nobody if over_trials else [f"s{speaker}" for speaker in other_N],
        )  # fmt: skip
        hits += p_value(contest, seed=seed) <= 0.05
    return hits / replications


@pytest.mark.slow
@pytest.mark.parametrize("num_speakers", [10, 30])
def test_equal_models_of_who_speaks_are_told_apart_at_most_five_times_in_a_hundred(num_speakers: int):
    assert _false_alarms_on_trials(500, num_speakers=num_speakers) <= 0.07


def test_a_test_over_trials_fails_on_the_same_speakers():
    assert _false_alarms_on_trials(60, num_speakers=30, over_trials=True) > 0.12


@pytest.mark.slow
def test_corrections_keep_the_chance_of_any_false_difference_among_five_equal_models():
    generator, replications = np.random.default_rng(2), 2000
    hits = dict.fromkeys(("none", "holm", "bh", "max"), 0)
    for seed in range(replications):
        found = measured(scored(aligned(*speech(generator, num_models=5)))[0])
        swapped = pair_tests(found, permutations=600, seed=seed)
        for correction in hits:
            hits[correction] += bool((corrected(swapped, correction) < 0.05).any())
    rates = {correction: count / replications for correction, count in hits.items()}
    assert rates["none"] > 0.2
    assert max(rates["holm"], rates["bh"], rates["max"]) <= 0.065


@pytest.mark.slow
@pytest.mark.parametrize("num_speakers", [6, 30])
def test_corrections_keep_it_too_where_one_of_five_models_is_truly_ahead(num_speakers: int):
    """Only pairs of the other four can be false; six speakers leave Holm nothing to find, and the joint correction something."""
    generator, replications, false, true = np.random.default_rng(2), 800, {"holm": 0, "max": 0}, {"holm": 0, "max": 0}
    for seed in range(replications):
        found = measured(scored(aligned(*speech(generator, num_models=5, num_speakers=num_speakers, lead=2.0)))[0])
        equal_C = np.all([side_C != 0 for side_C in couples(found)], axis=0)
        swapped = pair_tests(found, permutations=600, seed=seed)
        for correction in ("holm", "max"):
            apart_C = corrected(swapped, correction) < 0.05
            false[correction] += bool(apart_C[equal_C].any())
            true[correction] += bool(apart_C[~equal_C].any())
    assert max(false.values()) / replications <= 0.07
    assert true["max"] / replications > (0.1 if num_speakers == 6 else 0.95)
    assert num_speakers != 6 or true["holm"] == 0


def _suite_task(generator, own_JM, place: int, *, corpus: str):
    speaker_N = np.repeat(np.arange(len(own_JM)), 20)
    true_N = generator.integers(2, size=len(speaker_N))
    right_NM = (0.5 + own_JM)[speaker_N] + generator.logistic(size=(len(speaker_N), 2)) > 0
    scores = [np.eye(2)[np.where(right_N, true_N, 1 - true_N)] for right_N in right_NM.T]
    return aligned(speaker_N, true_N, scores, metric="uar", name=f"task {place}", corpus=corpus)


@pytest.mark.long
def test_a_suite_on_one_corpus_knows_that_its_tasks_share_speakers():
    """Four tasks, and each model understands a speaker alike in all: taken as four corpora they look like four times the evidence."""
    generator, replications = np.random.default_rng(3), 600
    joint = alone = held = 0
    for seed in range(replications):
        own_JM = generator.standard_normal((20, 2))
        tasks = [_suite_task(generator, own_JM, place, corpus="one") for place in range(4)]
        found = _mean_skill(scored(*tasks, draws=200), ["a", "b"])
        swapped = pair_tests(found, permutations=400, seed=seed)
        pair = decide(found, swapped, swapped.p_C).pairs[0]
        joint += pair.p <= 0.05
        held += pair.low <= 0 <= pair.high
        apart = [scored(_suite_task(generator, own_JM, place, corpus=f"{place}"))[0] for place in range(4)]
        alone += pair_tests(_mean_skill(apart, ["a", "b"]), permutations=400, seed=seed).p_C[0] <= 0.05
    assert joint / replications <= 0.07
    assert 0.91 <= held / replications <= 0.98
    assert alone / replications > 0.2


def _pilot(generator, *, num_speakers: int, lead: float):
    return measured(scored(aligned(*speech(generator, num_speakers=num_speakers, lead=lead)))[0])


def _needed(found, difference: float | None = None) -> int | None:
    left_out_U = found.left_out_UE[:, 0] - found.left_out_UE[:, 1]
    error = standard_error(left_out_U, stratum_U=found.stratum_U)
    seen = float(found.value_E[0] - found.value_E[1]) if difference is None else difference
    return speakers_needed(seen, error=error, num_speakers=found.num_clusters)


@pytest.mark.slow
@pytest.mark.parametrize("lead", [0.5, 0.9])
def test_so_many_speakers_separate_two_models_in_four_studies_of_five(lead: float):
    """The number is found on 3,000 speakers and tried on studies of that size: 600, so 80 % is known within 1.6 points."""
    needed = _needed(_pilot(np.random.default_rng(5), num_speakers=3000, lead=lead))
    generator = np.random.default_rng(6)
    found = [
        pair_tests(_pilot(generator, num_speakers=needed, lead=lead), permutations=400, seed=seed).p_C[0] <= 0.05
        for seed in range(600)
    ]
    assert 0.74 <= np.mean(found) <= 0.86


@pytest.mark.slow
def test_forty_speakers_foretell_how_many_are_needed_within_a_factor_of_two_and_a_half_half_of_the_time():
    """Of 27 that are needed; the error is foretold far better than the difference: known, it brings 9 of 10 within 1.6."""
    truth = _pilot(np.random.default_rng(5), num_speakers=3000, lead=0.9)
    needed, difference = _needed(truth), float(truth.value_E[0] - truth.value_E[1])
    generator = np.random.default_rng(7)
    pilots = [_pilot(generator, num_speakers=40, lead=0.9) for _ in range(400)]
    foretold = np.array([_needed(pilot) or np.inf for pilot in pilots]) / needed
    low, middle, high = np.quantile(foretold, [0.25, 0.5, 0.75])
    assert 1 / 2.5 < low < 1 < high < 2.5 and 0.8 < middle < 1.4
    known = np.array([_needed(pilot, difference) for pilot in pilots]) / needed
    assert np.mean((known > 1 / 1.6) & (known < 1.6)) > 0.9
