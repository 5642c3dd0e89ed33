"""Conditions by name, alterations by clip, and models that hear them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_table import TINY
from numpy.typing import NDArray
from tiny_model import by_hand, write_wav

from noss.audio import augment
from noss.datasets import Clip
from noss.errors import AudioError, DataError, ModelError
from noss.identity import clip_ids
from noss.pipeline._alteration import Alteration
from noss.pipeline._alteration_files import open_recordings
from noss.pipeline._conditions import KINDS, Condition, conditions
from noss.pipeline._models import Model, open_model
from noss.pipeline._models_altered import altered, windowed
from noss.pipeline.embed import embed_clips


def names(*words: str, noise: str = "pink", room: str | None = None) -> list[str]:
    return [one.name for one in conditions(words, noise=noise, room=room)]


def alteration(text: str, *, seed: int = 0) -> Alteration:
    return Alteration(condition=conditions([text])[0], seed=seed)


def test_without_a_word_every_kind_is_tried() -> None:
    found = conditions([])
    assert {one.kind for one in found} == KINDS.keys() - {"room"}
    assert names()[:3] == ["pink noise 20 dB", "pink noise 10 dB", "pink noise 0 dB"]


def test_every_condition_is_read_as_it_is_shown() -> None:
    for noise, room in [("pink", None), ("esc-10", "halls")]:
        shown = names(noise=noise, room=room)
        if room:
            shown.remove("halls room")
        assert names(*shown, noise=noise, room=room) == shown


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("noise 10", "pink noise 10 dB"),
        ("Babble_noise_-5dB", "babble noise -5 dB"),
        ("gain +10", "gain +10 dB"),
        ("gain -20 dB", "gain -20 dB"),
        ("packet_loss_5_%", "packet loss 5 %"),
        ("mu-law", "mu-law 8 kHz"),
        ("mp3 24", "mp3 24 kbit/s"),
        ("band 200-7000 hz", "band 200-7000 Hz"),
        ("speed 1.5", "speed 1.5"),
        ("reverberation 0.7s", "reverberation 0.7 s"),
    ],
)
def test_units_case_and_underscores_do_not_matter(text: str, name: str) -> None:
    assert names(text) == [name]


def test_a_kind_stands_for_its_defaults_and_nothing_comes_twice() -> None:
    assert names("gain", "gain -20 dB", "speed") == ["gain -20 dB", "gain +10 dB", "speed 0.9", "speed 1.1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("noise -inf dB", "beyond -60 to 120.*noise 0 dB"),
        ("noise nan dB", "beyond"),
        ("nose 10 dB", "did you mean .*noise 10 dB"),
        ("opuss", "did you mean opus"),
        ("speed 0", "beyond 0.1 to 10"),
        ("packet loss 100 %", "beyond"),
        ("band 3400-300 Hz", "upper edge first"),
        ("band 3400 Hz", "no condition"),
        ("mp3 8 kbit/s", "beyond 16 to 160"),
        ("gain loud", "no condition"),
        ("room", "--rooms"),
        ("street noise 10 dB", "no condition"),
        ("underwater", "there are noise, reverberation"),
    ],
)
def test_what_is_no_condition_is_refused_with_what_is(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        conditions([text])


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Four seconds whose bytes are the same on every day: a float file would carry the time."""
    waveform_T = np.random.default_rng(1).uniform(-0.05, 0.05, 32_000)
    soundfile.write(tmp_path / "a.wav", waveform_T, 8_000, subtype="PCM_16")
    return tmp_path / "a.wav"


@pytest.mark.parametrize("text", names())
def test_every_condition_alters_a_clip_and_the_same_one_alike(text: str, clip: Path) -> None:
    once_T, again_T = (alteration(text).read(clip, sample_rate=16_000) for _ in range(2))
    plain_T = soundfile.read(clip, dtype="float32")[0]
    assert (once_T == again_T).all() and np.isfinite(once_T).all()
    assert len(once_T) == pytest.approx(64_000 / (conditions([text])[0].values[0] if "speed" in text else 1), abs=2)
    assert not np.array_equal(alteration(text).read(clip, sample_rate=8_000), plain_T)


