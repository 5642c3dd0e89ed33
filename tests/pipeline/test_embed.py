"""Embeddings are those that can be worked out by hand, each made once, and the table says whose they are."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import tiny_model
from tiny_model import by_hand, write_wav

from noss.datasets import Clip
from noss.errors import DataError, ModelError
from noss.identity import clip_ids
from noss.pipeline import _embed_worker
from noss.pipeline._models import open_model
from noss.pipeline.embed import Embedded, embed, embed_clips

TINY = str(Path(tiny_model.__file__))
LENGTHS_S = [0.01, 0.1, 0.35, 0.5, 1.0, 1.0, 1.99, 2.0, 2.01, 3.3, 7.77, 0.613]


def _embed(paths: list[Path], cache: Path, *, model: str = TINY, **options) -> Embedded:
    clips = [path if isinstance(path, Clip) else Clip(path=path, labels={}) for path in paths]
    return embed_clips(open_model(model, cache=cache), clips, ids=clip_ids(clips, cache=cache), cache=cache, **options)


def _vectors(done: Embedded) -> np.ndarray:
    return done.store.lookup([str(name) for name in done.ids])[:, 0]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINY_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


@pytest.fixture
def sounds(tmp_path: Path) -> tuple[list[Path], list[np.ndarray]]:
    paths = [tmp_path / "wavs" / f"{number}.wav" for number in range(len(LENGTHS_S))]
    return paths, [
        write_wav(path, seconds, seed=seed) for seed, (path, seconds) in enumerate(zip(paths, LENGTHS_S, strict=True))
    ]


@pytest.mark.parametrize(("choice", "workers"), [("", 0), ("", 2), ("equal", 0), ("equal", 2)])
def test_embeddings_are_those_worked_out_by_hand(sounds, tmp_path: Path, choice: str, workers: int) -> None:
    paths, waveforms = sounds
    done = _embed(paths, tmp_path, model=f"{TINY}/{choice}", workers=workers)
    expected = np.stack([by_hand(waveform_T) for waveform_T in waveforms])
    np.testing.assert_allclose(_vectors(done), expected, atol=2e-7)
    assert (done.failures, done.newly_embedded) == ([], len(paths))
    np.testing.assert_allclose(done.store.durations_s(done.ids), LENGTHS_S, atol=1e-4)


def test_a_model_without_window_takes_any_length_whole(sounds, tmp_path: Path) -> None:
    paths, waveforms = sounds
    expected = [by_hand(waveform_T, window=10**9, shortest=160) for waveform_T in waveforms]
    np.testing.assert_allclose(_vectors(_embed(paths, tmp_path, model=f"{TINY}/whole", workers=0)), expected, atol=2e-7)


def test_a_long_clip_is_streamed_and_gives_the_same(sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths, waveforms = sounds
    monkeypatch.setattr(_embed_worker, "WHOLE_S", 0.0)
    expected = np.stack([by_hand(waveform_T) for waveform_T in waveforms])
    np.testing.assert_allclose(_vectors(_embed(paths, tmp_path, workers=0)), expected, atol=2e-7)


def test_ten_minutes_are_the_length_weighted_mean_of_their_windows(tmp_path: Path) -> None:
    waveform_T = write_wav(tmp_path / "long.flac.wav", 600.7, seed=3)
    done = _embed([tmp_path / "long.flac.wav"], tmp_path)
    np.testing.assert_allclose(_vectors(done)[0], by_hand(waveform_T), atol=2e-7)
    assert done.store.durations_s(done.ids) == pytest.approx([600.7])


@pytest.mark.parametrize("batch_s", [0.001, 3.0, 1000.0])
def test_the_batch_size_does_not_change_the_vectors(sounds, tmp_path: Path, batch_s: float) -> None:
    one_by_one = np.stack(
        [_vectors(_embed([path], tmp_path / f"alone{path.stem}", workers=0))[0] for path in sounds[0]]
    )
    together = _vectors(_embed(sounds[0], tmp_path / "together", workers=0, batch_s=batch_s))
    np.testing.assert_allclose(together, one_by_one, atol=1e-7)


def test_a_segment_is_embedded_as_if_it_were_a_file(sounds, tmp_path: Path) -> None:
    paths, waveforms = sounds
    clip = Clip(path=paths[10], labels={}, start_s=1.5, end_s=6.25)
    done = _embed([clip], tmp_path, workers=0)
    np.testing.assert_allclose(_vectors(done)[0], by_hand(waveforms[10][24_000:100_000]), atol=2e-7)
    assert done.store.durations_s(done.ids) == pytest.approx([4.75])


def test_nothing_is_embedded_twice(sounds, tmp_path: Path, log: Path) -> None:
    paths = sounds[0]
    (tmp_path / "copy.wav").write_bytes(paths[3].read_bytes())
    assert _embed([paths[3], tmp_path / "copy.wav", paths[3]], tmp_path, workers=0).newly_embedded == 1
    assert _embed(paths[:6], tmp_path).newly_embedded == 5
    assert _embed(paths[:6], tmp_path).newly_embedded == 0
    assert len(log.read_text().split()) == 6


def test_a_changed_model_file_or_option_makes_new_embeddings(sounds, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(Path(TINY).read_text())
    first = open_model(str(own), cache=tmp_path)
    assert open_model(str(own), cache=tmp_path).revision == first.revision
    assert open_model(str(own), cache=tmp_path, scale=2.0).revision != first.revision
    assert open_model(f"{own}/equal", cache=tmp_path).revision != first.revision
    own.write_text(Path(TINY).read_text() + "\n# changed\n")
    assert open_model(str(own), cache=tmp_path).revision != first.revision


def test_the_store_knows_how_fast_it_was(sounds, tmp_path: Path) -> None:
    seconds, audio_s, device = _embed(sounds[0], tmp_path).store.speed()
    assert audio_s == pytest.approx(sum(LENGTHS_S), abs=1e-3)
    assert 0 < seconds < 60
    assert "core" in device


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{TINY}/broken", "cannot be built .OSError: weights are gone"),
        (f"{TINY}/liar", "card promises"),
        (f"{TINY}/equol", "did you mean .*equal"),
        (f"{TINY}@3", "no option 'layer': its options are scale"),
    ],
)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_model_that_does_not_keep_its_word_stops_the_run(
    sounds, tmp_path: Path, name: str, message: str, workers: int
) -> None:
    with pytest.raises(ModelError, match=message):
        _embed(sounds[0], tmp_path, model=name, workers=workers)


def test_the_table_has_audformats_index_and_the_real_ends(sounds, tmp_path: Path) -> None:
    paths = sounds[0]
    done = embed(TINY, [str(tmp_path / "wavs")], out=tmp_path / "out.parquet", cache=tmp_path, workers=0)
    table = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pandas()
    assert list(table.columns) == ["file", "start", "end", "embedding"]
    assert sorted(table.file) == sorted(map(str, paths))
    by_file = table.set_index("file")
    ends = [by_file.end[str(path)].total_seconds() for path in paths]
    np.testing.assert_allclose(ends, LENGTHS_S, atol=1e-4)
    expected = np.stack([by_hand(waveform_T) for waveform_T in sounds[1]])
    np.testing.assert_allclose(np.stack([by_file.embedding[str(path)] for path in paths]), expected, atol=2e-7)
    assert (done.num_clips, done.dim, done.failures) == (12, 4, [])
    assert "12 x 4 (12 embedded now, 0 known)" in str(done)


def test_the_csv_table_says_the_same(sounds, tmp_path: Path) -> None:
    import pandas as pd

    for out in ("out.parquet", "out.csv"):
        embed(TINY, [str(path) for path in sounds[0]], out=tmp_path / out, cache=tmp_path, workers=0)
    table = pd.read_csv(tmp_path / "out.csv")
    parquet = pd.read_parquet(tmp_path / "out.parquet")
    assert pd.to_timedelta(table.end).tolist() == parquet.end.tolist()
    np.testing.assert_allclose(table.filter(like="embedding_").to_numpy(), np.stack(parquet.embedding), rtol=1e-6)


def test_files_that_are_not_audio_are_listed_and_the_rest_is_written(sounds, tmp_path: Path) -> None:
    (tmp_path / "wavs" / "text.wav").write_text("not audio at all")
    (tmp_path / "wavs" / "empty.wav").write_bytes(b"")
    done = embed(TINY, [str(tmp_path / "wavs"), str(tmp_path / "no.wav")], out=tmp_path / "out.parquet", cache=tmp_path)
    assert sorted(Path(failure.file).name for failure in done.failures) == ["empty.wav", "no.wav", "text.wav"]
    assert {failure.stage for failure in done.failures} == {"read"}
    assert pyarrow.parquet.read_metadata(tmp_path / "out.parquet").num_rows == 12


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("wavs", "out.xlsx", r"ends in \.parquet or \.csv"),
        ("nothing", "o.csv", "no audio below"),
        ("a.txt", "o.csv", "not an audio file"),
    ],
)
def test_a_wrong_request_is_refused_before_any_work(tmp_path: Path, source: str, out: str, message: str) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "wavs").mkdir()
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(DataError, match=message):
        embed(TINY, [str(tmp_path / source)], out=tmp_path / out, cache=tmp_path)


def test_other_rates_are_resampled_and_channels_mixed_down(tmp_path: Path) -> None:
    tone_T = 0.04 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone_T, -0.5 * tone_T], axis=1), 48_000, subtype="FLOAT")
    vector_D = _vectors(_embed([tmp_path / "stereo.wav"], tmp_path, workers=0))[0]
    assert vector_D[1] == pytest.approx((0.04 * 0.25) ** 2 / 2, rel=0.02)


def test_batches_hold_clips_of_like_length_and_all_of_them() -> None:
    from noss.pipeline._embed_buffer import Buffer, Chunk

    lengths = np.random.default_rng(0).integers(100, 10_000, 500)
    for equal, budget in itertools.product([False, True], [50, 20_000]):
        buffer = Buffer(budget=budget, equal=equal)
        chunks = [Chunk(slot, np.zeros(length, np.float32), 1) for slot, length in enumerate(lengths)]
        groups = [group for chunk in chunks for group in buffer.add(chunk)] + list(buffer.drain())
        assert sorted(chunk.slot for group in groups for chunk in group) == list(range(500))
        for group in groups:
            sizes = [len(chunk.waveform_T) for chunk in group]
            assert len(group) == 1 or len(group) * max(sizes) <= budget
            assert max(sizes) <= (min(sizes) if equal else 1.26 * min(sizes))
