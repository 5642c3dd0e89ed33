"""HEAR modules: scene and timestamp embeddings, and modules that break the API."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
import torch

import tiny_models
from noss.errors import ModelError
from noss.models import hear

RATE = 16_000


def _module(folder: Path) -> str:
    return str(tiny_models.hear_module(folder / "tiny_hear.py").with_suffix(""))


def test_scenes_are_one_vector_a_clip_and_timestamps_one_a_step(tmp_path: Path) -> None:
    name = _module(tmp_path)
    scene, steps = hear.card(name), hear.card(name, layer="timestamps")
    assert (scene.dim, scene.frame_rate, scene.masks_padding, scene.sample_rate) == (12, 0.0, False, RATE)
    assert (steps.dim, steps.frame_rate) == (6, 20.0)
    waveform, lengths = torch.randn(2, RATE, generator=torch.Generator().manual_seed(0)), torch.tensor([RATE, RATE])
    scenes, one = hear.build(name)(waveform, lengths)
    frames, twenty = hear.build(name, layer="timestamps")(waveform, lengths)
    assert (scenes.shape, one.tolist()) == ((2, 1, 1, 12), [1, 1])
    assert (frames.shape, twenty.tolist()) == ((2, 1, 20, 6), [20, 20])
    torch.testing.assert_close(scenes[:, 0, 0, :6], frames[:, 0].mean(1))


def test_weights_behind_a_colon_are_loaded(tmp_path: Path) -> None:
    name = _module(tmp_path)
    torch.save({"kernel": torch.zeros(6, 1, 800)}, tmp_path / "zeros.pt")
    waveform, lengths = torch.ones(1, RATE), torch.tensor([RATE])
    assert hear.build(name)(waveform, lengths)[0].abs().max() > 0
    assert hear.build(f"{name}:{tmp_path / 'zeros.pt'}")(waveform, lengths)[0].abs().max() == 0
    card = hear.card(f"{name}:{tmp_path / 'zeros.pt'}")
    assert card.weights == f"{name}.py;{tmp_path / 'zeros.pt'}"
    assert card.size_mb is not None


def test_an_importable_module_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _module(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert hear.card("tiny_hear").weights == str(tmp_path / "tiny_hear.py")


def test_a_tensorflow_model_is_fed_its_own_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow itself is stood in for by a module that marks what it converts."""

    class Own:
        def __init__(self, values: object) -> None:
            self.values = values

        def numpy(self) -> object:
            return self.values

    fake = types.ModuleType("tensorflow")
    fake.convert_to_tensor = Own  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorflow", fake)
    (tmp_path / "tf_hear.py").write_text(
        "class Model:\n    sample_rate, scene_embedding_size, timestamp_embedding_size = 16000, 2, 2\n"
        "def load_model(path=''): return Model()\n"
        "def get_scene_embeddings(audio, model): return type(audio)(audio.numpy()[:, :2])\n"
        "def get_timestamp_embeddings(audio, model): raise NotImplementedError\n",
        encoding="utf-8",
    )
    waveform = torch.randn(3, RATE)
    assert hear.card(str(tmp_path / "tf_hear")).devices == ("cpu",)
    frames, _ = hear.build(str(tmp_path / "tf_hear"))(waveform, torch.full((3,), RATE))
    torch.testing.assert_close(frames[:, 0, 0], waveform[:, :2])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1", "lacks load_model: a HEAR module defines load_model, get_scene"),
        (
            "def load_model(p=''): return object()\nget_scene_embeddings = get_timestamp_embeddings = load_model",
            "lacks sample_rate",
        ),
    ],
)
def test_a_module_without_the_api_is_refused(code: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(code, encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        hear.card(str(tmp_path / "bad"))


def test_embeddings_of_the_wrong_shape_are_refused(tmp_path: Path) -> None:
    text = tiny_models.HEAR.replace(
        "return torch.cat([steps.mean(1), steps.amax(1)], dim=1)", "return steps.mean(1)[0]"
    )
    (tmp_path / "flat.py").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"shape \(6, 1\) for 2 clips|shape \(6,\)|for 2 clips"):
        hear.build(str(tmp_path / "flat"))(torch.zeros(2, RATE), torch.tensor([RATE, RATE]))


def test_unknown_modules_and_layers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no module not_a_module: install the package"):
        hear.card("not_a_module")
    with pytest.raises(ModelError, match=r"no file .*gone\.py"):
        hear.card(str(tmp_path / "gone"))
    with pytest.raises(ModelError, match="names no module"):
        hear.card("")
    with pytest.raises(ModelError, match=r"no layer '3': leave it out .* @timestamps"):
        hear.card(_module(tmp_path), layer="3")
