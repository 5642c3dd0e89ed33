"""ONNX and LiteRT graphs: fed as their card file says, and refused where it is wrong."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from noss.errors import MissingExtraError, ModelError
from noss.models import _windows, litert, onnx
from noss.pipeline._models import open_model

RATE = 16_000


def _noise(samples: int, *, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(0.1 * np.random.default_rng(seed).standard_normal(samples).astype(np.float32))[None]


def _matrix(dim: int = 8, window: int = 400) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The weights that every tiny graph multiplies a window with."""
    return np.random.default_rng(0).normal(size=(dim, window)).astype(np.float32) / 20


@pytest.mark.parametrize(("samples", "count"), [(1, 1), (400, 1), (401, 2), (560, 2), (561, 3)])
def test_windows_cover_every_sample(samples: int, count: int) -> None:
    assert _windows.count(samples, window=400, hop=160) == count
    padded = _windows.pad(np.ones(samples, np.float32), window=400, hop=160)
    windows = _windows.cut(padded, window=400, hop=160)
    assert windows.shape == (count, 400)
    assert len(padded) == 400 + 160 * (count - 1)
    assert padded.sum() == samples


def test_an_onnx_graph_without_card_file_is_read_from_its_shapes(tmp_path: Path) -> None:
    path = tiny_models.onnx_graph(tmp_path / "tiny.onnx")
    card = onnx.card(str(path))
    assert (card.dim, card.frame_rate, card.sample_rate, card.masks_padding) == (8, 100.0, RATE, False)
    assert "No card file" in card.notes
    waveform = _noise(RATE)
    frames, lengths = onnx.build(str(path))(waveform, torch.tensor([RATE]))
    expected = np.tanh(_windows.cut(waveform[0].numpy()[: 400 + 160 * 97], window=400, hop=160) @ _matrix().T)
    assert lengths.tolist() == [98]
    np.testing.assert_allclose(frames[0, 0].numpy(), expected, rtol=0, atol=1e-5)


def test_a_graph_of_one_clip_is_run_clip_by_clip(tmp_path: Path) -> None:
    one = onnx.build(str(tiny_models.onnx_graph(tmp_path / "one.onnx", batch=1)))
    many = onnx.build(str(tiny_models.onnx_graph(tmp_path / "many.onnx")))
    waveform, lengths = torch.cat([_noise(8000), _noise(8000, seed=1)]), torch.tensor([8000, 8000])
    torch.testing.assert_close(one(waveform, lengths)[0], many(waveform, lengths)[0], rtol=0, atol=1e-6)


def test_a_litert_graph_of_fixed_length_is_fed_windows(tmp_path: Path) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    card = litert.card(str(path))
    assert (card.dim, card.frame_rate, card.masks_padding) == (8, 40.0, True)
    waveform = _noise(900)
    frames, lengths = litert.build(str(path))(waveform, torch.tensor([900]))
    windows = np.pad(waveform[0].numpy(), (0, 300)).reshape(3, 400)
    assert lengths.tolist() == [3]
    np.testing.assert_allclose(frames[0, 0].numpy(), np.tanh(windows @ _matrix().T), rtol=0, atol=1e-5)


def test_a_card_file_reaches_an_inner_tensor_a_hop_and_a_scale(tmp_path: Path) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    card_path = tiny_models.card_file(
        path, sample_rate=8000, dim=8, window=400, hop=100, output="hidden", scale=2.0, licence="MIT"
    )
    card = litert.card(str(path))
    assert (card.sample_rate, card.frame_rate, card.licence) == (8000, 80.0, "MIT")
    assert card.weights == f"{path};{card_path}"
    waveform = _noise(700)
    frames, _ = litert.build(str(path))(waveform, torch.tensor([700]))
    expected = _windows.cut(2 * waveform[0].numpy(), window=400, hop=100) @ _matrix().T
    np.testing.assert_allclose(frames[0, 0].numpy(), expected, rtol=0, atol=1e-5)


def test_an_output_may_be_named_by_its_number(tmp_path: Path) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    tiny_models.card_file(path, sample_rate=RATE, dim=8, window=400, output=0)
    frames, _ = litert.build(str(path))(_noise(400), torch.tensor([400]))
    assert frames.shape == (1, 1, 1, 8)