def test_what_is_drawn_hangs_on_the_clip_and_the_seed_and_not_on_the_path(clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.wav"
    copy.write_bytes(clip.read_bytes())
    first_T = alteration("noise 0").read(clip, sample_rate=8_000)
    assert (first_T == alteration("noise 0").read(copy, sample_rate=8_000)).all()
    assert not np.array_equal(first_T, alteration("noise 0", seed=1).read(clip, sample_rate=8_000))


def test_a_clip_has_the_same_noise_at_every_ratio_and_rate(clip: Path) -> None:
    plain_T = soundfile.read(clip, dtype="float32")[0]
    noises = [alteration(f"noise {snr}").read(clip, sample_rate=8_000) - plain_T for snr in (20, 0)]
    assert noises[1] == pytest.approx(10 * noises[0], rel=1e-3, abs=1e-5)


def test_a_seed_that_nothing_draws_by_makes_no_other_store() -> None:
    assert alteration("mu-law").facts == alteration("mu-law", seed=1).facts
    assert alteration("noise 10").facts != alteration("noise 10", seed=1).facts


def recorded(folder: Path, kind: str, *values: float) -> Alteration:
    found = open_recordings(str(folder), option="--noise", cache=folder.parent / "cache")
    of = Condition(kind=kind, values=values, of=found.name)
    return Alteration(condition=of, recordings=found.paths, digest=found.digest)


def test_recorded_noise_is_one_of_the_recordings(clip: Path, tmp_path: Path) -> None:
    time_T = np.arange(4_000) / 8_000
    soundfile.write((tmp_path / "hum").mkdir() or tmp_path / "hum" / "hum.wav", np.sin(2 * np.pi * 50 * time_T), 8_000)
    plain_T = soundfile.read(clip, dtype="float32")[0]
    noise_T = recorded(tmp_path / "hum", "noise", 0.0).read(clip, sample_rate=8_000) - plain_T
    assert np.argmax(np.abs(np.fft.rfft(noise_T))) == 4 * 50


def test_a_measured_room_is_heard_without_delay(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    impulse_T = np.zeros(800)
    impulse_T[[100, 500]] = 1.0, 0.5
    soundfile.write(tmp_path / "hall" / "ir.wav", impulse_T, 8_000, subtype="FLOAT")
    plain_T = soundfile.read(clip, dtype="float32")[0]
    heard_T = recorded(tmp_path / "hall", "room").read(clip, sample_rate=8_000)
    echo_T = plain_T + 0.5 * np.concatenate([np.zeros(400, np.float32), plain_T[:-400]])
    assert heard_T == pytest.approx(echo_T * np.sqrt(np.mean(plain_T**2) / np.mean(echo_T**2)), abs=1e-5)


def test_broken_and_silent_recordings_are_listed_and_the_others_used(tmp_path: Path) -> None:
    write_wav(tmp_path / "n" / "good.wav", 0.2)
    soundfile.write(tmp_path / "n" / "silent.wav", np.zeros(800), 8_000)
    (tmp_path / "n" / "broken.wav").write_bytes(b"RIFF no")
    found = open_recordings(str(tmp_path / "n"), option="--noise", cache=tmp_path / "cache")
    assert [path.name for path in found.paths] == ["good.wav"]
    assert sorted(Path(one.file).name for one in found.failures) == ["broken.wav", "silent.wav"]


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no audio")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.wav").write_bytes(b"RIFF no")
    for name, message in [("empty", "no audio"), ("broken", "no file of --noise"), ("none", "no folder")]:
        with pytest.raises(DataError, match=message):
            open_recordings(str(tmp_path / name), option="--noise", cache=tmp_path / "cache")


def test_recordings_that_are_silent_where_they_are_drawn_are_an_error_of_the_clip() -> None:
    silent = Alteration(condition=Condition(kind="noise", values=(0.0,), of="x"), recordings=(Path("a"),))
    object.__setattr__(silent, "_recording", lambda rate, generator: np.zeros(10, np.float32))
    with pytest.raises(AudioError, match="silent"):
        silent(np.ones(10, np.float32), sample_rate=8_000, seed=0)


def embedded(model: Model, path: Path, cache: Path) -> NDArray[np.float32]:
    clips = [Clip(path=path, labels={})]
    done = embed_clips(model, clips, ids=clip_ids(clips, cache=cache), cache=cache, workers=0)
    return done.store.lookup([str(done.ids[0])])[0, 0]


def test_an_altered_model_hears_the_altered_clip_cut_as_ever(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 5.0)
    one = alteration("gain -6 dB")
    found_D = embedded(altered(open_model(TINY), one), tmp_path / "a.wav", tmp_path / "cache")
    quiet_T = augment.change_gain(soundfile.read(tmp_path / "a.wav", dtype="float32")[0], gain_db=-6)
    assert found_D == pytest.approx(by_hand(quiet_T), rel=1e-4)


def test_a_clean_model_keeps_its_store_and_altered_ones_have_their_own(tmp_path: Path) -> None:
    clean = open_model(TINY, cache=tmp_path)
    models = [altered(clean, alteration(text)) for text in ("gain -6", "gain -7", "noise 10")] + [windowed(clean, 0.5)]
    assert "alteration" not in clean.facts and clean.condition == ""
    assert len({clean.revision, *(model.revision for model in models)}) == 5
    assert models[0].condition == "gain -6 dB" and models[3].condition == "window 0.5 s"
    assert {model.name for model in models} == {clean.name}


def test_a_windowed_model_averages_its_windows_by_length(tmp_path: Path) -> None:
    waveform_T = write_wav(tmp_path / "a.wav", 1.3)
    found_D = embedded(windowed(open_model(TINY), 0.5), tmp_path / "a.wav", tmp_path / "cache")
    assert found_D == pytest.approx(by_hand(waveform_T, window=8_000), rel=1e-4)


def test_windows_shorter_than_the_model_takes_are_padded(tmp_path: Path) -> None:
    waveform_T = write_wav(tmp_path / "a.wav", 0.3)
    found_D = embedded(windowed(open_model(TINY), 0.05), tmp_path / "a.wav", tmp_path / "cache")
    assert found_D == pytest.approx(by_hand(waveform_T, window=800), rel=1e-4)


def test_windows_longer_than_the_model_takes_are_refused() -> None:
    with pytest.raises(ModelError, match="2 s at most, not of 3 s"):
        windowed(open_model(TINY), 3.0)


def test_vectors_made_elsewhere_cannot_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "lookup", lambda *_: None)
    with pytest.raises(ModelError, match="made elsewhere"):
        altered(open_model(TINY), alteration("gain -6"))


def test_no_condition_is_written_with_a_value_that_is_not_finite() -> None:
    assert all(math.isfinite(value) for one in conditions([]) for value in one.values)
