"""OpenVINO, torch.export and ExecuTorch: graphs give what they give elsewhere, and a file that would run code is refused."""

from __future__ import annotations

import json
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
from noss.errors import MissingExtraError, ModelError
from noss.models import executorch, onnx, openvino, torchexport
from noss.pipeline._models import open_model

RATE = 16_000


def _noise(*, rows: int = 2, samples: int = RATE) -> torch.Tensor:
    generator = np.random.default_rng(0)
    return torch.from_numpy(0.1 * generator.standard_normal((rows, samples)).astype(np.float32))


def _frames(embed: Any, waveform: torch.Tensor) -> torch.Tensor:
    frames: torch.Tensor = embed(waveform, torch.full((len(waveform),), waveform.shape[1]))[0]
    return frames


def test_an_openvino_model_gives_what_the_onnx_graph_gives_and_knows_its_weights(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    path = tiny_models.openvino_graph(tmp_path / "tiny.xml")
    card = openvino.card(str(path))
    assert (card.dim, card.frame_rate, card.weights) == (8, 100.0, f"{path};{path.with_suffix('.bin')}")
    both = [
        _frames(part.build(str(path.with_suffix(end))), _noise()) for part, end in ((openvino, ".xml"), (onnx, ".onnx"))
    ]
    torch.testing.assert_close(both[0], both[1], rtol=0, atol=1e-5)
    before = open_model(f"openvino/{path}").revision
    content = bytearray(path.with_suffix(".bin").read_bytes())
    content[100] ^= 1
    path.with_suffix(".bin").write_bytes(content)
    assert open_model(f"openvino/{path}").revision != before


def test_an_openvino_model_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("openvino")
    path = tiny_models.openvino_graph(tmp_path / "tiny.xml")
    path.with_suffix(".bin").unlink()
    (tmp_path / "bad.xml").write_text("<net", encoding="utf-8")
    for name in ("tiny.xml", "bad.xml"):
        with pytest.raises(ModelError, match=r"is not a model that OpenVINO runs|has no tiny\.bin beside it") as caught:
            openvino.card(str(tmp_path / name))
        assert "\n" not in str(caught.value)


def test_an_exported_program_gives_what_its_module_gives(tmp_path: Path) -> None:
    path = tiny_models.exported(tmp_path / "tiny.pt2")
    card = torchexport.card(str(path))
    assert (card.dim, card.frame_rate, card.weights) == (8, 100.0, str(path))
    waveform = _noise()
    expected = torch.export.load(path).module()(waveform)
    torch.testing.assert_close(_frames(torchexport.build(str(path)), waveform)[:, 0], expected)


def _rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    change(parts)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


class _Trap:
    """A pickle of this makes a file where it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def _named(parts: dict[str, bytes], end: str) -> str:
    return next(name for name in parts if name.endswith(end))


@pytest.mark.parametrize("trap", ["sample inputs", "expression", "operator", "guard", "weights", "object"])
def test_an_exported_program_runs_no_code_of_its_file(trap: str, tmp_path: Path) -> None:
    path, sprung = tiny_models.exported(tmp_path / "tiny.pt2"), tmp_path / "sprung"
    code = f"__import__('pathlib').Path({str(sprung)!r}).touch()"

    def change(parts: dict[str, bytes]) -> None:
        program, weights = _named(parts, "model.json"), _named(parts, "model_weights_config.json")
        facts = json.loads(parts[program])
        if trap == "sample inputs":
            parts[_named(parts, "sample_inputs/model.pt")] = pickle.dumps(_Trap(sprung))
        if trap == "expression":
            parts[program] = json.dumps(facts).replace('"expr_str": "', f'"expr_str": "{code} or ', 1).encode()
        if trap == "operator":
            facts["graph_module"]["graph"]["nodes"][-1]["target"] = "torch.hub.load"
            parts[program] = json.dumps(facts).encode()
        if trap == "guard":
            facts["guards_code"] = [f"{code} or True"]
            parts[program] = json.dumps(facts).encode()
        if trap == "weights":
            parts[weights] = parts[weights].replace(b'"use_pickle": false', b'"use_pickle": true')
        if trap == "object":
            parts[program.replace("models/model.json", "data/constants/opaque_obj_0")] = pickle.dumps(_Trap(sprung))

    _rewritten(path, change)
    if trap == "guard":
        _frames(torchexport.build(str(path)), _noise())
    else:
        with pytest.raises(
            ModelError, match=r"which run code when they are loaded|which is none of torch's operators"
        ) as caught:
            _frames(torchexport.build(str(path)), _noise())
        assert "\n" not in str(caught.value)
    assert not sprung.exists()


@pytest.mark.parametrize("content", [b"", b"not a program", b"PK\x03\x04 half"])
def test_a_file_that_is_no_program_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.pt2").write_bytes(content)
    with pytest.raises(ModelError, match=r"is not a program that torch\.export\.save"):
        torchexport.card(str(tmp_path / "bad.pt2"))


def test_a_program_of_two_inputs_is_refused(tmp_path: Path) -> None:
    class Two(torch.nn.Module):
        def forward(self, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
            return one + two

    torch.export.save(torch.export.export(Two(), (torch.zeros(1, 4), torch.zeros(1, 4))), tmp_path / "two.pt2")
    with pytest.raises(ModelError, match="takes one, two: a program of one waveform is needed"):
        torchexport.card(str(tmp_path / "two.pt2"))


@pytest.mark.slow
def test_an_executorch_program_is_fed_windows_of_its_length(tmp_path: Path) -> None:
    exir = pytest.importorskip("executorch.exir")

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = torch.nn.Linear(400, 8)

        def forward(self, waveform_BT: torch.Tensor) -> torch.Tensor:
            return self.dense(waveform_BT).tanh()

    net = Net()
    program = exir.to_edge(torch.export.export(net, (torch.zeros(1, 400),))).to_executorch()
    (tmp_path / "tiny.pte").write_bytes(program.buffer)
    card = executorch.card(str(tmp_path / "tiny.pte"))
    assert (card.dim, card.frame_rate, card.masks_padding) == (8, 40.0, True)
    waveform = _noise(rows=1, samples=1200)
    with torch.no_grad():
        expected = net(waveform.reshape(3, 400))
    torch.testing.assert_close(_frames(executorch.build(str(tmp_path / "tiny.pte")), waveform)[0, 0], expected)
    (tmp_path / "bad.pte").write_bytes(b"no program")
    with pytest.raises(ModelError, match="is not a program that ExecuTorch runs"):
        executorch.card(str(tmp_path / "bad.pte"))


@pytest.mark.parametrize(("part", "package"), [(executorch, "executorch"), (openvino, "openvino")])
def test_a_runtime_that_is_not_here_names_its_extra(
    part: Any, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "tiny").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=rf"noss\[{package}\]"):
        part.card(str(tmp_path / "tiny"))
