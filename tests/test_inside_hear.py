"""Inside HEAR: any model as its module, checked by HEAR's own validator, and there and back again."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import noss
import tiny_models
from noss.errors import AudioError, ModelError
from noss.interchange import hear

RATE = 16_000
FRAMES = """
import torch
from noss.models import Card

CARDS = {{"": Card(sample_rate={rate}, frame_rate={frame_rate}, dim=2, layers={layers}, source="", licence="", weights=None,
                   window_s={window_s}, min_s={min_s})}}


def build(choice):
    def embed(waveform_BT, lengths_B):
        # A frame every 10 ms: the mean and the loudest sample of 160.
        pieces = waveform_BT[:, : waveform_BT.shape[1] // 160 * 160].reshape(len(waveform_BT), 1, -1, 160)
        frames = torch.stack([pieces.mean(-1), pieces.amax(-1)], dim=-1).expand(-1, {layers}, -1, -1)
        return frames, lengths_B // 160
    return embed
"""


def framewise(
    folder: Path,
    *,
    rate: int = RATE,
    frame_rate: float = 100.0,
    layers: int = 1,
    window_s: float | None = 1.0,
    min_s: float = 0.01,
) -> str:
    text = FRAMES.format(rate=rate, frame_rate=frame_rate, layers=layers, window_s=window_s, min_s=min_s)
    path = folder / f"frames_{frame_rate:g}_{rate}_{layers}.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def noise(num_clips: int, seconds: float, *, seed: int = 0) -> torch.Tensor:
    return 0.3 * torch.randn(num_clips, int(seconds * RATE), generator=torch.Generator().manual_seed(seed))


def embedded(name: str, audio: torch.Tensor) -> np.ndarray:
    return noss.load_model(name).embed(list(audio.numpy()), sample_rate=RATE)


def name_of(model: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if model == "yamnet":
        request.getfixturevalue("noss_data")
    if model == "transformer":
        pytest.importorskip("transformers")
        return f"transformers/{tiny_models.transformer('wav2vec2_group', folder / 'w2v')}@2"
    return model


@pytest.mark.slow
@pytest.mark.parametrize("model", ["logmel_stats", "yamnet", "transformer"])
def test_hears_own_validator_passes(model: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("hearvalidator", reason="pip install --no-deps hearvalidator==2021.0.2, beside a TensorFlow")
    name = name_of(model, tmp_path, request)
    command = [sys.executable, "-m", "hearvalidator.validate", "noss.interchange.hear", "-m", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("Looks good!")
    assert "UserWarning: We suggest a interval" not in done.stderr


@pytest.mark.parametrize("seconds", [0.05, 1.0, 3.3])
def test_scene_embeddings_are_those_of_noss_embed(seconds: float, tmp_path: Path) -> None:
    audio = noise(3, seconds)
    for name in ("logmel_stats", framewise(tmp_path)):
        model = hear.load_model(name)
        scenes = hear.get_scene_embeddings(audio, model)
        assert scenes.dtype == torch.float32
        assert scenes.shape == (3, model.scene_embedding_size)
        np.testing.assert_allclose(scenes.numpy(), embedded(name, audio), rtol=1e-5, atol=1e-6)


def test_a_models_own_frames_are_its_timestamp_embeddings_across_windows(tmp_path: Path) -> None:
    audio = noise(2, 2.345)  # windows of 1 s: the last one is 0.345 s
    frames, times = hear.get_timestamp_embeddings(audio, hear.load_model(framewise(tmp_path)))
    assert frames.shape == (2, 234, 2)
    torch.testing.assert_close(frames[..., 0], audio[:, : 234 * 160].reshape(2, 234, 160).mean(-1))
    torch.testing.assert_close(times, (torch.arange(234) * 10.0 + 5.0).expand(2, -1))


def test_a_frame_that_a_window_lacks_at_its_end_is_the_one_before_it(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    name = f"transformers/{tiny_models.transformer('wav2vec2_group', tmp_path / 'w2v')}@2"
    vectors, times = hear.get_timestamp_embeddings(noise(1, 2.0), hear.load_model(name))
    assert (vectors.shape[1], float(times[0, -1])) == (100, 1990.0)  # wav2vec 2.0 gives 99 frames for 2 s
    torch.testing.assert_close(vectors[:, 99], vectors[:, 98], rtol=0, atol=0)
    assert not torch.equal(vectors[:, 98], vectors[:, 97])


def test_coarse_frames_give_way_to_a_window_of_a_second_around_every_50_ms(tmp_path: Path) -> None:
    audio, name = noise(2, 2.0), framewise(tmp_path, frame_rate=12.5, window_s=30.0)
    vectors, times = hear.get_timestamp_embeddings(audio, hear.load_model(name))
    assert vectors.shape == (2, 40, 2)
    torch.testing.assert_close(times[1], torch.arange(40) * 50.0 + 25.0)
    middle = embedded(name, audio[:, 800 * 20 + 400 - 8000 : 800 * 20 + 400 + 8000])  # around 1.025 s
    np.testing.assert_allclose(vectors[:, 20].numpy(), middle, rtol=1e-5, atol=1e-6)
    start = embedded(name, torch.nn.functional.pad(audio[:, :8400], (7600, 0)))  # around 0.025 s
    np.testing.assert_allclose(vectors[:, 0].numpy(), start, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("seconds", [0.01, 0.06, 1.0, 1.99])
def test_timestamps_are_evenly_spaced_and_one_a_vector(seconds: float, tmp_path: Path) -> None:
    for name in ("logmel_stats", framewise(tmp_path), framewise(tmp_path, frame_rate=20.0)):
        vectors, times = hear.get_timestamp_embeddings(noise(2, seconds), hear.load_model(name))
        assert vectors.shape[:2] == times.shape
        steps = times.diff(dim=1)
        assert torch.all((steps - steps.mean()).abs() < 1e-3) or times.shape[1] == 1


def test_a_model_is_named_by_the_weights_by_an_option_or_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hear.VARIABLE, "mfcc_stats")
    assert hear.load_model().scene_embedding_size == 80
    assert hear.load_model("logmel_stats").scene_embedding_size == 448
    assert hear.load_model("mfcc_stats", name="logmel_stats").scene_embedding_size == 448
    monkeypatch.delenv(hear.VARIABLE)
    with pytest.raises(
        ModelError, match=r"no model is named: give one as the weights or the option name .* set NOSS_HEAR"
    ):
        hear.load_model()


def test_what_hear_has_no_room_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives 3 layers and HEAR takes one vector a clip: name a layer, as NAME@6"):
        hear.load_model(framewise(tmp_path, layers=3))
    with pytest.raises(ModelError, match="takes 8000 Hz and HEAR has 16000, 22050, 44100, 48000"):
        hear.load_model(framewise(tmp_path, rate=8000))
    for audio in (torch.zeros(RATE), torch.zeros(2, 0)):
        with pytest.raises(AudioError, match=r"audio has shape .* and sounds \(B, T\) of one length are needed"):
            hear.get_scene_embeddings(audio, hear.load_model("logmel_stats"))


@pytest.mark.parametrize("model", ["logmel_stats", "yamnet", "transformer"])
def test_there_and_back_again_the_vectors_are_the_same(
    model: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, audio = name_of(model, tmp_path, request), noise(2, 1.5)
    monkeypatch.setenv(hear.VARIABLE, name)  # a layer in the name would be taken for one of the module's
    np.testing.assert_allclose(
        embedded("hear/noss.interchange.hear", audio), embedded(name, audio), rtol=1e-5, atol=1e-6
    )


def test_a_hear_module_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tiny_models.hear_module(tmp_path / "tiny_hear.py")
    original = runpy.run_path(str(path))
    audio, model = noise(2, 1.5), original["load_model"]()
    ours = hear.load_model(f"hear/{path.with_suffix('')}")
    wanted = original["get_scene_embeddings"](audio, model)
    torch.testing.assert_close(hear.get_scene_embeddings(audio, ours), wanted.detach())
    fine = hear.load_model(f"hear/{path.with_suffix('')}@timestamps")
    frames, _ = original["get_timestamp_embeddings"](audio, model)
    torch.testing.assert_close(hear.get_timestamp_embeddings(audio, fine)[0], frames.detach())


def test_a_torch_model_counts_its_parameters_and_moves(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    model = hear.load_model(f"transformers/{tiny_models.transformer('wav2vec2_group', tmp_path / 'w2v')}@2")
    assert sum(weights.numel() for weights in model.parameters()) > 1000
    assert not model.training


def test_importing_the_module_imports_no_torch() -> None:
    code = "import sys, noss.interchange.hear; print('torch' in sys.modules)"
    environment = {**os.environ, hear.VARIABLE: "logmel_stats"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "False"
