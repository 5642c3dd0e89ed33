"""A small student of BYOL-S: the vectors that it has of crops, learnt without a label.

    NOSS_DATA=DIR noss train recipes/train_distil_small.py --out runs/distil

`NOSS_DATA` holds `train`, a folder of any recordings, `weights`, and `minsk_als` with its table `clips.csv`, which is watched.

Cost: 5 minutes for 60 steps on two cores that were busy with other work. Expected: on held-out recordings a mean squared error of 1.50
and a cosine distance of 0.074 from the teacher. It shows that all works; for an embedding to use, set `steps` to 20000 or more.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "audiontt/512",
    "objective": "match_teacher",
    "teacher": "byol_s",
    "targets": "local",
    "data": [f"{DATA}/train"],
    "steps": 60,
    "crop_s": 1.0,
    "batch_size": 32,
    "lr": 1e-3,
    "warmup": 6,
    "validate_every": 20,
    "watch": {
        "tasks": [f"minsk_als=csv/{DATA}/minsk_als/clips.csv/label"],
        "baseline": "logmel_stats",
        "num_held_out": 100,
    },
}
