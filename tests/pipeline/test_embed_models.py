"""A model is found by its name, known by what shapes its vectors, and used from Python as from the command line."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_model
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from tiny_model import RAISES, by_hand, write_wav

from noss.datasets import Clip
from noss.errors import AudioError, Failure, ModelError, UnknownPartError
from noss.estimators import SpeechEmbedder
from noss.identity import clip_ids
from noss.pipeline._embed_machine import cores, spread
from noss.pipeline._models import load_model, open_model
from noss.pipeline._models_weights import hashes
from noss.pipeline.embed import embed_clips

TINY = str(Path(tiny_model.__file__))

WITH_WEIGHTS = """
from noss.models import Card
CARDS = {{"": Card(sample_rate=16000, frame_rate=0.0, dim=1, source="", licence="", weights={weights!r})}}
def build(choice):
    return lambda waveform_BT, lengths_B: (waveform_BT.mean(1)[:, None, None, None], lengths_B * 0 + 1)
"""

VECTORS = """
import numpy as np
from noss.models import Card
def card(choice):
    return Card(sample_rate=16000, frame_rate=0.0, dim=2, source="", licence="", weights=choice)
def lookup(choice, keys):
    rows = dict(line.split(",") for line in open(choice).read().split())
    found = np.array([path.name in rows for path, _, _ in keys])
    return np.array([[float(rows.get(path.name, 0)), start] for path, start, _ in keys], dtype=np.float32), found
"""


def _model(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "own.py").write_text(text)
    return folder / "own.py"


def test_weights_count_by_their_bytes_and_not_by_their_place(tmp_path: Path) -> None:
    for name, content in {"a": b"one", "b": b"one", "c": b"two"}.items():
        (tmp_path / name).write_bytes(content)
    a, b, c = (hashes(str(tmp_path / name), memo=tmp_path / "memo") for name in "abc")
    assert a == b != c
    assert hashes("https://elsewhere/w.bin#sha256=00", memo=tmp_path / "memo") == "https://elsewhere/w.bin#sha256=00"


def test_weights_that_are_not_what_the_card_says_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"weights")
    right = hashlib.sha256(b"weights").hexdigest()
    open_model(str(_model(tmp_path / "right", WITH_WEIGHTS.format(weights=f"{tmp_path}/w.bin#sha256={right}"))))
    wrong = _model(tmp_path / "wrong", WITH_WEIGHTS.format(weights=f"{tmp_path}/w.bin#sha256={'0' * 64}"))
    with pytest.raises(ModelError, match="fetch the weights again"):
        open_model(str(wrong))


FETCHES = """
from pathlib import Path
from noss.models import Card
HERE = Path(__file__).parent / "w.bin"
def card(choice):
    proofs = f"{HERE}#sha256={choice}" if HERE.exists() else ""
    return Card(sample_rate=16000, frame_rate=0.0, dim=1, source="", licence="", weights="https://elsewhere", proofs=proofs)
def build(choice):
    HERE.write_bytes(b"weights")
    return lambda waveform_BT, lengths_B: (waveform_BT.mean(1)[:, None, None, None], lengths_B * 0 + 1)
