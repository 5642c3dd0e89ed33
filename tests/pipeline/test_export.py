"""Export: faults leave nothing behind, requests that cannot be met are said in a line, what is written is proved."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import noss
from noss import cli
from noss.errors import MissingExtraError, ModelError, StoreError, UnknownPartError
from noss.pipeline.export import export

MODEL = '''
"""A net of a few numbers."""
import torch
from noss.audio.logmel import LogMel
from noss.models import Card

CARDS = {
    "": Card(sample_rate=16_000, frame_rate=100.0, dim=64, source="here", licence="MIT", weights=None, min_s=0.1),
    "shifty": Card(sample_rate=16_000, frame_rate=0.0, dim=64, source="here", licence="MIT", weights=None, min_s=0.1),
    "layers": Card(sample_rate=16_000, frame_rate=0.0, dim=64, source="here", licence="MIT", weights=None, layers=2),
    "plain": Card(sample_rate=16_000, frame_rate=0.0, dim=64, source="here", licence="MIT", weights=None),
}


class Net(torch.nn.Module):
    def __init__(self, shifts):
        super().__init__()
        self.front_end, self.shifts = LogMel(), shifts

    def forward(self, waveform_BT, lengths_B):
        frames_BSM, num_frames_B = self.front_end(waveform_BT, lengths_B)
        if self.shifts and torch.compiler.is_exporting():
            frames_BSM = frames_BSM + 0.001
        return frames_BSM[:, None], num_frames_B


def build(choice):
    return (lambda waveform_BT, lengths_B: None) if choice == "plain" else Net(choice == "shifty")
'''


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(MODEL, encoding="utf-8")
    return str(path)


def _format(tmp_path: Path, body: str) -> str:
    """A format of one's own: that of torch.export, which writes otherwise."""
    path = tmp_path / "format.py"
    head = "from noss.exporters.torchexport import *\nfrom noss.exporters.torchexport import write as well\n"
    path.write_text(
        f'"""A format."""\n{head}\n\ndef write(graph, path, *, precision="fp32"):\n    {body}\n', encoding="utf-8"
    )
    return str(path)


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_file_its_card_and_its_proof_stand_side_by_side_and_it_is_a_model(mine: str, tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.wav", tmp_path / "out" / "net.pt2"
    soundfile.write(clip, 0.1 * np.sin(np.arange(9_000) * 0.05), 16_000)
    exported = export(mine, to="torchexport", out=out, window_s=0.5, clips=[str(clip)])
    assert _left(out.parent) == ["net.pt2", "net.pt2.card.json", "net.pt2.proof.json"]
    proof = json.loads((out.parent / "net.pt2.proof.json").read_text(encoding="utf-8"))
    assert proof["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert [one["sound"] for one in proof["compared"]] == ["short", "one window", "long", "clip.wav", "3 at once"]
    assert all(one["difference"] <= 1e-4 for one in proof["compared"])
    window = soundfile.read(clip, dtype="float32")[0][:8_000]
    expected, found = (noss.load_model(name).embed([window], sample_rate=16_000) for name in (mine, exported.name))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert "use it as torchexport/" in str(exported)


def test_every_clip_is_compared_whatever_it_is_called(mine: str, tmp_path: Path) -> None:
    clips = [tmp_path / name for name in ("a/x.wav", "b/x.wav", "c/y.wav")]
    for clip in clips:
        clip.parent.mkdir()
        soundfile.write(clip, 0.1 * np.sin(np.arange(5_000) * 0.05), 16_000)
    compared = export(
        mine, to="torchexport", out=tmp_path / "net.pt2", window_s=0.2, clips=[str(clip) for clip in clips]
    ).compared
    assert [one.sound for one in compared[3:-1]] == [str(clips[0]), str(clips[1]), "y.wav"]


@pytest.mark.slow
def test_frames_stay_frames_and_a_window_gives_one_vector_a_window(mine: str, tmp_path: Path) -> None:
    whole = export(mine, to="torchexport", out=tmp_path / "frames.pt2", frames=True)
    assert noss.load_model(whole.name).card.frame_rate == 100.0
    cut = export(mine, to="torchexport", out=tmp_path / "cut.pt2", window_s=0.5)
    assert noss.load_model(cut.name).card.frame_rate == 2.0
    assert [one.windowed is not None for one in cut.compared] == [True, True, True, False]


def test_a_file_that_differs_from_its_model_is_not_left_and_an_older_one_is(mine: str, tmp_path: Path) -> None:
    out = tmp_path / "out" / "net.pt2"
    export(mine, to="torchexport", out=out, window_s=0.2)
    before = out.read_bytes()
    with pytest.raises(ModelError, match=r"differ by \S+ on short .* 0\.0001 is allowed: nothing was written"):
        export(f"{mine}/shifty", to="torchexport", out=out, window_s=0.2)
    assert out.read_bytes() == before
    assert _left(out.parent) == ["net.pt2", "net.pt2.card.json", "net.pt2.proof.json"]


def test_a_smaller_file_that_is_another_model_is_refused(mine: str, tmp_path: Path) -> None:
    body = "from torch import nn; from dataclasses import replace; flip = nn.Linear(64, 64).eval(); nn.init.eye_(flip.weight).data.neg_()"
    path = Path(_format(tmp_path, f"{body}; well(replace(graph, module=nn.Sequential(graph.module, flip)), path)"))
    path.write_text(path.read_text(encoding="utf-8") + "\n\nPRECISIONS = ('fp32', 'int8')\n", encoding="utf-8")
    with pytest.raises(
        ModelError, match=r"agree by a cosine of -\S+ on short .* 0\.9 is the least: nothing was written"
    ):
        export(mine, to=str(path), out=tmp_path / "out" / "net.pt2", precision="int8", window_s=0.2)
    assert _left(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("body", "error", "told"),
    [
        ("raise OSError(28, 'No space left on device')", StoreError, "No space left on device; free some space"),
        ("raise ValueError('no such\\noperator')", ModelError, "cannot be converted to .*: no such operator"),
        ("path.write_bytes(b'')", ModelError, "is not a program"),
        ("raise KeyboardInterrupt", KeyboardInterrupt, None),
    ],
    ids=["disk full", "not convertible", "empty file", "interrupted"],
)
def test_a_write_that_fails_leaves_nothing(
    body: str, error: type[BaseException], told: str | None, mine: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=told):
        export(mine, to=_format(tmp_path, body), out=tmp_path / "out" / "net.pt2")
    assert _left(tmp_path / "out") == []


def test_a_disk_that_fills_up_at_the_end_leaves_nothing(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    to = _format(tmp_path, "path.write_bytes(b'whole')")
    with pytest.raises(StoreError, match="No space left on device"):
        export(mine, to=to, out=tmp_path / "out" / "net.pt2")
    assert _left(tmp_path / "out") == []


def test_a_folder_that_is_a_file_is_said(mine: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match=r"cannot write .*net\.pt2"):
        export(mine, to="torchexport", out=tmp_path / "taken" / "net.pt2")


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("/plain", "is no torch module and cannot be exported"),
        ("/layers", "has 2 layers and a file gives one: choose it"),
        ("+max", "pools by max and a file by the mean"),
    ],
)
def test_models_that_cannot_be_exported_are_told_apart(choice: str, told: str, mine: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=told):
        export(f"{mine}{choice}", to="torchexport", out=tmp_path / "net.pt2")


def test_a_request_that_makes_no_sense_is_said(mine: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownPartError, match="no exporter named 'onx': did you mean onnx"):
        export(mine, to="onx", out=tmp_path / "net.onnx")
    with pytest.raises(ModelError, match=r"files of onnx end in \.onnx"):
        export(mine, to="onnx", out=tmp_path / "net.tflite")
    with pytest.raises(ModelError, match="torchexport has no precision 'int8': it has fp32"):
        export(mine, to="torchexport", out=tmp_path / "net.pt2", precision="int8")
    with pytest.raises(ModelError, match="one window gives one vector"):
        export(mine, to="torchexport", out=tmp_path / "net.pt2", frames=True, window_s=1.0)
    with pytest.raises(ModelError, match=r"needs 0\.1 s at least and the window has 0\.05 s"):
        export(mine, to="torchexport", out=tmp_path / "net.pt2", window_s=0.05)
    with pytest.raises(ModelError, match="window_s is nan and must be above 0 s"):
        export(mine, to="torchexport", out=tmp_path / "net.pt2", window_s=float("nan"))


def test_a_missing_package_is_named_with_its_extra(mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with pytest.raises(MissingExtraError, match=r"litert_torch.*pip install 'noss\[export-litert\]'"):
        export(mine, to="litert", out=tmp_path / "net.tflite")


def test_the_command_line_says_a_fault_in_one_line_with_status_2(
    mine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", f"{mine}/plain", "--to", "torchexport", "--out", str(tmp_path / "net.pt2")])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
