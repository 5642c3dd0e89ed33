"""YAMNet and the speech embedding: found where they may lie, right on real weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from noss.errors import ModelError
from noss.models import litert, onnx, speech_embedding, yamnet

RATE = 16_000


def _tone(seconds: float) -> torch.Tensor:
    time = torch.arange(int(seconds * RATE)) / RATE
    return (0.3 * torch.sin(2 * torch.pi * 440 * time) * (1 + torch.sin(2 * torch.pi * 3 * time)) / 2)[None]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without weights."""
    for name in ("NOSS_WEIGHTS", "NOSS_DATA", "NOSS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    return tmp_path


@pytest.mark.parametrize(("module", "name"), [(yamnet, "yamnet"), (speech_embedding, "speech_embedding")])
def test_missing_weights_say_where_to_put_them(module: object, name: str, nowhere: Path) -> None:
    with pytest.raises(
        ModelError, match=rf"weights of {name} are not here: .* must lie in {nowhere}/noss/weights/{name}.*{name}/PATH"
    ):
        module.card("")  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match=r"no file .*gone"):
        module.card(str(nowhere / "gone"))  # type: ignore[attr-defined]


def test_weights_are_found_in_the_folders_in_order(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"cache": nowhere / "noss" / "weights", "data": nowhere / "data" / "weights", "own": nowhere / "own"}
    for place in places.values():
        (place / "yamnet").mkdir(parents=True)
        (place / "yamnet" / "yamnet.tflite").write_bytes(b"weights")
    assert yamnet.card("").weights == str(places["cache"] / "yamnet" / "yamnet.tflite")
    monkeypatch.setenv("NOSS_DATA", str(nowhere / "data"))
    assert yamnet.card("").weights == str(places["data"] / "yamnet" / "yamnet.tflite")
    monkeypatch.setenv("NOSS_WEIGHTS", str(nowhere / "own"))
    assert yamnet.card("").weights == str(places["own"] / "yamnet" / "yamnet.tflite")


def test_yamnet_gives_a_frame_every_480_ms_last_piece_included(noss_data: Path) -> None:
    embed = yamnet.build(str(noss_data / "weights" / "yamnet" / "yamnet.tflite"))
    frames, lengths = embed(_tone(2.0), torch.tensor([2 * RATE]))
    assert frames.shape == (1, 1, 4, 1024)  # windows at 0, 0.48, 0.96 and 1.44 s; the last ends behind 2 s
    assert lengths.tolist() == [4]
    assert frames.min() >= 0  # a mean of rectified units


def test_yamnet_is_the_inner_tensor_of_its_graph(noss_data: Path, tmp_path: Path) -> None:
    """The wrapper for any LiteRT graph gives the same, and the scores on top tell a tone from a voice."""
    path = tmp_path / "yamnet.tflite"
    shutil.copy(noss_data / "weights" / "yamnet" / "yamnet.tflite", path)
    waveform, lengths = _tone(0.975), torch.tensor([15_600])
    scores, _ = litert.build(str(path))(waveform, lengths)
    output = "yamnet_frames/global_average_pooling2d/Mean"
    facts = {"sample_rate": RATE, "dim": 1024, "window": 15_600, "hop": 7_680, "output": output}
    (tmp_path / "yamnet.tflite.card.json").write_text(json.dumps(facts), encoding="utf-8")
    torch.testing.assert_close(
        litert.build(str(path))(waveform, lengths)[0], yamnet.build(str(path))(waveform, lengths)[0]
    )
    assert scores.shape == (1, 1, 1, 521)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_the_speech_embedding_equals_its_graphs_run_by_hand(noss_data: Path) -> None:
    import onnxruntime

    folder = noss_data / "weights" / "speech_embedding"
    mel, model = (
        onnxruntime.InferenceSession(str(folder / name)) for name in ("melspectrogram.onnx", "embedding_model.onnx")
    )
    waveform = _tone((512 + 160 * (76 + 8 * 3 - 1)) / RATE)  # four windows, no padding
    (logmel,) = mel.run(None, {"input": waveform.numpy() * 32_767})
    frames = logmel[0, 0] / 10 + 2
    expected = [
        model.run(None, {"input_1": frames[None, 8 * k : 8 * k + 76, :, None]})[0].reshape(96) for k in range(4)
    ]
    found, lengths = speech_embedding.build(str(folder))(waveform, torch.tensor([waveform.shape[1]]))
    assert lengths.tolist() == [4]
    np.testing.assert_allclose(found[0, 0].numpy(), expected, rtol=1e-5, atol=1e-4)


def test_a_card_file_of_ones_own_gives_the_speech_embedding(noss_data: Path, tmp_path: Path) -> None:
    """The card file that a user writes for these two graphs; it lies outside their read-only folder."""
    folder = noss_data / "weights" / "speech_embedding"
    front_end = {"model": str(folder / "melspectrogram.onnx"), "window": 512, "hop": 160, "multiply": 0.1, "add": 2.0}
    facts = {
        "model": str(folder / "embedding_model.onnx"),
        "sample_rate": RATE,
        "dim": 96,
        "scale": 32_767.0,
        "window": 76,
        "hop": 8,
        "front_end": front_end,
        "licence": "Apache-2.0",
        "source": "https://arxiv.org/abs/2002.01322",
    }
    (tmp_path / "speech_embedding.card.json").write_text(json.dumps(facts), encoding="utf-8")
    waveform, lengths = _tone(1.7), torch.tensor([int(1.7 * RATE)])
    own = onnx.build(str(tmp_path / "speech_embedding.card.json"))(waveform, lengths)[0]
    torch.testing.assert_close(own, speech_embedding.build(str(folder))(waveform, lengths)[0])
