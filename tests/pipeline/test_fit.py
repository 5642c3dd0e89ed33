"""A classifier is scored honestly before it is saved, says what to doubt, and is found again as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_table import TINY, made_rows, write_noise, write_table
from safetensors.numpy import load_file

from noss.errors import DataError, ModelError, ProbeError, UnknownPartError
from noss.pipeline import fit as step
from noss.pipeline._classifier import Classifier, load_classifier
from noss.pipeline._classifier_calibration import calibrate, fit_temperature
from noss.pipeline.fit import Fit, fit
from noss.pipeline.score import read_scores

CONTROL = f"{TINY}/equal"


def _fit(table: Path, out: Path, **options) -> Fit:
    given = {"target": "mood", "model": TINY, "controls": [CONTROL], "draws": 200, "workers": 0}
    return fit(f"csv/{table}", out=out, **{**given, **options})


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    return write_table(folder, made_rows(folder))


@pytest.fixture(scope="module")
def fitted_once(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _fit(table, tmp_path_factory.mktemp("fitted") / "mood").path


@pytest.fixture
def fitted(fitted_once: Path, tmp_path: Path) -> Path:
    """A fitted classifier that a test may spoil."""
    return Path(shutil.copytree(fitted_once, tmp_path / "mood"))


def test_a_classifier_is_scored_by_speaker_beside_its_control(table: Path, tmp_path: Path):
    done = _fit(table, tmp_path / "mood")
    main = [one for one in done.scores if one.main]
    assert [one.model for one in main] == [TINY, CONTROL]
    assert all("by speaker" in one.splits and "6 speakers" in one.interval for one in main)
    assert main[0].value > 0.9 and done.failures == []
    assert read_scores(tmp_path / "mood" / "scores.jsonl") == done.scores


def test_the_folder_says_what_it_is_and_holds_no_pickle(fitted: Path):
    facts = json.loads((fitted / "classifier.json").read_text(encoding="utf-8"))
    assert facts["classes"] == ["angry", "calm"] and facts["target"] == "mood" and facts["probe"] == "logistic"
    assert facts["model"]["name"] == TINY and facts["model"]["card"]["dim"] == 4 and facts["num_clips"] == 24
    assert facts["scores"][0]["metric"] == "uar" and facts["temperature"] > 0
    assert load_file(fitted / "weights.safetensors")
    assert {path.name for path in fitted.iterdir()} == {
        "classifier.json", "weights.safetensors", "scores.jsonl", "predictions", "failures.csv",
    }  # fmt: skip


def test_a_second_fit_does_nothing(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = _fit(table, tmp_path / "mood")
    monkeypatch.setattr(step, "train", lambda *_: pytest.fail("trained again"))
    again = _fit(table, tmp_path / "mood")
    assert again.scores == first.scores and again.warnings == first.warnings


def test_a_loaded_classifier_labels_new_sounds(fitted: Path, tmp_path: Path):
    loud, soft = (write_noise(tmp_path / f"{level}.wav", level, seed=9) for level in (0.2, 0.02))
    loaded = load_classifier(fitted)
    assert isinstance(loaded, Classifier)
    assert loaded.predict([loud, soft]).tolist() == ["angry", "calm"]
    probabilities_NK = loaded.predict_proba([loud, soft])
    np.testing.assert_allclose(probabilities_NK.sum(1), 1)
    assert list(loaded.classes_) == ["angry", "calm"]


def test_arrays_are_labelled_as_files_are(fitted: Path):
    waveform_T = (0.2 * np.random.default_rng(3).uniform(-1, 1, 3200)).astype(np.float32)
    loaded = load_classifier(fitted).set_params(sample_rate=16_000)
    assert loaded.predict([waveform_T, waveform_T / 10]).tolist() == ["angry", "calm"]


def test_a_table_without_speakers_is_said_to_be_one(tmp_path: Path):
    rows = [{key: row[key] for key in ("file", "mood")} for row in made_rows(tmp_path)]
    done = _fit(write_table(tmp_path, rows), tmp_path / "out")
    assert any("no clip says who speaks" in line for line in done.warnings)


def test_a_control_that_does_as_well_is_said(table: Path, tmp_path: Path):
    done = _fit(table, tmp_path / "mood")
    assert any(f"not clearly better than {CONTROL}" in line for line in done.warnings)


def test_a_control_that_hardly_listens_and_does_as_well_is_said_louder(table: Path, tmp_path: Path):
    done = _fit(table, tmp_path / "mood", controls=["trivial"])
    assert any("duration, level or noise alone" in line for line in done.warnings)


def test_rare_classes_and_classes_of_one_speaker_are_said(tmp_path: Path):
    rows = made_rows(tmp_path)
    rows.append({"file": str(write_noise(tmp_path / "odd.wav", 0.9, seed=77)), "speaker": "s1", "mood": "odd"})
    done = _fit(write_table(tmp_path, rows), tmp_path / "out")
    assert any("'odd' has 1 clips only" in line for line in done.warnings)
    assert any("'odd' has one speaker only" in line for line in done.warnings)
    assert any("uneven" in line for line in done.warnings)


def test_the_same_audio_twice_is_said(tmp_path: Path):
    rows = made_rows(tmp_path)
    copy = tmp_path / "wavs" / "copy.wav"
    copy.write_bytes((tmp_path / rows[0]["file"]).read_bytes())
    done = _fit(write_table(tmp_path, [*rows, {**rows[0], "file": "wavs/copy.wav"}]), tmp_path / "out")
    assert any("1 clips are the same audio" in line for line in done.warnings)


def test_labels_that_say_nothing_are_found_out(tmp_path: Path):
    """Moods dealt out at random cannot be heard: no honest score may beat a guess."""
    rows = made_rows(tmp_path, num_speakers=12)
    dealt = np.random.default_rng(5).permutation([row["mood"] for row in rows])
    done = _fit(
        write_table(tmp_path, [{**row, "mood": mood} for row, mood in zip(rows, dealt, strict=True)]), tmp_path / "out"
    )
    assert done.scores[0].low < 0.5
    assert any("is not better than guessing" in line for line in done.warnings)


def test_a_broken_clip_is_listed_and_left_out(tmp_path: Path):
    rows = made_rows(tmp_path)
    (tmp_path / "wavs" / "broken.wav").write_bytes(b"not audio")
    done = _fit(write_table(tmp_path, [*rows, {**rows[0], "file": "wavs/broken.wav"}]), tmp_path / "out")
    assert [Path(one.file).name for one in done.failures] == ["broken.wav"]
    assert any("1 of 25 clips" in line for line in done.warnings)
    assert "broken.wav" in (tmp_path / "out" / "failures.csv").read_text(encoding="utf-8")


def test_numbers_give_a_regressor(tmp_path: Path):
    rows = made_rows(tmp_path)
    for place, row in enumerate(rows):
        row["mood"] = str((3.5 if row["mood"] == "angry" else 1.25) + place / 1000)
    done = _fit(write_table(tmp_path, rows), tmp_path / "out")
    assert done.scores[0].metric == "ccc" and done.scores[0].num_classes is None
    numbers_N = load_classifier(tmp_path / "out").predict([tmp_path / row["file"] for row in rows])
    np.testing.assert_allclose(numbers_N, [float(row["mood"]) for row in rows], atol=0.6)


def test_labels_that_look_like_markup_or_formulas_are_kept(tmp_path: Path):
    labels = {"calm": "<script>alert(1)</script>", "angry": "=1+1"}
    done = _fit(write_table(tmp_path, made_rows(tmp_path, labels=labels)), tmp_path / "out")
    assert set(load_classifier(tmp_path / "out").classes_) == set(labels.values())
    assert done.scores[0].num_classes == 2


def test_one_class_only_is_refused(tmp_path: Path):
    rows = [{**row, "mood": "calm", "other": row["mood"]} for row in made_rows(tmp_path)]
    with pytest.raises(DataError, match="mood"):
        _fit(write_table(tmp_path, rows), tmp_path / "out")


def test_a_speaker_in_two_splits_is_refused(tmp_path: Path):
    rows = [{**row, "split": ("train", "test")[place % 2]} for place, row in enumerate(made_rows(tmp_path))]
    with pytest.raises(DataError, match="speaker"):
        _fit(write_table(tmp_path, rows), tmp_path / "out")


def test_missing_columns_are_named(tmp_path: Path, table: Path):
    rows = [{"path": "a.wav", "mood": "calm"}]
    with pytest.raises(DataError, match="file"):
        _fit(write_table(tmp_path, rows), tmp_path / "out")
    with pytest.raises(DataError, match="mood"):
        _fit(table, tmp_path / "out", target="moood")


def test_a_table_without_a_readable_clip_is_refused(tmp_path: Path):
    rows = [{"file": f"gone{row}.wav", "speaker": f"s{row % 4}", "mood": "ab"[row % 2]} for row in range(8)]
    with pytest.raises(DataError, match=r"gone"):
        _fit(write_table(tmp_path, rows), tmp_path / "out")


def test_unknown_parts_are_met_with_a_hint_before_any_work(table: Path, tmp_path: Path):
    with pytest.raises(UnknownPartError, match="did you mean logistic"):
        _fit(table, tmp_path / "out", probe="logistics")
    with pytest.raises(ProbeError, match="ridge predicts numbers"):
        _fit(table, tmp_path / "out", probe="ridge")
    with pytest.raises(UnknownPartError, match="did you mean"):
        _fit(table, tmp_path / "out", model="yamnett")
    assert not (tmp_path / "out").exists()


def _tampered(folder: Path, **changes) -> None:
    path = folder / "classifier.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": {"name": TINY, "revision": "0" * 32}}, "another revision"),
        ({"classes": "abc"}, "broken at 'classes'"),
        ({"temperature": 0.0}, "temperature"),
        ({"present": [0, 7]}, "present"),
        ({"layer": 3}, "layer"),
        ({"format": 99}, "not a classifier of this version"),
        ({"weights_sha256": "0" * 64}, "wrong checksum"),
        ({"probe": "knn"}, "fit the classifier again"),
    ],
)
def test_a_folder_that_was_tampered_with_is_refused(fitted: Path, changes, says: str):
    _tampered(fitted, **changes)
    with pytest.raises(ModelError, match=says):
        load_classifier(fitted)


def test_a_folder_that_brings_its_own_code_is_refused(fitted: Path):
    code = fitted / "evil.py"
    code.write_text("raise SystemExit('was run')", encoding="utf-8")
    _tampered(fitted, model={"name": str(code), "revision": "0" * 32})
    with pytest.raises(ModelError, match="names code of its own"):
        load_classifier(fitted)


def test_a_folder_without_a_classifier_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match="no classifier in"):
        load_classifier(tmp_path)
    (tmp_path / "classifier.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read"):
        load_classifier(tmp_path)


def test_weights_cut_short_are_found_and_made_anew(table: Path, fitted: Path):
    path = fitted / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ModelError, match="wrong checksum"):
        load_classifier(fitted)
    _fit(table, fitted)
    assert len(load_classifier(fitted).classes_) == 2


@pytest.mark.parametrize("probabilities", [True, False])
def test_the_temperature_undoes_overconfidence(probabilities: bool):
    """Labels drawn from softmax(z); scores of 3 z are three times too sure, so the temperature must be 3."""
    generator = np.random.default_rng(0)
    logits_NK = generator.standard_normal((20_000, 4))
    p_NK = np.exp(logits_NK) / np.exp(logits_NK).sum(1, keepdims=True)
    true_N = (p_NK.cumsum(1) > generator.random((20_000, 1))).argmax(1)
    sharp_NK = np.exp(3 * logits_NK) / np.exp(3 * logits_NK).sum(1, keepdims=True) if probabilities else 3 * logits_NK
    temperature = fit_temperature(sharp_NK, true_N, probabilities=probabilities)
    assert temperature == pytest.approx(3, abs=0.15)
    given_NK = calibrate(sharp_NK, temperature=temperature, probabilities=probabilities)
    np.testing.assert_allclose(given_NK, p_NK, atol=0.03)


def test_a_perfect_validation_promises_no_certainty():
    true_N = np.arange(20) % 2
    temperature = fit_temperature(np.eye(2)[true_N], true_N, probabilities=True)
    sure = calibrate(np.eye(2), temperature=temperature, probabilities=True).max()
    assert sure == pytest.approx(11 / 12, abs=0.01)


@pytest.mark.slow
def test_real_vowels_of_patients_are_scored_by_speaker(noss_data: Path, tmp_path: Path):
    """64 speakers, two vowels each: what is known of this corpus is that log-mel statistics beat a guess, not by much."""
    done = fit(f"csv/{noss_data / 'minsk_als' / 'clips.csv'}", target="label", out=tmp_path / "als", workers=1)
    ours = done.scores[0]
    assert (ours.metric, ours.num_test, ours.num_speakers, ours.speakers) == ("uar", 128, 64, "disjoint")
    assert 0.6 < ours.value < 0.85 and ours.low > 0.5 and 0.1 < ours.high - ours.low < 0.3
    assert list(load_classifier(tmp_path / "als").classes_) == ["ALS", "healthy"]
