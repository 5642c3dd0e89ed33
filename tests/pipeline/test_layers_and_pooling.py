"""Layers and poolings of one model: what each vector is, by hand, and that no layer is embedded twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_layers
import tiny_model
import tiny_picks
from tiny_model import write_wav

import tiny_models
from noss import shelf
from noss.datasets import Clip
from noss.errors import ModelError
from noss.identity import clip_ids
from noss.pipeline import _embed_worker
from noss.pipeline._models import load_model, open_model
from noss.pipeline.embed import Embedded, embed_clips

TINY, LAYERS, PICKS = (str(Path(module.__file__)) for module in (tiny_model, tiny_layers, tiny_picks))
LENGTHS_S = [0.05, 0.35, 1.0, 2.0, 2.01, 5.3]


@pytest.fixture
def sounds(tmp_path: Path) -> tuple[list[Path], list[np.ndarray]]:
    paths = [tmp_path / "wavs" / f"{number}.wav" for number in range(len(LENGTHS_S))]
    waveforms = [write_wav(path, LENGTHS_S[seed], seed=seed) for seed, path in enumerate(paths)]
    return paths, waveforms


def _embed(paths: list[Path], cache: Path, *, model: str, **options) -> Embedded:
    clips = [Clip(path=path, labels={}) for path in paths]
    return embed_clips(open_model(model, cache=cache), clips, ids=clip_ids(clips, cache=cache), cache=cache, **options)


def _vectors(done: Embedded) -> np.ndarray:
    return done.store.lookup([str(name) for name in done.ids])


def _windows(waveform_T: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Length and frames (S, 4) of each window of 2 s, in double precision, padding counted as the model counts it."""
    pieces = [waveform_T[first : first + 32_000].astype(np.float64) for first in range(0, len(waveform_T), 32_000)]
    return [(len(piece_T), _frames(np.pad(piece_T, (0, max(0, 1_600 - len(piece_T)))))) for piece_T in pieces]


