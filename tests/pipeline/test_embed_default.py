"""`noss embed FILE`: without a model, the one in the package; without a table, one here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from noss import cli
from noss.pipeline._embed_sources import is_source


@pytest.fixture
def wavs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "wavs").mkdir()
    for name in "ab":
        noise_T = 0.1 * np.random.default_rng(0).standard_normal(8000)
        soundfile.write(tmp_path / "wavs" / f"{name}.wav", noise_T, 16_000)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOSS_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("words", [["wavs"], ["wavs/a.wav", "wavs/b.wav"], ["noss/small", "wavs"]])
def test_files_alone_are_embedded_by_the_model_in_the_package(wavs: Path, words: list[str]) -> None:
    import pyarrow.parquet

    with pytest.raises(SystemExit) as stop:
        cli.main(["embed", *words, "--workers", "0"])
    assert stop.value.code == 0
    table = pyarrow.parquet.read_table(wavs / "embeddings.parquet")
    assert (table.num_rows, len(table["embedding"][0])) == (2, 2048)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["logmel_stat", "wavs"], "logmel_stats"), (["noss/small"], "no audio is named"), (["gone.wav"], "gone.wav")],
)
def test_what_is_neither_is_said(
    wavs: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["embed", *words])
    found = capsys.readouterr().err
    assert stop.value.code == 2 and message in found and found.count("\n") == 1


def test_a_word_is_audio_where_it_is_no_model(wavs: Path) -> None:
    sources = ["wavs", "wavs/a.wav", "ravdess", "csv/./t.csv", "s3://bucket/a.wav"]
    assert [word for word in [*sources, "yamnet", "./mine.py", "onnx/./wavs", "nothing"] if is_source(word)] == sources
