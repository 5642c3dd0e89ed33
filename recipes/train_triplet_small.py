"""A small embedding from a folder of recordings, without a label: TRILL's triplet loss on AudioNTT.

    NOSS_DATA=DIR noss train recipes/train_triplet_small.py --out runs/triplet

`NOSS_DATA` holds `train`, a folder of any recordings, and `minsk_als` with its table `clips.csv`, which is watched.

Cost: 7 minutes for 150 steps on two cores that were busy with other work. Expected: on held-out recordings a loss of 0.017, with 97 % of
triplets in order; on the watched task uar 69 % (60 to 78), `logmel_stats` 65 % (55 to 75). It shows that all works; for an
embedding to use, set `steps` to 20000 or more.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "audiontt/512",
    "objective": "triplet",
    "data": [f"{DATA}/train"],
    "steps": 150,
    "crop_s": 1.0,
    "batch_size": 32,
    "lr": 1e-3,
    "warmup": 15,
    "augment": {"gain": {"p": 0.5}, "noise": {"p": 0.3, "low_db": 5.0, "high_db": 30.0}},
    "validate_every": 50,
    "watch": {
        "tasks": [f"minsk_als=csv/{DATA}/minsk_als/clips.csv/label"],
        "baseline": "logmel_stats",
    },
}