def _frames(piece_T: np.ndarray) -> np.ndarray:
    frames_ST = piece_T[: len(piece_T) // 160 * 160].reshape(-1, 160)
    return np.stack([frames_ST.mean(1), (frames_ST**2).mean(1), frames_ST.max(1), frames_ST.min(1)], axis=1)


def _by_hand(pooling: str, waveform_T: np.ndarray) -> np.ndarray:
    windows = _windows(waveform_T)
    every_SD = np.concatenate([frames_SD for _, frames_SD in windows])
    if pooling == "max":
        return every_SD.max(axis=0)
    if pooling == "first":
        return every_SD[0]
    weight_S = np.concatenate([np.full(len(frames_SD), size / len(frames_SD)) for size, frames_SD in windows])
    mean_D = np.average(every_SD, axis=0, weights=weight_S)
    deviation_D = np.sqrt(np.average((every_SD - mean_D) ** 2, axis=0, weights=weight_S))
    return np.concatenate([mean_D, deviation_D])


@pytest.mark.parametrize("pooling", ["mean+std", "max", "first"])
@pytest.mark.parametrize(("choice", "workers"), [("", 0), ("", 2), ("/equal", 0)])
def test_a_pooled_vector_is_that_of_all_frames_of_all_windows(
    sounds, tmp_path: Path, pooling: str, choice: str, workers: int
) -> None:
    done = _embed(sounds[0], tmp_path, model=f"{TINY}{choice}+{pooling}", workers=workers)
    expected = np.stack([_by_hand(pooling, waveform_T) for waveform_T in sounds[1]])
    np.testing.assert_allclose(_vectors(done)[:, 0], expected, atol=3e-7)


@pytest.mark.parametrize("pooling", ["mean+std", "max", "first"])
def test_a_stream_and_a_batch_of_one_pool_the_same(
    sounds, tmp_path: Path, pooling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = _vectors(_embed(sounds[0], tmp_path / "together", model=f"{TINY}+{pooling}", workers=0))
    monkeypatch.setattr(_embed_worker, "WHOLE_S", 0.0)
    alone = [
        _vectors(_embed([path], tmp_path / path.stem, model=f"{TINY}+{pooling}", workers=0, batch_s=0.001))[0]
        for path in sounds[0]
    ]
    np.testing.assert_allclose(np.stack(alone), together, atol=1e-7)


def test_what_lies_behind_a_clip_is_never_pooled() -> None:
    import torch

    from noss.pipeline._embed_pooling import POOLINGS

    frames_BLSD = torch.tensor([[1.0, 5.0, 99.0], [3.0, 4.0, 5.0]])[:, None, :, None]
    frames_BLSD[0, 0, 2] = torch.nan
    pooled = {name: one.window(frames_BLSD, torch.tensor([2, 3]))[:, 0].tolist() for name, one in POOLINGS.items()}
    assert pooled["mean"] == [[3.0], [4.0]]
    assert pooled["mean+std"] == [[3.0, 4.0], [4.0, pytest.approx(2 / 3)]]  # variances, until windows are added up
    assert pooled["max"] == [[5.0], [5.0]]
    assert pooled["first"] == [[1.0], [3.0]]


def test_the_first_frame_is_that_of_the_first_window_whatever_comes_first() -> None:
    from noss.pipeline._embed_pooling import POOLINGS

    first, deviation = POOLINGS["first"].clip(), POOLINGS["mean+std"].clip()
    for place in (2, 0, 1):
        first.add(np.full((1, 1), place, np.float32), place=place, samples=10)
        deviation.add(np.array([[place, 0.0]], np.float32), place=place, samples=10)
    np.testing.assert_array_equal(first.pooled(), [[0.0]])
    np.testing.assert_allclose(deviation.pooled(), [[1.0, np.sqrt(2 / 3)]])


def test_a_pooling_has_vectors_of_its_own_and_mean_those_there_were() -> None:
    revisions = {name: open_model(f"{TINY}{name}").revision for name in ("", "+mean", "+max", "+first", "+mean+std")}
    assert revisions[""] == revisions["+mean"]
    assert len(set(revisions.values())) == 4
    card = open_model(f"{TINY}+mean+std").card
    assert (card.dim, open_model(f"{TINY}+mean+std").frames_card.dim) == (8, 4)


def test_revisions_are_those_of_the_first_version() -> None:
    """Stores made before poolings had names are found under the same key."""
    assert open_model("trivial").revision == "bfdd50cf812f09eabdb827bcd74b87eb"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("+median", "no pooling 'median' in .*: did you mean mean"),
        ("+mean+max", r"no pooling 'mean\+max'"),
    ],
)
def test_an_unknown_pooling_is_refused(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        open_model(TINY + name)


def test_a_model_of_one_vector_a_clip_has_nothing_to_pool() -> None:
    with pytest.raises(ModelError, match=r"nothing to pool: leave \+max out"):
        open_model("trivial+max")


@pytest.mark.parametrize(
    ("name", "part", "choice", "layer", "pooling"),
    [
        ("yamnet+max", "yamnet", None, None, "max"),
        ("transformers/facebook/wav2vec2-base@6+mean+std", "transformers", "facebook/wav2vec2-base", "6", "mean+std"),
        ("./mine.py@mix+first", "./mine.py", None, "mix", "first"),
        ("onnx/./a+b.onnx", "onnx", "./a+b.onnx", None, None),
        ("onnx/./a+b.onnx+max", "onnx", "./a+b.onnx", None, "max"),
        ("transformers/./a+b/", "transformers", "./a+b/", None, None),
    ],
)
def test_a_pooling_stands_at_the_end_of_a_name(name, part, choice, layer, pooling) -> None:
    found = shelf.parse_model(name)
    assert (found.text, found.part, found.choice, found.layer, found.pooling) == (name, part, choice, layer, pooling)


@pytest.mark.parametrize("model", [LAYERS, PICKS])
@pytest.mark.parametrize("pooling", ["", "+max"])
def test_slices_of_all_layers_equal_single_layers(sounds, tmp_path: Path, model: str, pooling: str) -> None:
    whole = _vectors(_embed(sounds[0], tmp_path / "all", model=f"{model}@all{pooling}", workers=0))
    assert whole.shape == (6, 3, 4)
    for layer in range(3):
        one = _embed(sounds[0], tmp_path / str(layer), model=f"{model}@{layer}{pooling}", workers=0)
        np.testing.assert_array_equal(_vectors(one)[:, 0], whole[:, layer])


@pytest.mark.parametrize("model", [LAYERS, PICKS])
@pytest.mark.parametrize("pooling", ["", "+mean+std"])
def test_a_layer_is_copied_where_all_layers_are_there(
    sounds, tmp_path: Path, model: str, pooling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_LOG", str(tmp_path / "log"))
    whole = _embed(sounds[0][:5], tmp_path, model=f"{model}@all{pooling}", workers=0)
    seen = len((tmp_path / "log").read_text().split())
    one = _embed(sounds[0][:5], tmp_path, model=f"{model}@1{pooling}", workers=0)
    assert (one.newly_embedded, len((tmp_path / "log").read_text().split())) == (0, seen)
    np.testing.assert_array_equal(_vectors(one)[:, 0], _vectors(whole)[:, 1])
    np.testing.assert_array_equal(one.store.durations_s(one.ids), whole.store.durations_s(whole.ids))
    np.testing.assert_allclose(one.store.speed()[:2], whole.store.speed()[:2])
    assert _embed(sounds[0], tmp_path, model=f"{model}@1{pooling}", workers=0).newly_embedded == 1


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(tiny_models.TRANSFORMERS.keys() - {"clap", "encodec", "dac", "mimi"}))
def test_layers_of_every_transformer_are_those_of_one_pass(sounds, tmp_path: Path, family: str) -> None:
    """A layer is copied from the store of all: it must be the vector that the model cut off behind it gives.

    Those left out have one layer.
    """
    pytest.importorskip("transformers")
    name = f"transformers/{tiny_models.transformer(family, tmp_path / 'net')}"
    whole = _vectors(_embed(sounds[0][1:], tmp_path / "all", model=f"{name}@all", workers=0))
    for layer in range(whole.shape[1]):
        one = _vectors(_embed(sounds[0][1:], tmp_path / str(layer), model=f"{name}@{layer}", workers=0))
        np.testing.assert_allclose(one[:, 0], whole[:, layer], atol=1e-6)


def test_all_and_mix_share_a_store(sounds, tmp_path: Path) -> None:
    assert _embed(sounds[0], tmp_path, model=f"{LAYERS}@all", workers=0).newly_embedded == 6
    assert _embed(sounds[0], tmp_path, model=f"{LAYERS}@mix", workers=0).newly_embedded == 0
    assert open_model(f"{LAYERS}@mix").mixed
    assert not open_model(f"{LAYERS}@all").mixed


def test_asking_for_a_layer_leaves_no_store_of_all_behind(sounds, tmp_path: Path) -> None:
    _embed(sounds[0], tmp_path, model=f"{LAYERS}@1", workers=0)
    assert len(list((tmp_path / "embeddings").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{LAYERS}@3", "no layer '3': write @0 to @2, @all, @mix, or nothing for all"),
        (f"{TINY}@mix", "no option 'layer'"),
        (f"{PICKS}@3", "no layer '3' here"),
    ],
)
def test_a_layer_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        open_model(name)


def test_a_model_in_python_pools_and_picks_too(sounds) -> None:
    paths, waveforms = sounds
    np.testing.assert_allclose(load_model(f"{TINY}+max").embed(paths[:2])[1], _by_hand("max", waveforms[1]), atol=3e-7)
    assert load_model(f"{LAYERS}@1+first").embed(paths[:1]).shape == (1, 4)
