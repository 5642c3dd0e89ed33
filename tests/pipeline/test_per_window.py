"""A time line: a vector for every window, with its start and end, equal to that of the window as a clip of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import tiny_model
from tiny_model import by_hand, write_wav

import noss
from noss.cli import main
from noss.datasets import Clip
from noss.errors import DataError, ModelError
from noss.pipeline import _embed_pieces
from noss.pipeline._embed_windows import in_windows
from noss.pipeline._models import open_model
from noss.pipeline.embed import embed

TINY = str(Path(tiny_model.__file__))
SIZES = [(None, None), (1.0, None), (1.0, 0.5), (0.75, 0.3), (2.0, 2.0)]


@pytest.fixture
def sound(tmp_path: Path) -> tuple[Path, np.ndarray]:
    return tmp_path / "wavs" / "a.wav", write_wav(tmp_path / "wavs" / "a.wav", 9.33)


def _starts(num_samples: int, window: int, hop: int) -> list[int]:
    return [0, *range(hop, max(hop, num_samples - window + hop), hop)]


@pytest.mark.parametrize(("window_s", "hop_s"), SIZES)
def test_every_window_is_that_of_a_clip_of_its_own(sound, tmp_path: Path, window_s, hop_s) -> None:
    path, waveform_T = sound
    out = embed(
        TINY, [str(path)], out=tmp_path / "a.parquet", per_window=True, window_s=window_s, hop_s=hop_s, workers=0
    )
    window, hop = round((window_s or 2.0) * 16_000), round((hop_s or window_s or 2.0) * 16_000)
    starts = _starts(len(waveform_T), window, hop)
    table = pyarrow.parquet.read_table(out.out)
    assert (table.num_rows, out.num_frames, out.unit) == (len(starts), len(starts), "windows")
    nanoseconds = [[time.value for time in table[name].to_pandas()] for name in ("start", "end")]
    ends = [min(start + window, len(waveform_T)) for start in starts]
    assert nanoseconds == [[round(sample / 16_000 * 1e9) for sample in samples] for samples in (starts, ends)]
    expected = [by_hand(waveform_T[start:end]) for start, end in zip(starts, ends, strict=True)]
    np.testing.assert_allclose(np.stack(table["embedding"].to_numpy()), expected, atol=2e-7)


def test_windows_side_by_side_average_to_the_clip(sound, tmp_path: Path) -> None:
    path, _ = sound
    embed(TINY, [str(path)], out=tmp_path / "clip.parquet", workers=0)
    embed(TINY, [str(path)], out=tmp_path / "windows.parquet", per_window=True, workers=0)
    clip, windows = (pyarrow.parquet.read_table(tmp_path / f"{name}.parquet") for name in ("clip", "windows"))
    lengths_S = [
        (end - start).value for start, end in zip(windows["start"].to_pandas(), windows["end"].to_pandas(), strict=True)
    ]
    mean_D = np.average(np.stack(windows["embedding"].to_numpy()), axis=0, weights=lengths_S)
    np.testing.assert_allclose(np.array(clip["embedding"][0].as_py()), mean_D, atol=2e-7)


@pytest.mark.parametrize("workers", [0, 2])
def test_pieces_of_a_long_file_make_the_same_time_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    path = tmp_path / "wavs" / "a.wav"
    write_wav(path, 40.3)
    tables = []
    for piece_s in (1e9, 5.0):
        monkeypatch.setattr(_embed_pieces, "PIECE_S", piece_s)
        given = {"per_window": True, "window_s": 1.0, "hop_s": 0.4, "cache": tmp_path / str(piece_s)}
        out = embed(TINY, [str(path)], out=tmp_path / "a.parquet", workers=workers, **given)
        tables.append(pyarrow.parquet.read_table(out.out))
    assert tables[0].equals(tables[1])


def test_a_time_line_starts_where_its_clip_does_and_is_made_once(sound, tmp_path: Path) -> None:
    path, waveform_T = sound
    (tmp_path / "clips.csv").write_text(f"file,start,end,label\n{path},3.0,5.5,a\n", encoding="utf-8")
    given = {"out": tmp_path / "a.csv", "per_window": True, "window_s": 1.0, "workers": 0}
    made = embed(TINY, [f"csv/{tmp_path / 'clips.csv'}"], **given)
    again = embed(TINY, [f"csv/{tmp_path / 'clips.csv'}"], **given)
    assert (made.newly_embedded, again.newly_embedded, again.num_frames) == (1, 0, 3)
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["start"] for row in rows] == [f"0 days 00:00:0{second}.000000000" for second in (3, 4, 5)]
    assert rows[-1]["end"] == "0 days 00:00:05.500000000"
    expected_D = by_hand(waveform_T[80_000:88_000])
    np.testing.assert_allclose([float(rows[-1][f"embedding_{place}"]) for place in range(4)], expected_D, atol=2e-7)


def test_a_window_longer_than_the_file_is_one_row_padded_as_the_card_says(tmp_path: Path) -> None:
    waveform_T = write_wav(tmp_path / "wavs" / "a.wav", 0.03)
    out = embed(TINY, [str(tmp_path / "wavs")], out=tmp_path / "a.parquet", per_window=True, window_s=1.5, workers=0)
    table = pyarrow.parquet.read_table(out.out)
    assert [table[name][0].as_py().total_seconds() for name in ("start", "end")] == [0.0, 0.03]
    np.testing.assert_allclose(table["embedding"][0].as_py(), by_hand(waveform_T), atol=2e-7)


def test_a_model_that_takes_audio_whole_is_given_windows(sound, tmp_path: Path) -> None:
    path, _ = sound
    given = {"out": tmp_path / "a.parquet", "per_window": True, "workers": 0}
    with pytest.raises(ModelError, match=r"trivial takes audio whole and has no windows of its own: give --window-s"):
        embed("trivial", [str(path)], **given)
    assert embed("trivial", [str(path)], window_s=1.0, **given).num_frames == 10


@pytest.mark.parametrize(
    ("window_s", "hop_s", "words"),
    [
        (0.05, None, "needs 0.1 s or more"),
        (2.5, None, "takes 2 s at most"),
        (1.0, 1.5, "would leave gaps"),
        (0.0, None, "must be above 0"),
        (float("nan"), None, "must be above 0"),
        (1.0, -1.0, "must be above 0"),
        (1.0, 1e-9, "hold a sample"),
    ],
)
def test_windows_that_the_card_does_not_allow_are_refused(window_s, hop_s, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        in_windows(open_model(TINY), window_s=window_s, hop_s=hop_s)


def test_what_does_not_go_together_is_refused(sound, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give --per-window with them"):
        embed(TINY, [str(sound[0])], out=tmp_path / "a.csv", window_s=1.0)
    with pytest.raises(DataError, match="give one of them"):
        embed(TINY, [str(sound[0])], out=tmp_path / "a.parquet", frames=True, per_window=True)


def test_other_windows_are_another_store_and_clips_keep_theirs() -> None:
    model = open_model(TINY)
    facts = [model.facts] + [in_windows(model, window_s=size, hop_s=hop).facts for size, hop in SIZES[:4]]
    assert len({repr(one) for one in facts}) == len(facts)
    assert in_windows(model, window_s=2.0, hop_s=2.0).facts == in_windows(model).facts


def test_a_time_line_in_python(sound) -> None:
    path, waveform_T = sound
    model = noss.load_model(TINY)
    line = model.timeline(path, window_s=1.0, hop_s=0.5)
    starts = _starts(len(waveform_T), 16_000, 8_000)
    np.testing.assert_allclose(line.starts_S, np.array(starts) / 16_000)
    assert line.ends_S[-1] == pytest.approx(9.33, abs=1e-4)
    expected_SD = [by_hand(waveform_T[start : start + 16_000]) for start in starts]
    np.testing.assert_allclose(line.embeddings_SD, expected_SD, atol=2e-7)
    segment = model.timeline(Clip(path=path, labels={}, start_s=2.0, end_s=4.0), window_s=1.0)
    np.testing.assert_allclose(segment.starts_S, [2.0, 3.0])
    of_array = model.timeline(waveform_T, sample_rate=16_000, window_s=1.0, hop_s=0.5)
    np.testing.assert_allclose(of_array.embeddings_SD, line.embeddings_SD, atol=1e-7)


def test_the_command_line_makes_a_time_line(sound, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["embed", TINY, str(sound[0]), "--out", str(tmp_path / "a.csv"), "--per-window", "--workers", "0"]
    with pytest.raises(SystemExit) as exit_:
        main([*words, "--window-s", "1.0", "--hop-s", "0.5"])
    assert exit_.value.code == 0
    assert "18 windows of 1 x 4" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        main([*words, "--window-s", "5"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
