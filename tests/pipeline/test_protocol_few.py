"""A few clips a class: so many and no more, never of a test speaker, drawn the same for every model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_task import CLASSES, clips, embedded, model, mood_task, task

from noss import shelf
from noss.errors import DataError
from noss.pipeline import _protocol_few as few
from noss.pipeline._predictions import read_facts, read_predictions
from noss.pipeline._protocol import run_protocol
from noss.pipeline._split import folds
from noss.pipeline.score import score_predictions
from noss.probes.nearest_centroid import Probe


class Spy(Probe):
    """A probe that remembers the rows it was fitted on: the first dimension holds the row's number."""

    fitted_on: list[set[int]] = []

    def fit(self, x_ND, y_N):
        self.fitted_on.append({round(row) for row in x_ND[:, 0].tolist()})
        return super().fit(x_ND, y_N)


@pytest.fixture
def spy(monkeypatch):
    monkeypatch.setattr(Spy, "fitted_on", [])
    monkeypatch.setattr(few, "NUM_DRAWS", 4)
    real = few.learner_of
    monkeypatch.setattr(few, "learner_of", lambda *given, **named: replace(real(*given, **named), probe=Spy))
    return Spy


def numbered(*, num: int = 240, **facts):
    """A task whose embeddings hold the row's number beside what tells the class."""
    given, x_NLD = mood_task(num=num, **facts)
    return given, np.concatenate([np.arange(num)[:, None, None], x_NLD], axis=2)


def few_paths(given, x_NLD, out: Path, *, name: str = "made", **options) -> list[Path]:
    return run_protocol(given, embedded(given, x_NLD), model=model(name), out=out, protocol="few", **options)


def test_each_draw_has_so_many_clips_of_each_class_and_no_test_speaker(tmp_path: Path, spy):
    given, x_NLD = numbered()
    few_paths(given, x_NLD, tmp_path)
    split = folds(given, ids=[f"{row:032x}" for row in range(240)])
    labels = [clip.labels["mood"] for clip in given.clips]
    tested = [{given.clips[row].speaker for row in fold.test_N} for fold in split.folds]
    fits = iter(spy.fitted_on)
    for count in (1, 5, 10, 20):
        for _ in range(4):
            for speakers in tested:
                rows = next(fits)
                assert sorted(labels[row] for row in rows) == sorted(CLASSES * count)
                assert not {given.clips[row].speaker for row in rows} & speakers
    assert next(fits, None) is None


def test_fewer_clips_are_among_more_and_draws_differ(tmp_path: Path, spy):
    few_paths(*numbered(), tmp_path)
    by_count = [spy.fitted_on[start : start + 20] for start in range(0, 80, 20)]
    assert all(one < five < ten for one, five, ten in zip(*by_count[:3], strict=True))
    assert len(set(map(frozenset, by_count[1]))) == 20


def test_all_models_are_given_the_same_draws(tmp_path: Path, spy):
    given, x_NLD = numbered()
    few_paths(given, x_NLD, tmp_path)
    first, spy.fitted_on = spy.fitted_on, []
    few_paths(given, np.concatenate([x_NLD, -x_NLD], axis=2), tmp_path, name="other")
    assert (spy.fitted_on == [] and len(first) == 80) or spy.fitted_on == first


def test_the_value_is_the_mean_over_draws_and_the_spread_is_that_of_one_training_set(tmp_path: Path):
    path = few_paths(*mood_task(num=120, noise=4.0), tmp_path)[1]
    read, found = read_predictions(path), score_predictions(path, draws=200)[0]
    uar, fold_N = shelf.load("metrics", "uar"), np.array(read.folds)
    of_draw = [uar.score(read.true_N[fold_N == draw], read.scores_NK[fold_N == draw]) for draw in range(50)]
    assert len(read.ids) == 50 * 120 and found.variant == "k=5"
    assert found.value == pytest.approx(np.mean(of_draw))
    assert found.draw_sd == pytest.approx(np.std(of_draw, ddof=1) * np.sqrt(5))
    assert found.low < found.value < found.high and "over 10 speakers" in found.interval


@pytest.mark.slow
def test_luck_with_draws_and_luck_with_speakers_are_told_apart(tmp_path: Path):
    """Where all speakers are alike the interval is narrow however far draws differ, and the other way round."""
    generator = np.random.default_rng(0)
    y_N = np.arange(600) % 2
    given = task(clips([CLASSES[y] for y in y_N], num_speakers=30), classes=CLASSES[:2])
    given.clips = [replace(clip, speaker=f"s{row // 20:03d}") for row, clip in enumerate(given.clips)]
    odd_N = generator.random(600) < 0.3
    x_ND = np.stack([np.where(odd_N, 1 - y_N, y_N) + 0.01 * generator.standard_normal(600)], axis=1)
    unlucky = score_predictions(few_paths(given, x_ND[:, None], tmp_path / "a")[0], draws=500)[0]
    hard_N = np.arange(600) // 20 % 3 == 0
    x_ND = np.stack([np.where(hard_N, generator.standard_normal(600), 8.0 * y_N)], axis=1)
    uneven = score_predictions(few_paths(given, x_ND[:, None], tmp_path / "b")[-1], draws=500)[0]
    assert unlucky.draw_sd > 2 * (unlucky.high - unlucky.low)
    assert uneven.draw_sd < (uneven.high - uneven.low) / 2


def test_nothing_is_chosen(tmp_path: Path):
    facts = [read_facts(path) for path in few_paths(*mood_task(num=120), tmp_path)]
    settings = shelf.load("probes", "logistic").Probe.SETTINGS
    assert [one["probe_options"] for one in facts] == [
        [{**settings[len(settings) // 2], "k": count}] for count in (1, 5, 10, 20)
    ]
    assert facts[1]["num_train"] == 15 and "the probe's setting fixed" in facts[1]["splits"]


def test_counts_that_a_class_cannot_give_are_left_out_with_a_line(tmp_path: Path):
    given, x_NLD = mood_task(num=240)
    sad = [row for row, clip in enumerate(given.clips) if clip.labels["mood"] == "sad"]
    kept = [row for row in range(240) if row not in sad[12:]]
    given.clips = [given.clips[row] for row in kept]
    facts = [read_facts(path) for path in few_paths(given, x_NLD[kept], tmp_path)]
    assert [one["variant"] for one in facts] == ["k=1", "k=5"]
    assert all("clips to draw from: no more can be tried" in one["warnings"][-1] for one in facts)


def test_of_very_many_test_clips_a_sample_even_over_classes_is_scored_in_every_draw(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(few, "MAX_ROWS", 50 * 60)
    read = read_predictions(few_paths(*mood_task(num=240), tmp_path)[0])
    assert len(read.ids) == 50 * 60 and set(map(read.ids.count, read.ids[:60])) == {50}
    assert np.bincount(read.true_N).tolist() == [1000, 1000, 1000]
    assert "60 of 240 test clips are scored, even over classes, the same in every draw" in read.facts["warnings"]


def test_numbers_and_layers_are_refused(tmp_path: Path):
    numbers = task(clips(np.arange(40.0).tolist()), classes=None, metric="mae")
    with pytest.raises(DataError, match="made/mood is about numbers, and the protocol few draws clips of each class"):
        few_paths(numbers, np.zeros((40, 1, 2)), tmp_path)
    given, x_NLD = mood_task(num=60)
    with pytest.raises(DataError, match="made has 3 layers, and the protocol few chooses none: add @LAYER"):
        run_protocol(given, embedded(given, x_NLD), model=model(layers=3), out=tmp_path, protocol="few")
