"""Whole recordings in batches of like length: the same draws, little padding, to the same bits after a stop."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from noss.errors import DataError
from noss.objectives import Needs
from noss.pipeline import _train_checkpoint
from noss.pipeline._train_batches import Batches, Crop
from noss.pipeline._train_corpus import Corpus, Draws
from noss.pipeline._train_lengths import ByLength
from noss.pipeline._train_log import read_log
from noss.pipeline._train_recipe import Recipe
from noss.pipeline._train_recording import Recording
from noss.pipeline._train_start import _held_out_batches
from noss.pipeline.train import train

RATE, STEP = 16_000, 4
RECIPE: dict[str, Any] = {
    "student": str(Path(__file__).with_name("tiny_net.py")),
    "objective": "match_teacher",
    "teacher": "trivial",
    "steps": 4,
    "crop_s": None,
    "max_s": 0.6,
    "batch_size": STEP,
    "validate_every": 2,
    "validation": 0.3,
    "validation_batches": 1,
}


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Twenty noises from 0.1 s to 2 s."""
    folder = tmp_path / "speech"
    folder.mkdir()
    for number in range(20):
        noise = np.random.default_rng(number).standard_normal(1600 * (number + 1))
        soundfile.write(folder / f"{number:02d}.wav", 0.1 * noise, RATE)
    return folder


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noss.pipeline._train_page.show", lambda run, cache: None)


def draws() -> Draws:
    """Eighty recordings of 1 s to 80 s."""
    return Draws([[Recording(n, Path(f"{n}"), 0.0, 1.0 + n) for n in range(80)]], [1.0], seed=0)


def go(folder: Path, speech: Path, out: str, **changes: Any) -> Path:
    path = folder / "recipe.py"
    path.write_text(f"RECIPE = {RECIPE | {'data': [str(speech)]} | changes!r}\n", encoding="utf-8")
    return train(path, out=folder / out, device="cpu", workers=0).out


def test_fifty_steps_hold_the_same_recordings_in_another_order() -> None:
    plain, found = draws(), ByLength(draws(), step=STEP, most_s=30.0, seed=0)
    for pool in (range(200), range(200, 400)):
        assert sorted(found[place].number for place in pool) == sorted(plain[place].number for place in pool)
    assert [found[place].number for place in range(200)] != [found[place].number for place in range(200, 400)]


def test_a_step_holds_recordings_of_like_length_and_steps_come_in_no_order() -> None:
    found = ByLength(draws(), step=STEP, most_s=30.0, seed=0)
    lengths = np.array([min(found[place].duration_s, 30.0) for place in range(200)]).reshape(50, STEP)
    assert (lengths.max(axis=1) - lengths.min(axis=1)).max() <= 4.0
    assert not (np.diff(lengths.mean(axis=1)) >= 0).all()


def test_any_number_may_be_asked_for_first() -> None:
    forwards, backwards = (ByLength(draws(), step=STEP, most_s=30.0, seed=3) for _ in range(2))
    first = [forwards[place] for place in range(300)]
    assert [backwards[place] for place in reversed(range(300))] == first[::-1]


def numbers(order: ByLength, *, step: int, steps: int) -> list[list[int]]:
    """The numbers of the recordings in the first steps."""
    return [[order[place].number for place in range(first, first + step)] for first in range(0, steps * step, step)]


@pytest.mark.parametrize("num_recordings", [64, 100, 1000])
def test_a_step_holds_no_recording_twice_where_the_corpus_is_smaller_than_fifty_steps(num_recordings: int) -> None:
    recordings = [Recording(n, Path(f"{n}"), 0.0, 1.0 + n % 37) for n in range(num_recordings)]
    found = ByLength(Draws([recordings], [1.0], seed=0), step=64, most_s=30.0, seed=0)
    assert {len(set(step)) for step in numbers(found, step=64, steps=100)} == {64}


