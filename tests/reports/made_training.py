"""A training run that never happened, with names that try to break its page."""

from __future__ import annotations

import math
from typing import Any

from noss.reports import Unit
from noss.reports._training import Look, Point, Training

ATTACK = "<img src=x onerror=alert(1)>"
RECIPE: dict[str, Any] = {
    "student": "audiontt/512", "objective": "match_teacher", "teacher": f"onnx/{ATTACK}", "data": {f"a{ATTACK}": 3.0, "b": 1.0},
    "steps": 900, "batch_size": 8, "lr": 1e-3, "watch": {"tasks": ["ravdess/emotion"]},
}  # fmt: skip


def made(step: int = 900, **changes: Any) -> Training:
    """A run of 900 steps, of which `step` are done."""
    numbers: dict[str, list[Point]] = {
        "loss": [(n, math.exp(-n / 200) + 0.01 * (n % 3)) for n in range(1, step + 1)],
        ATTACK: [(n, 1.0 / n) for n in range(1, step + 1)],
        "lr": [(n, 1e-3 * (1 - n / 1000)) for n in range(1, step + 1)],
        "crops_per_s": [(n, 16.0) for n in range(1, step + 1)],
        "held_out/loss": [(n, math.exp(-n / 150) + n / 2000) for n in range(100, step + 1, 100)],
    }
    places = [(-1, "logmel_stats", 0.43), (-1, f"onnx/{ATTACK}", 0.55)]
    places += [(n, "student", 0.4 + n / 9000) for n in range(300, step + 1, 300)]
    looks = [
        Look(step=n, model=model, name=name, value=value, low=value - 0.05, high=value + 0.05)
        for n, model, value in places
        for name in ("ravdess/emotion uar", "demo/word uar", "suite")
    ]
    looks += [
        Look(step=n, model="student", name="cka to the teacher", value=0.8, low=0.8, high=0.8)
        for n in range(300, step + 1, 300)
    ]
    known: dict[str, Any] = {
        "run": f"runs/{ATTACK}",
        "name": ATTACK,
        "step": step,
        "recipe": RECIPE,
        "source": f'"""{ATTACK}"""\nRECIPE = {{}}\n',
        "settings": {
            "noss_version": "0.1.0",
            "python": "3.11",
            "command": ["noss", "train", ATTACK],
            "machines": ["a"],
        },
        "num_parameters": 600_192,
        "dim": 512,
        "seconds": 450.0,
        "numbers": numbers,
        "looks": looks,
        "units": {
            name: Unit(title="Recall", percent=True) for name in ("ravdess/emotion uar", "demo/word uar", "suite")
        },
        "best": step - step % 300 if step >= 300 else None,
        "size_mb": 2.4,
        "num_failed": 1,
        "failures": [{"file": f"{ATTACK}.wav", "reason": "no audio"}],
    }
    return Training(**{**known, **changes})
