"""Layers are chosen on validation alone, mixes find what tells, and the record says which layer was worth what."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_task import CLASSES, clips, embedded, model, mood_task, task

from noss.pipeline import _layer_mix
from noss.pipeline._layer_mix import Mix, learn_mix
from noss.pipeline._predictions import read_facts, read_predictions
from noss.pipeline.probe import probe_task
from noss.pipeline.score import score_predictions


def planted(*, num: int = 360, seed: int = 0):
    """A task with a published dev split, and two layers: 0 tells on train and test, 1 on train and dev."""
    generator = np.random.default_rng(seed)
    labels = [CLASSES[row % 3] for row in range(num)]
    splits = [("train", "dev", "test")[row // 3 % 3] for row in range(num)]
    made = [
        replace(clip, speaker=f"{split}{row % 8}", split=split)
        for row, (clip, split) in enumerate(zip(clips(labels), splits, strict=True))
    ]
    signal_ND = 3 * np.eye(3, 8)[np.arange(num) % 3]
    x_NLD = generator.standard_normal((num, 2, 8))
    tells_2N = np.array([[split != "dev" for split in splits], [split != "test" for split in splits]])
    x_NLD += np.where(tells_2N.T[:, :, None], signal_ND[:, None], 0.0)
    return task(made), x_NLD


def mixed_layers(informative: int, *, num: int = 240, layers: int = 5, dim: int = 8, seed: int = 0):
    generator = np.random.default_rng(seed)
    y_N = np.arange(num) % 3
    x_NLD = generator.standard_normal((num, layers, dim))
    x_NLD[:, informative] += 3 * np.eye(3, dim)[y_N]
    return (x_NLD * 10.0 ** np.arange(-2, layers - 2)[None, :, None]).astype(np.float32), y_N


def test_the_layer_best_on_test_is_not_chosen_where_dev_says_otherwise(tmp_path: Path) -> None:
    given, x_NLD = planted()
    path = probe_task(given, embedded(given, x_NLD), model=model(layers=2), out=tmp_path)
    (score,) = [one for one in score_predictions(path) if one.main]
    assert [one["layer"] for one in score.probe_options] == [1]
    zero, one = score.layers
    assert (zero["folds"], one["folds"]) == (0, 1)
    assert zero["value"] > 0.9 > 0.5 > one["value"]
    assert one["dev"] > 0.9 > 0.5 > zero["dev"]
    assert score.value == one["value"]


def test_test_labels_do_not_move_the_choice(tmp_path: Path) -> None:
    given, x_NLD = planted()
    swapped = [
        replace(clip, labels={"mood": CLASSES[(CLASSES.index(clip.labels["mood"]) + 1) % 3]})
        if clip.split == "test"
        else clip
        for clip in given.clips
    ]
    facts = []
    for place, made in enumerate((given.clips, swapped)):
        one = replace(given, clips=made)
        facts.append(
            read_facts(probe_task(one, embedded(one, x_NLD), model=model(layers=2), out=tmp_path / str(place)))
        )
    assert facts[0]["probe_options"] == facts[1]["probe_options"]
    assert [row["dev"] for row in facts[0]["layers"]] == [row["dev"] for row in facts[1]["layers"]]
    assert facts[0]["layers"][1]["value"] != facts[1]["layers"][1]["value"]


@pytest.mark.parametrize("probe", ["logistic", "knn"])
def test_a_layer_of_the_curve_is_what_that_layer_alone_scores(tmp_path: Path, probe: str) -> None:
    given, x_NLD = mood_task(num=120, noise=2.0)
    noisier_NLD = x_NLD + 3 * np.random.default_rng(1).standard_normal(x_NLD.shape)
    both_NLD = np.concatenate([noisier_NLD, x_NLD], axis=1)
    path = probe_task(given, embedded(given, both_NLD), model=model(layers=2), out=tmp_path / "all", probe=probe)
    (score,) = [one for one in score_predictions(path) if one.main]
    for layer, alone_N1D in enumerate((noisier_NLD, x_NLD)):
        alone = probe_task(given, embedded(given, alone_N1D), model=model(), out=tmp_path / str(layer), probe=probe)
        (single,) = [one for one in score_predictions(alone) if one.main]
        row = score.layers[layer]
        assert (row["value"], row["low"], row["high"]) == (single.value, single.low, single.high)
        assert single.layers == []


def test_folds_choose_for_themselves_and_the_record_counts_them(tmp_path: Path) -> None:
    given, x_NLD = mood_task(num=120)
    noise_NLD = np.random.default_rng(1).standard_normal((120, 1, 8))
    path = probe_task(
        given, embedded(given, np.concatenate([noise_NLD, x_NLD], axis=1)), model=model(layers=2), out=tmp_path
    )
    facts = read_facts(path)
    assert [row["folds"] for row in facts["layers"]] == [0, 5]
    assert [one["layer"] for one in facts["probe_options"]] == [1] * 5


def test_only_the_main_metric_carries_the_curve(tmp_path: Path) -> None:
    given, x_NLD = mood_task(num=120)
    path = probe_task(given, embedded(given, np.repeat(x_NLD, 2, axis=1)), model=model(layers=2), out=tmp_path)
    scores = score_predictions(path)
    assert len(scores) > 1
    assert [len(one.layers) for one in scores] == [2] + [0] * (len(scores) - 1)


@pytest.mark.parametrize("informative", [0, 2, 4])
def test_a_mix_finds_the_one_layer_that_tells_whatever_its_scale(informative: int) -> None:
    x_NLD, y_N = mixed_layers(informative)
    weights_L = learn_mix(x_NLD, y_N, classes=True).weights_L
    assert weights_L.sum() == pytest.approx(1.0)
    assert weights_L.argmax() == informative
    assert weights_L[informative] > 0.9


def test_a_mix_of_numbers_finds_it_too() -> None:
    generator = np.random.default_rng(0)
    x_NLD = generator.standard_normal((300, 4, 6)).astype(np.float32)
    weights_L = learn_mix(x_NLD, x_NLD[:, 1] @ np.arange(6.0), classes=False).weights_L
    assert weights_L[1] > 0.9


def test_layers_that_say_the_same_weigh_the_same() -> None:
    x_NLD, y_N = mixed_layers(0, layers=1)
    weights_L = learn_mix(np.repeat(x_NLD, 3, axis=1), y_N, classes=True).weights_L
    np.testing.assert_allclose(weights_L, 1 / 3, atol=1e-6)


def test_a_layer_without_any_difference_is_no_number_too_many() -> None:
    x_NLD, y_N = mixed_layers(1, layers=3)
    x_NLD[:, 0] = 7.1
    mix = learn_mix(x_NLD, y_N, classes=True)
    assert np.isfinite(mix.apply(x_NLD)).all()
    assert mix.weights_L.argmax() == 1


def test_the_slope_of_the_mix_is_that_of_its_objective() -> None:
    from scipy.optimize import check_grad

    x_NLD, y_N = mixed_layers(1, num=30, layers=3, dim=4)
    x_NLD /= x_NLD.std(axis=(0, 2), keepdims=True)
    for classes, target_N in ((True, y_N), (False, np.random.default_rng(2).standard_normal(30))):
        problem = _layer_mix._Problem(x_NLD, _layer_mix._targets(target_N, classes=classes), classes=classes)
        at = 0.3 * np.random.default_rng(1).standard_normal(len(problem.start()))
        value, slope = (lambda point, part=part, problem=problem: problem(point)[part] for part in (0, 1))
        assert check_grad(value, slope, at, epsilon=1e-3) < 2e-2


def test_a_mix_comes_back_from_its_arrays() -> None:
    x_NLD, y_N = mixed_layers(1)
    mix = learn_mix(x_NLD, y_N, classes=True)
    again = Mix.from_arrays(mix.arrays())
    assert again is not None
    np.testing.assert_array_equal(again.apply(x_NLD), mix.apply(x_NLD))
    assert Mix.from_arrays({}) is None


@pytest.mark.parametrize("probe", ["logistic", "knn"])
def test_a_mixed_model_is_scored_on_its_mix_and_the_record_holds_the_weights(tmp_path: Path, probe: str) -> None:
    given, x_NLD = mood_task(num=240)
    noise_NLD = np.random.default_rng(1).standard_normal((240, 2, 8))
    layered = embedded(given, np.concatenate([noise_NLD, x_NLD], axis=1))
    path = probe_task(given, layered, model=model(layers=3, mixed=True), out=tmp_path, probe=probe)
    (score,) = [one for one in score_predictions(path) if one.main]
    assert score.value > 0.9
    assert [row["layer"] for row in score.layers] == [0, 1, 2]
    assert score.layers[2]["weight"] > 0.8
    assert sum(row["weight"] for row in score.layers) == pytest.approx(1.0)
    for options in score.probe_options:
        assert "layer" not in options
        assert sum(options["mix"]) == pytest.approx(1.0, abs=1e-5)
    assert not np.array_equal(score.probe_options[0]["mix"], score.probe_options[1]["mix"]), "each fold learns its own"


def test_a_mix_never_sees_test_clips(tmp_path: Path) -> None:
    given, x_NLD = mood_task(num=240)
    layered_NLD = np.repeat(x_NLD, 2, axis=1) + np.random.default_rng(1).standard_normal((240, 2, 8))
    splits = ["train"] * 120 + ["dev"] * 60 + ["test"] * 60
    made = replace(
        given,
        clips=[
            replace(clip, split=split, speaker=f"{split}{row % 6}")
            for row, (clip, split) in enumerate(zip(given.clips, splits, strict=True))
        ],
    )
    other_NLD = layered_NLD.copy()
    other_NLD[180:] = 1e3
    facts = [
        read_facts(probe_task(made, embedded(made, rows), model=model(layers=2, mixed=True), out=tmp_path / str(place)))
        for place, rows in enumerate((layered_NLD, other_NLD))
    ]
    assert facts[0]["probe_options"] == facts[1]["probe_options"]


def test_the_same_seed_mixes_the_same(tmp_path: Path) -> None:
    given, x_NLD = mood_task(num=120)
    layered = embedded(given, np.repeat(x_NLD, 2, axis=1))
    found = [
        read_predictions(probe_task(given, layered, model=model(layers=2, mixed=True), out=tmp_path / name)).scores_NK
        for name in ("a", "b")
    ]
    np.testing.assert_array_equal(*found)
