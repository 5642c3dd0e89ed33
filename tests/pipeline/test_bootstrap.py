"""Intervals hold the truth as often as they say, because they draw speakers and not clips."""

from types import SimpleNamespace

import numpy as np
import pytest

from noss.pipeline._bootstrap import clusters, interval, intervals, paired_interval, weights


def _draws(true_N, scores_NK, weights_RN):
    correct_N = (scores_NK.argmax(1) == true_N).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return weights_RN @ correct_N / weights_RN.sum(1)


def _draws_of_positives(true_N, scores_NK, weights_RN):
    positive_N = true_N == 1
    return _draws(true_N[positive_N], scores_NK[positive_N], weights_RN[:, positive_N])


def _metric(draws):
    return SimpleNamespace(draws=draws, score=lambda t, s: float(draws(t, s, np.ones((1, len(t))))[0]))


ACCURACY = _metric(_draws)
SENSITIVITY = _metric(_draws_of_positives)


def _speech(generator, *, num_speakers, skill=0.5, spread=1.5):
    """Clips of speakers who differ in how well they are understood: truth (N,), scores (N, 2), speaker (N,)."""
    speaker_N = np.repeat(np.arange(num_speakers), generator.integers(10, 21, size=num_speakers))
    chance_N = 1 / (1 + np.exp(-(skill + spread * generator.standard_normal(num_speakers))))[speaker_N]
    correct_N = generator.random(len(speaker_N)) < chance_N
    true_N = generator.integers(2, size=len(speaker_N))
    return true_N, np.eye(2)[np.where(correct_N, true_N, 1 - true_N)], speaker_N


def _truth(skill=0.5, spread=1.5):
    return (1 / (1 + np.exp(-(skill + spread * np.random.default_rng(9).standard_normal(400_000))))).mean()


def _coverage(*, num_speakers, replications, draws, skill=0.5, over_clips=False):
    generator = np.random.default_rng(1)
    truth, held = _truth(skill), 0
    for seed in range(replications):
        true_N, scores_NK, speaker_N = _speech(generator, num_speakers=num_speakers, skill=skill)
        cluster_N = np.arange(len(speaker_N)) if over_clips else speaker_N
        low, high = interval(ACCURACY, true_N, scores_NK, cluster_N, draws=draws, seed=seed)
        held += low <= truth <= high
    return held / replications


def test_intervals_over_speakers_hold_the_truth_95_times_in_100():
    assert 0.92 <= _coverage(num_speakers=30, replications=400, draws=300) <= 0.98


def test_intervals_over_clips_of_the_same_data_are_far_too_narrow():
    assert _coverage(num_speakers=30, replications=200, draws=300, over_clips=True) < 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("num_speakers", "skill"), [(15, 0.5), (30, 0.5), (30, 2.5), (100, 2.5)])
def test_intervals_over_speakers_hold_the_truth_near_the_ceiling_and_with_few_speakers(num_speakers, skill):
    assert 0.92 <= _coverage(num_speakers=num_speakers, replications=1000, draws=500, skill=skill) <= 0.98


def test_clips_of_one_speaker_are_drawn_together_and_every_draw_has_as_many_speakers():
    cluster_N, unit = clusters(["a", "b", "a", "c"])
    drawn_RN = np.concatenate(list(weights(cluster_N, draws=300, seed=0)))
    assert unit == "speakers" and drawn_RN.shape == (300, 4)
    assert (drawn_RN[:, 0] == drawn_RN[:, 2]).all()
    assert (drawn_RN[:, [0, 1, 3]].sum(1) == 3).all()


def test_clips_without_a_speaker_stand_alone():
    cluster_N, unit = clusters(["a", None, "a", None])
    assert cluster_N.tolist() == [0, 1, 0, 2] and unit == "speakers"
    assert clusters([None, None])[1] == "clips"


def test_the_same_seed_gives_the_same_interval_and_blocks_do_not_show():
    true_N, scores_NK, speaker_N = _speech(np.random.default_rng(0), num_speakers=12)
    first = interval(ACCURACY, true_N, scores_NK, speaker_N, draws=700, seed=3)
    assert first == interval(ACCURACY, true_N, scores_NK, speaker_N, draws=700, seed=3)
    assert first != interval(ACCURACY, true_N, scores_NK, speaker_N, draws=700, seed=4)


def test_the_interval_of_a_mean_agrees_with_the_t_interval():
    """On 40 independent clips, half of them right, BCa must be close to mean +- t * s / sqrt(n)."""
    true_N = np.zeros(40, dtype=np.int64)
    scores_NK = np.eye(2)[np.arange(40) % 2]
    low, high = interval(ACCURACY, true_N, scores_NK, np.arange(40), draws=4000)
    half = 2.0227 * np.sqrt(0.25 * 40 / 39 / 40)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.02)


def test_draws_without_anything_to_measure_are_dropped_and_said():
    true_N = np.array([1, 0, 0, 0, 0, 0])
    scores_NK = np.eye(2)[[1, 0, 1, 0, 0, 1]]
    found = intervals([SENSITIVITY], true_N, scores_NK, cluster_N=np.arange(6), unit="speakers", draws=500)[0]
    assert (found.low, found.high) == (1.0, 1.0)
    assert "dropped" in found.warnings[0]


def test_one_speaker_gives_an_interval_over_clips_and_says_so():
    true_N, scores_NK, _ = _speech(np.random.default_rng(0), num_speakers=3)
    alone_N = np.zeros(len(true_N), dtype=np.int64)
    found = intervals([ACCURACY], true_N, scores_NK, cluster_N=alone_N, unit="speakers")[0]
    assert found.low < found.high and "clips" in found.how
    assert "one speaker only" in found.warnings[0]


def test_one_clip_has_no_interval_and_says_so():
    found = intervals(
        [ACCURACY], np.zeros(1, dtype=int), np.eye(2)[[0]], cluster_N=np.zeros(1, dtype=int), unit="clips"
    )
    assert found[0].low == found[0].high == 1.0 and "no interval" in found[0].warnings[0]


def test_the_record_says_what_was_drawn():
    true_N, scores_NK, speaker_N = _speech(np.random.default_rng(0), num_speakers=12)
    found = intervals([ACCURACY], true_N, scores_NK, cluster_N=speaker_N, unit="speakers", draws=400)[0]
    assert found.how == "95 % BCa bootstrap over 12 speakers, 400 draws" and found.warnings == ()


def test_two_models_are_compared_on_the_same_draws():
    true_N, scores_NK, speaker_N = _speech(np.random.default_rng(0), num_speakers=20)
    worse_NK = scores_NK.copy()
    worse_NK[::5] = np.eye(2)[1 - true_N[::5]]
    difference, low, high = paired_interval(ACCURACY, true_N, scores_NK, worse_NK, speaker_N)
    own_low, own_high = interval(ACCURACY, true_N, scores_NK, speaker_N)
    assert 0 < low < difference < high
    assert high - low < (own_high - own_low) / 2


def test_a_model_does_not_differ_from_itself():
    true_N, scores_NK, speaker_N = _speech(np.random.default_rng(0), num_speakers=20)
    assert paired_interval(ACCURACY, true_N, scores_NK, scores_NK, speaker_N) == (0, 0, 0)
