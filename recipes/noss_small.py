"""The recipe of `noss/small`.

NOSS_DATA=DIR noss train recipes/noss_small.py --out runs/noss_small
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "noss/small-untrained",
    "start": "byol_s",
    "objective": "multitask",
    "teacher": ["byol_s", "mfcc_stats"],
    "targets": "global",
    "target": ["speaker", "language", "gender", "age"],
    "objective_options": {"weights": [1.0, 1.0, 1.0, 1.0], "teacher": 1.0, "dropout": 0.2},
    "data": [f"csv/{DATA}/train/clips.csv"],
    "steps": 1500,
    "crop_s": 2.0,
    "batch_size": 64,
    "lr": 5e-4,
    "warmup": 100,
    "clip_norm": 5.0,
    "precision": "bf16",
    "ema": 0.995,
    "by": "second",
    "augment": {
        "noise": {"p": 0.3, "low_db": 5.0, "high_db": 25.0},
        "room": {"p": 0.2, "low_s": 0.1, "high_s": 0.6},
        "band": {"p": 0.1, "low_hz": 200.0, "high_hz": 3400.0},
    },
    "validation": 0.05,
    "validate_every": 100,
}