def test_copies_that_cannot_be_apart_are_spread_evenly() -> None:
    few, many = ([Recording(n, Path(f"{n}"), 0.0, 1.0 + n) for n in some] for some in (range(4), range(4, 1004)))
    found = ByLength(Draws([few, many], [0.5, 0.5], seed=0), step=16, most_s=2000.0, seed=0)
    for step in numbers(found, step=16, steps=50):
        assert max(step.count(number) for number in range(4)) <= 3, (
            "400 draws of four recordings over 50 steps are two each"
        )


def test_one_recording_that_is_drawn_often_leaves_the_others_sorted() -> None:
    recordings = [Recording(n, Path(f"{n}"), 0.0, 1.0 + n / 100) for n in range(800)] + [
        Recording(800, Path("long"), 0.0, 300.0)
    ]
    found = ByLength(Draws([recordings], [1.0], seed=0, crop_s=30.0), step=16, most_s=30.0, seed=0)
    drawn = numbers(found, step=16, steps=50)
    assert max(step.count(800) for step in drawn) == 1
    spans = sorted(max(step) - min(step) for step in drawn if 800 not in step)
    assert len(spans) >= 35 and spans[len(spans) // 2] < 40


def test_held_out_recordings_are_heard_once_each_as_far_as_the_batches_reach(speech: Path) -> None:
    recordings = [Recording(n, speech / f"{n:02d}.wav", 0.0, 0.1 * (n + 1)) for n in range(20)]
    corpus = Corpus([[]], [recordings], [1.0], (), {}, [])
    recipe = Recipe(**RECIPE | {"data": [str(speech)]})
    batches = _held_out_batches(recipe, corpus, Crop.of(Needs(), sample_rate=RATE, crop_s=0.6), size=STEP)
    assert batches is not None
    heard = [number for place in range(5) for number in batches[place].source_B.tolist()]
    assert sorted(heard) == list(range(20))


def test_the_order_goes_to_a_spawned_worker_as_it_is(speech: Path) -> None:
    recordings = [Recording(n, speech / f"{n:02d}.wav", 0.0, 0.1 * (n + 1)) for n in range(20)]
    order = ByLength(Draws([recordings], [1.0], seed=0), step=STEP, most_s=0.6, seed=0)
    first = [order[place] for place in range(300)]
    there = pickle.loads(pickle.dumps(order))  # noqa: S301
    assert [there[place] for place in range(300)] == first


def test_recordings_are_whole_and_very_long_ones_are_cut(speech: Path) -> None:
    recordings = [Recording(n, speech / f"{n:02d}.wav", 0.0, 0.1 * (n + 1)) for n in range(20)]
    order = ByLength(Draws([recordings], [1.0], seed=0), step=STEP, most_s=0.6, seed=0)
    batches = Batches(order, crop=Crop.of(Needs(), sample_rate=RATE, crop_s=0.6), size=STEP, seed=0)
    for loaded in (batches[number] for number in range(10)):
        expected = [min(9600, 1600 * (number + 1)) for number in loaded.source_B.tolist()]
        assert loaded.lengths_BV[:, 0].tolist() == expected
        assert loaded.waveform_BVT.shape[-1] == max(expected)


def test_a_run_over_whole_recordings_goes_on_to_the_same_bits(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, save = go(tmp_path, speech, "whole"), _train_checkpoint.save

    def save_and_stop(*given: Any, **options: Any) -> None:
        save(*given, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(_train_checkpoint, "save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, speech, "stopped")
    monkeypatch.setattr(_train_checkpoint, "save", save)
    stopped = go(tmp_path, speech, "stopped")
    curves = [[row for row in read_log(run) if row[1] != "crops_per_s"] for run in (whole, stopped)]
    assert curves[0] == curves[1]


def test_crops_of_one_recording_need_a_length(tmp_path: Path, speech: Path) -> None:
    with pytest.raises(DataError, match="compares crops of a recording and crop_s is None"):
        go(tmp_path, speech, "run", objective="triplet", teacher=None)
