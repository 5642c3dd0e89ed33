"""A planted property is named, and a clean task is left alone as often as promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from made_voice import RATE, voice

from noss.datasets import Clip, Dataset
from noss.pipeline._clips import Task
from noss.pipeline._leaks_channel import check_channel, check_sentence, told
from noss.pipeline._leaks_listen import listen
from noss.pipeline._leaks_properties import CATEGORIES, NUMBERS, Facts
from noss.pipeline._leaks_sides import sides
from noss.pipeline._verdict import Verdict


def task(
    labels: list[Any], speakers: list[str | None], *, classes: tuple[str, ...] | None = ("ill", "well"), **more: Any
):
    """A task without audio; `more` goes to its clips, a list a field."""
    clips = [
        Clip(path=Path(f"{row}.wav"), labels={"state": label}, speaker=speaker, **{k: v[row] for k, v in more.items()})
        for row, (label, speaker) in enumerate(zip(labels, speakers, strict=True))
    ]
    card = Dataset(
        title="", source="", licence="", targets={"state": classes}, metric="uar", num_clips=len(clips), hours=1.0
    )
    known = "unknown" if speakers[0] is None else "disjoint"
    return Task(
        name="made/state", dataset="made", target="state", card=card, classes=classes, metric="uar", clips=clips,
        speakers=known, root=Path(),
    )  # fmt: skip


def facts(num: int, seed: int, **changed: list[Any]) -> list[Facts]:
    """Properties drawn from `seed`, a speaker's habits (5 clips each) among them; some of them replaced."""
    generator = np.random.default_rng(seed)
    habit_N = np.repeat(generator.normal(size=(num // 5, len(NUMBERS))), 5, axis=0)
    value_N = habit_N + generator.normal(size=(num, len(NUMBERS)))
    category_N = np.repeat(generator.integers(3, size=(num // 5, len(CATEGORIES))), 5, axis=0)
    made = [
        {**dict(zip(CATEGORIES, map(str, category), strict=True)), **dict(zip(NUMBERS, value, strict=True))}
        for category, value in zip(category_N, value_N.tolist(), strict=True)
    ]
    return [{**one, **{name: column[row] for name, column in changed.items()}} for row, one in enumerate(made)]


def by_speaker(num: int, seed: int) -> tuple[list[Any], list[str | None]]:
    """A label for each speaker of 5 clips, as of an illness."""
    drawn = np.random.default_rng([seed, 1]).integers(2, size=num // 5)
    return [("ill", "well")[drawn[row // 5]] for row in range(num)], [f"s{row // 5}" for row in range(num)]


def by_clip(num: int, seed: int) -> tuple[list[Any], list[str | None]]:
    """A label for each clip, as of an emotion."""
    drawn = np.random.default_rng([seed, 1]).integers(2, size=num)
    return [("ill", "well")[one] for one in drawn], [f"s{row // 5}" for row in range(num)]


def channel(made: Task, found: list[Facts]) -> Verdict:
    (verdict,) = check_channel(made, sides(made, seed=0), found)
    return verdict


@pytest.mark.parametrize("draw", [by_speaker, by_clip])
def test_a_clean_task_is_flagged_at_most_about_once_in_twenty(draw: Any) -> None:
    flagged = 0
    for seed in range(60):
        made = task(*draw(200, seed))
        flagged += any(one.tells for one in told(made, sides(made, seed=0), facts(200, seed)))
    assert flagged <= 3  # at most 1 in 40 is promised, as half the error of an interval lies above


@pytest.mark.parametrize(
    ("name", "ill", "well"),
    [("sample rate", "44100 Hz", "16000 Hz"), ("codec", "PCM_16", "VORBIS"), ("noise floor", -70.0, -62.0)],
)
def test_a_property_that_goes_with_the_class_is_named_first(name: str, ill: Any, well: Any) -> None:
    labels, speakers = by_speaker(200, 0)
    column = [ill if label == "ill" else well for label in labels]
    verdict = channel(task(labels, speakers), facts(200, 0, **{name: column}))
    assert verdict.ok is False
    assert verdict.detail.startswith(f"recall % by {name} 100.0 [")
    assert verdict.files[0][1].startswith(f"{name} 100.0 [") and verdict.files[0][1].endswith("chance 50.0")


def test_a_property_that_the_voice_may_move_is_told_and_said_to_be_so() -> None:
    labels, speakers = by_clip(200, 0)
    column = [2.0 if label == "ill" else 4.0 for label in labels]
    detail = channel(task(labels, speakers), facts(200, 0, duration=column)).detail
    assert "duration 100.0" in detail and detail.endswith("the voice itself may move duration")


def test_a_property_of_one_speaker_alone_is_no_proof() -> None:
    """Four clips of one of six speakers are all that a rate of 8 kHz was seen on: chance, as far as anyone can tell."""
    labels, speakers = by_speaker(30, 3)
    assert len(set(labels)) == 2
    rates = ["8000 Hz" if speaker == "s0" else "16000 Hz" for speaker in speakers]
    clean: list[Facts] = [{name: 0.0 if name in NUMBERS else "x" for name in (*CATEGORIES, *NUMBERS)} for _ in labels]
    verdict = channel(
        task(labels, speakers), [{**one, "sample rate": rate} for one, rate in zip(clean, rates, strict=True)]
    )
    assert verdict.ok is True


def test_a_middle_value_is_found_as_well_as_a_high_one() -> None:
    labels, speakers = by_clip(400, 1)
    generator = np.random.default_rng(0)
    column = [0.1 * generator.normal() + (0 if label == "ill" else generator.choice([-1, 1])) for label in labels]
    made = task(labels, speakers)
    by_name = {one.name: one for one in told(made, sides(made, seed=0), facts(400, 1, bandwidth=column))}
    assert by_name["bandwidth"].low > 0.7 and not by_name["all together"].tells  # a straight line cannot part them


def test_numbers_as_a_target_are_tried_in_fifths() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=300)
    made = task(values.tolist(), [f"s{row // 5}" for row in range(300)], classes=None)
    verdict = channel(made, facts(300, 0, level=(values + 0.05 * generator.normal(size=300)).tolist()))
    assert verdict.ok is False and "recall % by level" in verdict.detail and "chance 20.0" in verdict.detail


def test_without_speakers_clips_are_what_is_independent() -> None:
    labels, _ = by_clip(200, 0)
    column = [-20.0 if label == "ill" else -40.0 for label in labels]
    assert channel(task(labels, [None] * 200), facts(200, 0, level=column)).ok is False


def test_equal_files_and_clips_that_failed_leave_nothing_to_find() -> None:
    labels, speakers = by_clip(100, 0)
    same = dict.fromkeys(CATEGORIES, "x") | dict.fromkeys(NUMBERS, 0.0)
    found: list[Facts] = [same if row % 7 else {} for row in range(100)]
    assert channel(task(labels, speakers), found).detail == "no property of the files differs between clips"
    mixed: list[Facts] = [one if row % 7 else {} for row, one in enumerate(facts(100, 0))]
    assert channel(task(labels, speakers), mixed).ok is True


def test_a_sentence_that_goes_with_the_label_is_told() -> None:
    labels, speakers = by_clip(200, 0)
    said = ["oh no" if label == "ill" else "hello" for label in labels]
    for sentence, ok in ((said, False), (["oh no", "hello"] * 100, True)):
        made = task(labels, speakers, sentence=sentence)
        (verdict,) = check_sentence(made, sides(made, seed=0))
        assert verdict.ok is ok


def test_properties_are_measured_as_they_are(tmp_path: Path) -> None:
    t = np.arange(RATE) / RATE
    fade_T = np.minimum(1, np.minimum(t, 1 - t) / 0.05)  # a tone that breaks off is of every frequency
    tone_T = 0.25 * fade_T * (np.sin(2 * np.pi * 1_000 * t) + np.sin(2 * np.pi * 3_950 * t))
    soundfile.write(
        tmp_path / "a.wav", np.concatenate([np.zeros(RATE // 2), tone_T, np.zeros(RATE // 4)]), RATE, "PCM_24"
    )
    ((_, heard),) = listen([Clip(path=tmp_path / "a.wav", labels={})])
    found = heard.facts
    assert (found["sample rate"], found["codec"], found["container"]) == ("16000 Hz", "PCM_24", "WAV")
    assert found["duration"] == 1.75
    assert found["leading silence"] == pytest.approx(0.5) and found["trailing silence"] == pytest.approx(
        0.24, abs=0.011
    )
    assert found["peak"] == pytest.approx(-6.02, abs=0.1)
    assert found["level"] == pytest.approx(-12.04 + 10 * np.log10(0.9333 / 1.75), abs=0.05)
    assert found["bandwidth"] == pytest.approx(4_000, abs=100)
    assert found["digital silence"] == pytest.approx(0.75 / 1.75, abs=0.05)
    assert found["bytes a second"] == pytest.approx(48_000, rel=0.01)


@pytest.mark.parametrize("plant", ["sample rate", "level", "codec", None])
def test_a_class_recorded_otherwise_is_flagged_and_a_clean_corpus_is_not(tmp_path: Path, plant: str | None) -> None:
    labels, speakers = [("ill", "well")[row // 2 % 2] for row in range(48)], [f"s{row // 4}" for row in range(48)]
    made = task(labels, speakers)
    for row, clip in enumerate(made.clips):
        wave_T, rate, codec = voice(row % 5, take=row, seconds=0.6), RATE, "PCM_16"
        if labels[row] == "ill":
            wave_T = 0.3 * wave_T if plant == "level" else wave_T
            rate = 8_000 if plant == "sample rate" else RATE
            codec = "ALAW" if plant == "codec" else codec
        soundfile.write(tmp_path / clip.path, wave_T[:: RATE // rate], rate, codec)
    clips = [Clip(path=tmp_path / clip.path, labels=clip.labels, speaker=clip.speaker) for clip in made.clips]
    heard = dict(listen(clips))
    verdict = channel(made, [heard[row].facts for row in range(48)])
    assert verdict.ok is (plant is None)
    assert plant is None or f"{plant} " in verdict.detail.split("; chance")[0]
