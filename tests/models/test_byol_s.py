"""BYOL-S and AudioNTT: the published front end, the published net, real weights, and padding that does not leak."""

from __future__ import annotations

import zipfile
from pathlib import Path

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from noss.errors import ModelError
from noss.models import audiontt, byol_s
from noss.models._audiontt import AudioNTTEmbedder, CentredLogMel, Size

RATE = 16_000
EPS = float(np.finfo(np.float32).eps)
VOICE = np.random.default_rng(0).standard_normal(20_000) * np.hanning(20_000) * 0.1


def _logmel(waveform_T: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-mel (M, S) as torchaudio's `MelSpectrogram` has it, from librosa's transform and its HTK frequencies."""
    power = np.abs(librosa.stft(waveform_T, n_fft=1024, hop_length=160, pad_mode="reflect", dtype=np.complex128)) ** 2
    edges = librosa.mel_frequencies(66, fmin=60.0, fmax=7800.0, htk=True)
    hertz = np.linspace(0.0, RATE / 2, 513)
    filters = [
        np.maximum(0.0, np.minimum((hertz - low) / (peak - low), (high - hertz) / (high - peak)))
        for low, peak, high in zip(edges, edges[1:], edges[2:], strict=False)
    ]
    return np.log(np.stack(filters) @ power + EPS)


def _convolved(
    maps_CMS: NDArray[np.float64], weight: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(maps_CMS, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))
    return np.einsum("cmsij,ocij->oms", windows, weight, optimize=True) + bias[:, None, None]


def _reference(waveform_T: NDArray[np.float64], weights: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The published net by hand, in float64, on one clip."""
    logmel_MS = _logmel(waveform_T)
    maps = ((logmel_MS - logmel_MS.mean()) / logmel_MS.std(ddof=1))[None]
    for conv in (0, 4, 8):
        norm = f"features.{conv + 1}"
        maps = _convolved(maps, weights[f"features.{conv}.weight"], weights[f"features.{conv}.bias"])
        gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + 1e-5)
        maps = (maps - weights[f"{norm}.running_mean"][:, None, None]) * gain[:, None, None]
        maps = np.maximum(maps + weights[f"{norm}.bias"][:, None, None], 0.0)
        bands, frames = maps.shape[1] // 2, maps.shape[2] // 2
        maps = maps[:, : 2 * bands, : 2 * frames].reshape(len(maps), bands, 2, frames, 2).max(axis=(2, 4))
    frames_SD = maps.transpose(2, 1, 0).reshape(maps.shape[2], -1)
    for layer in (0, 3):
        frames_SD = np.maximum(frames_SD @ weights[f"fc.{layer}.weight"].T + weights[f"fc.{layer}.bias"], 0.0)
    return frames_SD.mean(axis=0) + frames_SD.max(axis=0)


def test_the_log_mel_is_that_of_torchaudio() -> None:
    waveform = torch.tensor(VOICE, dtype=torch.float32)[None]
    found, num_frames = CentredLogMel(mean=0.0, deviation=1.0)(waveform, torch.tensor([len(VOICE)]))
    assert num_frames.tolist() == [1 + len(VOICE) // 160]
    np.testing.assert_allclose(found[0].numpy(), _logmel(VOICE).T, atol=2e-3)  # float32 where the sound fades out


@pytest.mark.parametrize("seconds", [0.07, 0.3, 1.25])
def test_byol_s_equals_the_published_net_worked_out_by_hand(noss_data: Path, seconds: float) -> None:
    path = noss_data / "weights" / "byol_s" / byol_s.WEIGHTS
    weights = {name: value.numpy().astype(np.float64) for name, value in torch.load(path, weights_only=True).items()}
    clip = VOICE[4000:][: int(seconds * RATE)]
    embed = byol_s.build(str(path))
    frames, _ = embed(torch.tensor(clip, dtype=torch.float32)[None], torch.tensor([len(clip)]))
    expected = _reference(clip, weights)
    np.testing.assert_allclose(frames[0, 0, 0].detach().numpy(), expected, atol=1e-4 * expected.max(), rtol=1e-4)


def test_the_size_is_read_from_the_file_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(AudioNTTEmbedder(Size(dim=2048)).net.state_dict(), path)
    assert byol_s.card(str(path)).dim == 2048
    assert byol_s.build(str(path)).net.fc[3].bias.shape == (2048,)
    torch.save({"fc.3.bias": torch.zeros(512)}, path)
    with pytest.raises(ModelError, match=r"does not hold the weights of AudioNTT .*Missing key"):
        byol_s.build(str(path))
    torch.save({"other": torch.zeros(7)}, path)
    with pytest.raises(ModelError, match="last tensor has 7 numbers"):
        byol_s.card(str(path))
    path.write_bytes(b"<html>")
    with pytest.raises(ModelError, match="is no file of weights"):
        byol_s.card(str(path))


def test_a_pickle_that_runs_code_is_not_run(tmp_path: Path) -> None:
    path, ran = tmp_path / "weights.pth", tmp_path / "ran"
    torch.save(AudioNTTEmbedder(Size(dim=512)).net.state_dict(), path)
    with zipfile.ZipFile(path) as archive:
        members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    evil = f"cos\nmkdir\n(S'{ran}'\ntR.".encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, evil if name.endswith("data.pkl") else data)
    with pytest.raises(ModelError, match="fetch it anew"):
        byol_s.build(str(path))
    assert not ran.exists()


def test_one_number_of_a_corpus_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="give both, or neither"):
        byol_s.build("", mean=-9.0)


@pytest.mark.parametrize("choice", audiontt.CARDS)
def test_the_parameters_are_those_of_the_card(choice: str) -> None:
    with torch.device("meta"):
        net = audiontt.build(choice).net
    assert sum(weights.numel() for weights in net.parameters()) == audiontt.CARDS[choice].num_parameters


def test_the_seed_draws_the_weights_and_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (audiontt.build("512", seed=seed).net.fc[0].weight for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_every_weight_of_the_net_learns() -> None:
    model = audiontt.build("512").train()
    frames, _ = model(torch.randn(2, 8000), torch.tensor([8000, 6000]))
    frames.square().mean().backward()
    assert [name for name, weights in model.named_parameters() if weights.grad is None or not weights.grad.any()] == []


@pytest.mark.slow
def test_the_exported_file_gives_the_same_for_any_length_and_batch(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model, path = audiontt.build("512"), tmp_path / "net.onnx"
    example = (torch.randn(2, 8000), torch.tensor([8000, 7000]))
    batch, time = torch.export.Dim("batch"), torch.export.Dim("time", min=1200)
    shapes = {"waveform_BT": {0: batch, 1: time}, "lengths_B": {0: batch}}
    torch.onnx.export(model, example, str(path), dynamic_shapes=shapes, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(str(path))
    for size, lengths in ((5000, [5000]), (20_000, [20_000, 1_500, 9_999])):
        waveform = torch.randn(len(lengths), size) * (torch.arange(size) < torch.tensor(lengths)[:, None])
        inputs = [entry.name for entry in session.get_inputs()]
        found = session.run(None, dict(zip(inputs, (waveform.numpy(), np.array(lengths)), strict=True)))[0]
        with torch.inference_mode():
            expected = model(waveform, torch.tensor(lengths))[0]
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)