"""


def test_weights_that_are_fetched_damaged_embed_nothing(tmp_path: Path) -> None:
    name = str(_model(tmp_path / "own", FETCHES))
    clips = [Clip(path=tmp_path / "a.wav", labels={})]
    write_wav(clips[0].path, 0.2)
    given = {"ids": clip_ids(clips, cache=tmp_path), "cache": tmp_path, "workers": 0}
    for checksum, whole in ((hashlib.sha256(b"weights").hexdigest(), True), ("0" * 64, False)):
        (tmp_path / "own" / "w.bin").unlink(missing_ok=True)
        model = open_model(f"{name}/{checksum}", cache=tmp_path)
        if whole:
            assert embed_clips(model, clips, **given).newly_embedded == 1
        else:
            with pytest.raises(ModelError, match=r"w\.bin is damaged: .*; delete .*w\.bin, and it is fetched again"):
                embed_clips(model, clips, **given)


def test_unknown_names_say_what_is_near() -> None:
    with pytest.raises(UnknownPartError, match="did you mean yamnet"):
        open_model("yamnett")
    with pytest.raises(ModelError, match=r"did you mean .*whole"):
        open_model(f"{TINY}/whol")
    with pytest.raises(ModelError, match="no option 'gain': its options are scale"):
        open_model(TINY, gain=2.0)


def test_opening_a_model_does_not_load_torch(tmp_path: Path) -> None:
    code = f"import sys; from noss.pipeline._models import open_model; open_model({TINY!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_second_run_does_not_load_torch(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 0.5)
    code = (
        "import sys; from pathlib import Path; from noss.pipeline.embed import embed\n"
        f"embed({TINY!r}, [{str(tmp_path / 'a.wav')!r}], out=Path({str(tmp_path / 'o.csv')!r}), cache=Path({str(tmp_path)!r}))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_vectors_made_elsewhere_go_into_the_store(tmp_path: Path) -> None:
    own = _model(tmp_path / "own", VECTORS)
    (tmp_path / "rows").write_text("0.wav,10\n1.wav,11\n2.wav,nan\n")
    for number in range(4):
        write_wav(tmp_path / f"{number}.wav", 0.2, seed=number)
    clips = [Clip(path=tmp_path / f"{number}.wav", labels={}) for number in range(4)]
    ids = clip_ids(clips, cache=tmp_path)
    done = embed_clips(open_model(f"{own}/{tmp_path / 'rows'}"), clips, ids=ids, cache=tmp_path)
    np.testing.assert_array_equal(done.store.lookup(done.ids[:2])[:, 0], [[10, 0], [11, 0]])
    assert [failure.reason.split(" in ")[0] for failure in done.failures] == ["its row", "no row"]
    assert done.ids[2:] == [None, None]
    with pytest.raises(ModelError, match="cannot embed new audio"):
        load_model(f"{own}/{tmp_path / 'rows'}").embed([tmp_path / "0.wav"])


def test_load_model_embeds_files_clips_and_arrays_in_order(tmp_path: Path) -> None:
    waveforms = [write_wav(tmp_path / f"{seed}.wav", 0.3 + 0.7 * seed, seed=seed) for seed in range(5)]
    clip = Clip(path=tmp_path / "4.wav", labels={}, start_s=1.0, end_s=2.0)
    embeddings = load_model(TINY).embed(
        [str(tmp_path / "3.wav"), waveforms[0], tmp_path / "1.wav", clip], sample_rate=16_000
    )
    expected = [
        by_hand(waveforms[3]),
        by_hand(waveforms[0]),
        by_hand(waveforms[1]),
        by_hand(waveforms[4][16_000:32_000]),
    ]
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, expected, atol=2e-7)
    assert load_model(TINY).embed([]).shape == (0, 4)


@pytest.mark.parametrize("model", [TINY, "trivial", "yamnet", "speech_embedding", "opensmile/egemaps", "logmel_stats"])
def test_integers_are_scaled_as_a_file_of_them_is_read(tmp_path: Path, model: str) -> None:
    if "opensmile" in model:
        pytest.importorskip("opensmile")
    waveform_T = write_wav(tmp_path / "float.wav", 1.2, seed=3)
    try:
        loaded = load_model(model)
    except ModelError as error:
        pytest.skip(str(error))
    for kind, subtype in (("int16", "PCM_16"), ("int32", "PCM_32")):
        soundfile.write(tmp_path / f"{kind}.wav", waveform_T, 16_000, subtype=subtype)
        samples_T, _ = soundfile.read(tmp_path / f"{kind}.wav", dtype=kind)
        assert samples_T.dtype == kind
        from_file, from_array = loaded.embed([tmp_path / f"{kind}.wav", samples_T], sample_rate=16_000)
        np.testing.assert_array_equal(from_array, from_file)


def test_eight_bits_are_offset_binary_or_signed() -> None:
    signed_T = np.array([-128, -64, 0, 64, 127] * 400, np.int8)
    unsigned_T = (signed_T.astype(np.int16) + 128).astype(np.uint8)
    floats_T = signed_T / np.float32(128)
    rows = load_model(TINY).embed([signed_T, unsigned_T, floats_T], sample_rate=16_000)
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_array_equal(rows[1], rows[2])


def test_load_model_says_what_is_wrong_with_a_sound(tmp_path: Path) -> None:
    model = load_model(TINY)
    tone_T = np.zeros(1600, np.float32)
    with pytest.raises(AudioError, match=r"no file .*gone\.wav"):
        model.embed([tmp_path / "gone.wav"])
    with pytest.raises(AudioError, match="pass sample_rate="):
        model.embed([tone_T])
    with pytest.raises(AudioError, match="mix it down"):
        model.embed([np.zeros((2, 1600), np.float32)], sample_rate=16_000)
    for kind in (np.int64, np.uint16, np.bool_, np.complex64):
        with pytest.raises(AudioError, match=r"of floats in \[-1, 1\], int16 or int32 is needed"):
            model.embed([tone_T.astype(kind)], sample_rate=16_000)
    with pytest.raises(AudioError, match=r"floats up to 2\.5e\+04 and full scale is 1: divide them \(int16 by 32768\)"):
        model.embed([tone_T + 25_000], sample_rate=16_000)
    with pytest.raises(AudioError, match="NaN"):
        model.embed([tone_T, tone_T * np.nan], sample_rate=16_000)
    with pytest.raises(AudioError, match="a list is needed"):
        model.embed("a.wav")
    write_wav(tmp_path / "guilty.wav", 0.2, first=RAISES)
    with pytest.raises(ModelError, match="sound 0: KeyError"):
        model.embed([tmp_path / "guilty.wav"])


def test_the_estimator_gives_the_same_from_files_and_arrays(tmp_path: Path) -> None:
    waveforms = [write_wav(tmp_path / f"{seed}.wav", 0.5, seed=seed) for seed in range(3)]
    embedder = SpeechEmbedder(TINY, sample_rate=16_000, cache=tmp_path, workers=0)
    from_files = embedder.fit_transform([tmp_path / f"{seed}.wav" for seed in range(3)])
    np.testing.assert_allclose(from_files, [by_hand(waveform_T) for waveform_T in waveforms], atol=2e-7)
    np.testing.assert_allclose(embedder.transform(waveforms), from_files, atol=1e-7)
    assert [name.rsplit("_")[-1] for name in embedder.get_feature_names_out()] == ["0", "1", "2", "3"]
    with pytest.raises(AudioError, match=r"gone\.wav"):
        embedder.transform([tmp_path / "gone.wav"])


def test_the_estimator_works_in_a_pipeline_with_groups(tmp_path: Path) -> None:
    paths, labels, groups = [], [], []
    for seed in range(24):
        waveform_T = write_wav(tmp_path / f"{seed}.wav", 0.2, seed=seed)
        label = seed % 2
        soundfile.write(tmp_path / f"{seed}.wav", waveform_T * (1 + 4 * label), 16_000, subtype="FLOAT")
        paths.append(str(tmp_path / f"{seed}.wav"))
        labels.append(label)
        groups.append(seed // 4)
    learner = make_pipeline(SpeechEmbedder(TINY, cache=tmp_path, workers=0), LogisticRegression(C=1e6))
    scores = cross_val_score(learner, paths, labels, groups=groups, cv=GroupKFold(3), error_score="raise")
    np.testing.assert_array_equal(scores, 1.0)
    assert clone(learner).named_steps["speechembedder"].get_params()["model"] == TINY


def test_workers_follow_the_cores_and_a_wrong_device_is_refused() -> None:
    card = open_model(TINY).card
    assert spread(card, workers=None, device=None, batch_s=None).workers <= cores()
    assert spread(card, workers=3, device="cpu", batch_s=7.0).batch_s == 7.0
    with pytest.raises(ModelError, match="cpu only"):
        spread(card, workers=None, device="cuda", batch_s=None)
    with pytest.raises(ModelError, match="choose cpu or cuda"):
        spread(card, workers=None, device="tpu", batch_s=None)


@pytest.mark.parametrize(("said", "threads"), [("1", 1), ("2,1", 2), ("64", 4), ("0", 1), ("all", 4), ("", 4)])
def test_threads_are_no_more_than_the_environment_allows(
    said: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("noss.pipeline._embed_machine.cores", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert spread(open_model(TINY).card, workers=1, device="cpu", batch_s=None).threads == threads


def test_an_unreadable_clip_keeps_its_failure(tmp_path: Path) -> None:
    clips = [Clip(path=tmp_path / "gone.wav", labels={})]
    done = embed_clips(open_model(TINY), clips, ids=clip_ids(clips, cache=tmp_path), cache=tmp_path)
    assert done.ids == [None]
    assert isinstance(done.failures[0], Failure)
