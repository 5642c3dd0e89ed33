"""FRILL in small: a phone's net that gives what its teacher gives, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/frill_small.py --out runs/small/frill_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

`NOSS_DATA` holds `train`, a folder of any recordings, and `weights`, of the teacher. The second line scores it beside what it was
before training, its teacher, and the floor. `--set teacher=trained/runs/small/trill_small` distils your own TRILL, as the original
did.

As `recipes/frill.py`, but: BYOL-S as the teacher, the one that is at hand with its weights; the small MobileNetV3 with a bottleneck of
512; 160,000 pieces.

Cost: 31 minutes of one core. Expected: mean uar over nine tasks 64.7 %, where its start has 52.7, its teacher 71.5 and logmel_stats 66.1;
above its start on all nine, on six with intervals that do not meet: docs/papers_in_small.md.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "mobilenet_v3/small-1.0",
    "student_options": {"bottleneck": 512, "momentum": 0.95},
    "objective": "match_teacher",
    "objective_options": {"distance": "mse", "standardise": True},
    "teacher": "byol_s",
    "targets": "local",
    "data": [f"{DATA}/train"],
    "crop_s": 0.975,
    "steps": 2500,
    "batch_size": 64,
    "lr": 2e-3,
    "warmup": 200,
    "validate_every": 250,
}
