"""`noss check model` finds each planted fault in somebody's model file, by the line that names it, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from noss.pipeline._check_model import check_model

# A sound model: the logarithm of four things about windows of 25 ms every 10 ms.
MODEL = """
from noss.models import Card

CARDS = {{"": Card(sample_rate=16_000, frame_rate={rate}, dim=4, source="mine", licence="MIT", weights=None, min_s=0.05)}}
KEPT = []


def build(choice):
    import torch

    def frames_of(waveform_BT):
        pieces = waveform_BT.unfold(-1, 400, {hop})
        return torch.stack([pieces.std(-1), pieces.mean(-1), pieces.amax(-1), pieces.amin(-1)], dim=-1)

    def embed(waveform_BT, lengths_B):
        {before}
        frames_BSD = torch.log(frames_of(waveform_BT).abs() + {floor})
        lengths_B = (lengths_B - 400) // {hop} + 1
        {after}
        return frames_BSD[:, None], lengths_B

    return embed
"""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is changed in the sound model, the lines that must fail, and what the first of them must say."""

    lines: tuple[str, ...]
    says: str
    rate: str = "100.0"
    hop: int = 160
    floor: str = "1e-6"
    before: str = "pass"
    after: str = "pass"


FAULTS = {
    "leaks padding": Fault(
        lines=("same with padding",),
        says="largest difference",
        after="frames_BSD = frames_BSD - 0.1 * frames_BSD.mean(dim=1, keepdim=True)",
    ),
    "hears its neighbours": Fault(
        lines=("same alone and in a batch", "same with padding"),
        says="largest difference",
        after="frames_BSD = frames_BSD - 0.1 * frames_BSD[:, :3].mean(dim=(0, 1), keepdim=True)",
    ),
    "lies about its frame rate": Fault(lines=("frame rate",), says="200 frames in 2 s; the card says 125", rate="62.5"),
    "lies about its sample rate": Fault(
        lines=("sample rate", "frame rate"), says="those of a model of 8000 Hz, and the card says 16000 Hz", hop=80
    ),
    "NaN for silence": Fault(
        lines=("finite", "short and long", "a thousand clips"), says="not finite for silence", floor="0"
    ),
    "draws at random": Fault(
        lines=("same again", "same alone and in a batch", "same with padding", "threads"),
        says="largest difference",
        after="frames_BSD = frames_BSD + torch.rand(frames_BSD.shape)",
    ),
    "other lengths for equal input": Fault(
        lines=("same length",),
        says="frames for 6400 samples",
        after="lengths_B = lengths_B - (waveform_BT.abs().amax(1) > 0.9).long()",
    ),
    "float64": Fault(lines=("float32",), says="frames are float64", after="frames_BSD = frames_BSD.double()"),
    "leaks memory": Fault(lines=("memory",), says="MB a call", before="KEPT.append(waveform_BT.clone())"),
    "raises on every fourth length": Fault(
        lines=("a thousand clips",),
        says="RuntimeError: fourth clip",
        before="if any(n % 4 == 3 for n in lengths_B.tolist()): raise RuntimeError('fourth clip')",
    ),
    "raises on one clip in a hundred": Fault(
        lines=("a thousand clips",),
        says="RuntimeError: rare clip",
        before="if any(n % 97 == 5 for n in lengths_B.tolist()): raise RuntimeError('rare clip')",
    ),
    "raises on short clips": Fault(
        lines=("short and long", "a thousand clips"),
        says="ZeroDivisionError: too short",
        before="if lengths_B.min() < 1600: raise ZeroDivisionError('too short')",
    ),
    "writes on its input": Fault(
        lines=("leaves its input alone",), says="it was written to", before="waveform_BT.clamp_(-0.05, 0.05)"
    ),
    "goes deaf when it is quiet": Fault(
        lines=("gain",), says="two clips become one at -20 dB", before="waveform_BT = (waveform_BT * 100).trunc() / 100"
    ),
}


def _written(fault: Fault, folder: Path) -> str:
    path = folder / "mine.py"
    facts = {"rate": fault.rate, "hop": fault.hop, "floor": fault.floor, "before": fault.before, "after": fault.after}
    path.write_text(MODEL.format(**facts), encoding="utf-8")
    return str(path)


def test_the_sound_model_passes_every_line(tmp_path: Path) -> None:
    verdicts = check_model(_written(Fault(lines=(), says=""), tmp_path), behaviour=True, budget_s=2.0)
    assert [str(verdict) for verdict in verdicts if verdict.ok is False] == []
    assert {"gain", "speed"} <= {verdict.name for verdict in verdicts if verdict.ok is None}


# Faults that the contract's own lines find are tried without the rest in test_check_model.py: here they are slow.
FAST = {"lies about its sample rate", "other lengths for equal input", "leaks memory", "raises on every fourth length"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in FAST else pytest.mark.slow) for n in FAULTS])
def test_a_planted_fault_is_found_by_the_line_that_names_it(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    failed = {
        verdict.name: verdict.detail
        for verdict in check_model(_written(fault, tmp_path), behaviour=True, budget_s=2.0)
        if verdict.ok is False
    }
    assert set(failed) == set(fault.lines)
    assert fault.says in failed[fault.lines[0]]


@pytest.mark.slow
def test_the_command_prints_json_and_exits_with_3(tmp_path: Path) -> None:
    path = _written(FAULTS["float64"], tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "noss", "check", "model", path, "--format", "json"], capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    verdicts = {verdict["verdict"]: verdict["ok"] for verdict in json.loads(done.stdout)}
    assert [name for name, ok in verdicts.items() if ok is False] == ["float32"]
    assert verdicts["speed"] is None
    assert "1 failed: float32: frames are float64" in done.stderr