def _averager(path: Path, *, window: int, bands: int) -> Path:
    """A graph that takes features (N, window, bands) and gives their mean over the window."""
    from onnx import TensorProto, helper, save

    source = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", window, bands])
    target = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", bands])
    node = helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=0)
    graph = helper.make_graph([node], "averager", [source], [target])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def _with_front_end(folder: Path, **front_end: Any) -> Path:
    (folder / "graphs").mkdir()
    tiny_models.onnx_graph(folder / "graphs" / "front.onnx", dim=4)
    _averager(folder / "graphs" / "back.onnx", window=20, bands=4)
    front = {"model": "graphs/front.onnx", "window": 400, "hop": 160, "multiply": 0.5, "add": 1.0, **front_end}
    facts = {"sample_rate": RATE, "dim": 4, "model": "graphs/back.onnx", "window": 20, "hop": 5, "front_end": front}
    (folder / "mine.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder / "mine.json"


def test_a_card_elsewhere_names_its_graphs_and_a_front_end_runs_first(tmp_path: Path) -> None:
    card_path = _with_front_end(tmp_path)
    card = onnx.card(str(card_path))
    assert card.frame_rate == RATE / (160 * 5)
    assert card.weights == f"{tmp_path}/graphs/back.onnx;{tmp_path}/graphs/front.onnx;{card_path}"
    waveform = _noise(400 + 19 * 160 + 1)  # one sample more than a window of 20 frames: a second window begins
    frames, lengths = onnx.build(str(card_path))(waveform, torch.tensor([waveform.shape[1]]))
    padded = np.pad(waveform[0].numpy(), (0, 5 * 160 - 1))
    features = 0.5 * np.tanh(_windows.cut(padded, window=400, hop=160) @ _matrix(4).T) + 1.0
    assert lengths.tolist() == [2]
    np.testing.assert_allclose(frames[0, 0].numpy(), [features[:20].mean(0), features[5:].mean(0)], rtol=0, atol=1e-5)


def test_a_front_end_of_another_hop_than_its_card_says_is_found(tmp_path: Path) -> None:
    card_path = _with_front_end(tmp_path, hop=200)
    with pytest.raises(
        ModelError, match=r"frames for .* samples and its card says .*: correct window and hop of front_end"
    ):
        onnx.build(str(card_path))(_noise(RATE), torch.tensor([RATE]))


def test_a_changed_card_file_is_another_model(tmp_path: Path) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    facts = {"sample_rate": RATE, "dim": 8, "window": 400}
    revisions = set()
    for scale in (1.0, 2.0):
        tiny_models.card_file(path, **facts, scale=scale)
        revisions.add(open_model(f"litert/{path}").revision)
    assert len(revisions) == 2


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"dim": 8}, "lacks the field 'sample_rate': a card file must state sample_rate, dim"),
        ({"sample_rate": RATE, "dim": 8, "windw": 400}, "unknown field 'windw': known are sample_rate, dim, model"),
        ({"sample_rate": "16k", "dim": 8}, 'sample_rate = "16k": it must be int'),
        ({"sample_rate": True, "dim": 8}, "sample_rate = true: it must be int"),
        ({"sample_rate": RATE, "dim": 0}, "dim = 0: it must be a whole number above 0"),
        (
            {"sample_rate": RATE, "dim": 8, "front_end": {"model": "m.onnx", "window": 4, "hop": 2}},
            "front_end but no window",
        ),
        ({"sample_rate": RATE, "dim": 8, "window": 4, "front_end": {"model": "m.onnx"}}, "lacks the field 'window'"),
        ({"sample_rate": RATE, "dim": 8, "model": "gone.onnx"}, r"no file .*gone\.onnx"),
        ([1, 2], "holds a list, a card file must be a JSON object"),
    ],
)
def test_a_wrong_card_file_is_refused(facts: Any, message: str, tmp_path: Path) -> None:
    path = tiny_models.onnx_graph(tmp_path / "tiny.onnx")
    (tmp_path / "tiny.onnx.card.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        onnx.card(str(path))


def test_a_card_file_that_is_not_json_is_refused(tmp_path: Path) -> None:
    path = tiny_models.onnx_graph(tmp_path / "tiny.onnx")
    (tmp_path / "tiny.onnx.card.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read as a card file"):
        onnx.card(str(path))


@pytest.mark.parametrize(("family", "kind"), [("onnx", "ONNX"), ("litert", "LiteRT")])
@pytest.mark.parametrize("content", [b"", b"not a graph at all", bytes(range(256)) * 8])
def test_a_file_that_is_no_graph_is_refused(family: str, kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.graph"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"is not an? {kind} graph") as caught:
        {"onnx": onnx, "litert": litert}[family].card(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("module", [onnx, litert])
def test_a_missing_graph_and_a_folder_are_refused(module: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no file .*gone"):
        module.card(str(tmp_path / "gone"))
    with pytest.raises(ModelError, match="is a folder: name the graph or its card file"):
        module.card(str(tmp_path))
    with pytest.raises(ModelError, match="is a folder"):
        module.card("")


@pytest.mark.parametrize(("family", "near"), [("onnx", "frames"), ("litert", "hidden")])
def test_an_unknown_output_is_refused(family: str, near: str, tmp_path: Path) -> None:
    make = {"onnx": tiny_models.onnx_graph, "litert": tiny_models.litert_graph}[family]
    path = make(tmp_path / "tiny")
    tiny_models.card_file(path, sample_rate=RATE, dim=8, window=400, output=f"{near}s")
    with pytest.raises(ModelError, match=f"no tensor '{near}s'.*did you mean {near}"):
        {"onnx": onnx, "litert": litert}[family].build(str(path))


def test_a_wrong_dimension_is_found_when_the_graph_runs(tmp_path: Path) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    tiny_models.card_file(path, sample_rate=RATE, dim=9, window=400)
    with pytest.raises(ModelError, match=r"gives \(1, 8\) for 1 windows and its card says dim 9"):
        litert.build(str(path))(_noise(400), torch.tensor([400]))


def test_a_wrong_window_is_found_when_the_graph_runs(tmp_path: Path) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    tiny_models.card_file(path, sample_rate=RATE, dim=8, window=401)
    with pytest.raises(ModelError, match=r"fails on an input of shape \(1, 401\)"):
        litert.build(str(path))(_noise(401), torch.tensor([401]))


def test_features_in_ask_for_a_card_file(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    source = helper.make_tensor_value_info("logmel", TensorProto.FLOAT, ["batch", 76, 32, 1])
    target = helper.make_tensor_value_info("same", TensorProto.FLOAT, ["batch", 76, 32, 1])
    graph = helper.make_graph([helper.make_node("Identity", ["logmel"], ["same"])], "features", [source], [target])
    path = tmp_path / "features.onnx"
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    with pytest.raises(
        ModelError, match=r"maps \(any, 76, 32, 1\) .* write .*features\.onnx\.card\.json with sample_rate, dim"
    ):
        onnx.card(str(path))


@pytest.mark.parametrize(
    ("module", "package", "line"),
    [
        (onnx, "onnxruntime", r"needs the package onnxruntime.*noss\[onnx\]"),
        (litert, "ai_edge_litert", r"noss\[litert\]"),
    ],
)
def test_a_missing_package_names_its_extra(
    module: Any, package: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = (tiny_models.onnx_graph if module is onnx else tiny_models.litert_graph)(tmp_path / "tiny")
    real = importlib.import_module

    def absent(name: str, *args: Any) -> Any:
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real(name, *args)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match=line):
        module.card(str(path))


def test_opening_a_litert_graph_writes_nothing_to_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tiny_models.litert_graph(tmp_path / "tiny.tflite")
    litert.build(str(path))(_noise(400), torch.tensor([400]))
    assert capfd.readouterr() == ("", "")


def test_cards_are_read_without_torch(tmp_path: Path) -> None:
    examples = tiny_models.examples()
    for kind in ("onnx", "litert", "vectors", "transformers hubert_group"):
        (tmp_path / kind).mkdir()
    names = [examples[kind](tmp_path / kind) for kind in ("onnx", "litert", "vectors", "transformers hubert_group")]
    code = (
        "import sys; from noss.pipeline._models import open_model; "
        f"[open_model(name) for name in {[*names, 'opensmile/egemaps']!r}]; print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
