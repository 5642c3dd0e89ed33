"""A folder as `noss train` leaves it, without the training."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

RECIPE: dict[str, Any] = {
    "student": "audiontt/512", "objective": "match_teacher", "teacher": "mfcc_stats", "data": ["ravdess", "csv//home/jane doe/calls.csv"],
    "steps": 1200, "batch_size": 8, "root": ["ravdess=/home/jane doe/ravdess"],
}  # fmt: skip
SOURCE = '"""noss train a.py --out /home/jane/runs/a"""\nDATA = "/home/jane doe/calls.csv"\nRECIPE = {"lr": 1 / 3}\n'


def made_run(folder: Path, *, step: int = 1200, **changes: Any) -> Path:
    """A run of 1,200 steps, of which `step` are in a checkpoint; its files name a home folder wherever a run's may."""
    checkpoint = folder / "checkpoints" / f"step-{step:07d}"
    checkpoint.mkdir(parents=True)
    (checkpoint / "state.json").write_text(json.dumps({"format": 1, "step": step}), encoding="utf-8")
    (checkpoint / "student.safetensors").write_bytes(bytes(2_400_000))
    (checkpoint.parent / "best.json").write_text(json.dumps({"checkpoint": checkpoint.name}), encoding="utf-8")
    settings = {
        "noss_version": "0.1.0", "python": "3.11", "platform": "Linux", "recipe": RECIPE | changes, "machines": ["x86_64, 2 cores"],
        "command": ["noss", "train", "a.py", "--out=/home/jane/runs/a", "--cache", "/home/jane/cache"],
        "cost": {"wall_s": 60.0, "core_s": 120.0, "gpu_s": 0.0, "estimated_joules": 1200.0},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(settings), encoding="utf-8")
    model = {"card": {"num_parameters": 600_192, "dim": 512}, "classes": ["jane", "joe"]}
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    (folder / "recipe.py").write_text(SOURCE, encoding="utf-8")
    (folder / "failures.csv").write_text(
        "model,file,start_s,end_s,stage,reason\na,/home/jane/7.wav,0.0,,read,no audio in /home/jane/7.wav\n",
        encoding="utf-8",
    )
    (folder / "watch").mkdir()
    (folder / "watch" / "log.csv").write_text(
        "step,model,name,value,low,high\n-1,logmel_stats,demo/word uar,0.5,0.4,0.6\n600,student,demo/word uar,nan,nan,nan\n",
        encoding="utf-8",
    )
    with (folder / "log.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["step", "name", "value"])
        for n in range(1, step + 1):
            rows.writerows([[n, "loss", 1 / n if n > 2 else "nan"], [n, "crops_per_s", 16.0]])
    return folder
