"""New files get the label and the probabilities the classifier gives them, in any format, and broken ones are listed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from made_table import TINY, made_rows, write_noise, write_table
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_score

from noss.errors import DataError, ModelError
from noss.pipeline._classifier import Classifier, Regressor, load_classifier
from noss.pipeline._classifier_rows import Row, rows_as_csv, rows_as_json_lines, rows_as_table
from noss.pipeline.fit import fit
from noss.pipeline.predict import predict


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classifier")
    table = write_table(folder, made_rows(folder))
    options = {"model": TINY, "controls": [], "draws": 50, "workers": 0, "cache": folder / "cache"}
    return fit(f"csv/{table}", target="mood", out=folder / "out", **options).path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for number, level in enumerate((0.2, 0.02, 0.25)):
        write_noise(tmp_path / "sounds" / f"{number}.wav", level, seed=number)
    return tmp_path / "sounds"


def test_files_and_folders_are_labelled_in_order(classifier: Path, sounds: Path):
    done = predict(classifier, [sounds / "1.wav", sounds], workers=0)
    assert [(Path(row.file).name, row.label) for row in done.rows] == [
        ("1.wav", "calm"), ("0.wav", "angry"), ("1.wav", "calm"), ("2.wav", "angry"),
    ]  # fmt: skip
    assert done.failures == []


def test_the_verb_says_what_the_loaded_classifier_says(classifier: Path, sounds: Path):
    files = sorted(sounds.iterdir())
    rows = predict(classifier, files, workers=0).rows
    expected_NK = load_classifier(classifier).predict_proba(files)
    found_NK = np.array([list(row.probabilities.values()) for row in rows])
    np.testing.assert_allclose(found_NK, expected_NK)


def test_a_mix_of_layers_is_saved_with_the_probe(tmp_path: Path, sounds: Path):
    table = write_table(tmp_path, made_rows(tmp_path))
    model = str(Path(TINY).with_name("tiny_layers.py"))
    options = {"controls": [], "draws": 50, "workers": 0, "cache": tmp_path / "cache"}
    path = fit(f"csv/{table}", target="mood", out=tmp_path / "out", model=f"{model}@mix", **options).path
    assert [row.label for row in predict(path, [sounds], workers=0).rows] == ["angry", "calm", "angry"]
    mix = load_classifier(path).trained_.fitted.mix
    assert mix is not None and mix.weights_L.sum() == pytest.approx(1.0)
    assert Classifier(f"{model}@mix", cache=tmp_path / "cache").fit(
        [sounds / "0.wav", sounds / "1.wav"] * 2, ["a", "b"] * 2
    )


def test_broken_files_are_listed_and_the_rest_labelled(classifier: Path, sounds: Path, capsys):
    (sounds / "3.wav").write_bytes(b"RIFF")
    done = predict(classifier, [sounds, sounds / "gone.wav"], workers=0)
    assert len(done.rows) == 3
    assert sorted(Path(one.file).name for one in done.failures) == ["3.wav", "gone.wav"]
    assert "gone.wav" in capsys.readouterr().err


def test_only_broken_files_give_an_empty_table(classifier: Path, tmp_path: Path):
    (tmp_path / "broken.wav").write_bytes(b"")
    done = predict(classifier, [tmp_path / "broken.wav"], workers=0, format="csv")
    assert done.rows == [] and len(done.failures) == 1 and str(done) == "file,label\n"


def test_nothing_to_label_is_refused(classifier: Path, tmp_path: Path):
    with pytest.raises(DataError, match="no files to label"):
        predict(classifier, [])
    with pytest.raises(DataError, match="no audio below"):
        predict(classifier, [tmp_path])
    with pytest.raises(DataError, match="did you mean jsonl"):
        predict(classifier, [tmp_path / "a.wav"], format="json")
    with pytest.raises(ModelError, match="no classifier in"):
        predict(tmp_path, [tmp_path / "a.wav"])


@pytest.mark.parametrize("format", ["table", "csv", "jsonl"])
def test_what_is_written_is_what_would_be_printed(classifier: Path, sounds: Path, tmp_path: Path, format):
    printed = predict(classifier, [sounds], workers=0, format=format)
    written = predict(classifier, [sounds], workers=0, format=format, out=tmp_path / "labels")
    assert (tmp_path / "labels").read_text(encoding="utf-8") == str(printed) == written.text
    assert str(written) == f"{tmp_path / 'labels'}: 3 files labelled"


ODD = [
    Row(file='=cmd|" /C calc"!A0.wav', label="@SUM(1+1)", probabilities={"@SUM(1+1)": 0.75, "-1": 0.25}),
    Row(file="a\x1b[2Jb.wav", label="-1", probabilities={"@SUM(1+1)": 0.1, "-1": 0.9}),
]


def test_a_spreadsheet_runs_no_label_and_no_file_name():
    rows = list(csv.reader(io.StringIO(rows_as_csv(ODD))))
    assert rows[0] == ["file", "label", "probability", "p_@SUM(1+1)", "p_-1"]
    assert rows[1] == ['\'=cmd|" /C calc"!A0.wav', "'@SUM(1+1)", "0.75", "0.75", "0.25"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row)


def test_a_terminal_obeys_no_file_name():
    table = rows_as_table(ODD)
    assert "\x1b" not in table and r"a\x1b[2Jb.wav" in table
    assert table.splitlines()[0].split() == ["file", "label", "probability"]


def test_json_lines_hold_labels_as_they_are():
    lines = [json.loads(line) for line in rows_as_json_lines(ODD).split("\n") if line]
    assert [line["label"] for line in lines] == ["@SUM(1+1)", "-1"]
    assert lines[1]["probabilities"] == {"@SUM(1+1)": 0.1, "-1": 0.9}


def test_numbers_are_shown_as_numbers():
    rows = [Row.of("a.wav", np.array([-0.5]), None)]
    assert rows_as_csv(rows) == "file,label\na.wav,-0.5\n"
    assert rows_as_table(rows) == "file   label\na.wav  -0.5\n"
    assert rows_as_json_lines(rows) == '{"file": "a.wav", "label": -0.5}\n'


def test_the_estimator_learns_and_is_cloned(tmp_path: Path):
    rows = made_rows(tmp_path)
    files, moods = [tmp_path / row["file"] for row in rows], [row["mood"] for row in rows]
    own = Classifier(TINY, workers=0)
    fitted = clone(own).fit(files, moods, groups=[row["speaker"] for row in rows])
    assert fitted.score(files, moods) > 0.9 and not hasattr(own, "classes_")
    assert fitted.predict_proba(files[:2]).shape == (2, 2)


def test_the_estimator_is_cross_validated_by_group(tmp_path: Path):
    rows = made_rows(tmp_path)
    files, speakers = [tmp_path / row["file"] for row in rows], [row["speaker"] for row in rows]
    own = Classifier(TINY, workers=0)
    values = cross_val_score(own, files, [row["mood"] for row in rows], groups=speakers, cv=GroupKFold(3))
    assert values.mean() > 0.9


def test_groups_keep_speakers_on_one_side(tmp_path: Path, monkeypatch):
    from noss.pipeline import _classifier as module

    rows, pairs = made_rows(tmp_path), []
    real = module.train
    monkeypatch.setattr(module, "train", lambda *given: pairs.extend(given[3]) or real(*given))
    speakers = [row["speaker"] for row in rows]
    files = [tmp_path / row["file"] for row in rows]
    Classifier(TINY, workers=0).fit(files, [row["mood"] for row in rows], groups=speakers)
    assert len(pairs) == 5
    for fit_N, out_N in pairs:
        assert not {speakers[row] for row in fit_N} & {speakers[row] for row in out_N}


def test_labels_keep_their_kind(tmp_path: Path):
    rows = made_rows(tmp_path)
    files = [tmp_path / row["file"] for row in rows]
    fitted = Classifier(TINY, workers=0).fit(files, [10 if row["mood"] == "angry" else 2 for row in rows])
    assert fitted.classes_.tolist() == [2, 10]
    assert fitted.predict(files).tolist() == [10 if row["mood"] == "angry" else 2 for row in rows]


def test_the_regressor_learns_numbers(tmp_path: Path):
    rows = made_rows(tmp_path)
    files = [tmp_path / row["file"] for row in rows]
    numbers = [3.0 if row["mood"] == "angry" else 1.0 for row in rows]
    fitted = Regressor(TINY, workers=0).fit(files, numbers, groups=[row["speaker"] for row in rows])
    assert np.corrcoef(fitted.predict(files), numbers)[0, 1] > 0.9


def test_one_class_or_uneven_lengths_are_refused(tmp_path: Path):
    files = [write_noise(tmp_path / f"{number}.wav", 0.1, seed=number) for number in range(3)]
    with pytest.raises(DataError, match="1 class"):
        Classifier(TINY, workers=0).fit(files, ["a", "a", "a"])
    with pytest.raises(DataError, match="3 sounds, 2 labels"):
        Classifier(TINY, workers=0).fit(files, ["a", "b"])
