"""TRILL in small: pieces of one recording close together, pieces of others apart, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trill_small.py --out runs/small/trill_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

`NOSS_DATA` holds `train`, a folder of any recordings. The second line scores it beside what it was before training, and the floor.

As `recipes/trill.py`, but: an AudioNTT in place of the ResNet-50, which costs ten times as much for each piece; 96,000 pairs of
pieces; gain and noise on them, so that a recording is not told by its level; recordings of 1 to 20 s, so that neighbours are nearer than
ten seconds.

Cost: 32 minutes of one core. Expected: mean uar over nine tasks 64.3 %, where its start has 68.1 and logmel_stats 66.1; above its
start on two, and on none with intervals that do not meet: docs/papers_in_small.md.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "audiontt/512",
    "objective": "triplet",
    "objective_options": {"mining": "semi_hard", "margin": 0.1},
    "data": [f"{DATA}/train"],
    "augment": {"gain": {"p": 0.5}, "noise": {"p": 0.3, "low_db": 5.0, "high_db": 30.0}},
    "crop_s": 0.975,
    "steps": 1500,
    "batch_size": 64,
    "lr": 1e-3,
    "warmup": 100,
    "precision": "bf16",
    "validate_every": 250,
}
