"""TRILL in small: pieces of one recording close together, pieces of others apart, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trill_small.py --out runs/small/trill_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

`NOSS_DATA` holds `train`, a folder of any recordings. The second line scores it beside what it was before training, and the floor.

As `recipes/trill.py`, but: a MobileNetV3 in place of the ResNet-50, which costs forty times as much for each piece; 128,000 pairs of pieces;
gain and noise on them, so that a recording is not told by its level; recordings of 1 to 20 s, so that neighbours are nearer than
ten seconds.

Cost: sized for half an hour on two quiet cores. Expected: not run at this length, and not scored; after 87 steps the
training loss was 0.074: docs/papers_in_small.md.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "mobilenet_v3/small-0.5",
    "student_options": {"bottleneck": 512, "momentum": 0.95},
    "objective": "triplet",
    "objective_options": {"mining": "semi_hard", "margin": 0.1},
    "data": [f"{DATA}/train"],
    "augment": {"gain": {"p": 0.5}, "noise": {"p": 0.3, "low_db": 5.0, "high_db": 30.0}},
    "crop_s": 0.975,
    "steps": 1200,
    "batch_size": 64,
    "lr": 1e-3,
    "warmup": 100,
    "validate_every": 100,
}
