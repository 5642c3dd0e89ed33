"""TRILLsson1 in small: a residual net of 5.0 M parameters learns from pieces of two seconds, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trillsson_1_small.py --out runs/small/trillsson_1_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

`NOSS_DATA` holds `train`, a folder of any recordings, and `weights`, of the teacher. The second line scores it beside what it was
before training, its teacher, and the floor. `--set teacher=trained/runs/small/cap12_small@4` distils your own CAP12, as the
original did.

As `recipes/trillsson_1.py`, but: BYOL-S as the teacher, the one that is at hand with its weights; 19,200 pieces. The net is the
same.

Cost: 37 minutes of one core. Expected: mean uar over nine tasks 68.5 %, where its start has 61.2 and its teacher 71.5; above its start on
eight, on two with intervals that do not meet: docs/papers_in_small.md.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "resnetish",
    "objective": "match_teacher",
    "objective_options": {"distance": "mse", "standardise": True},
    "teacher": "byol_s",
    "targets": "local",
    "data": [f"{DATA}/train"],
    "crop_s": 2.0,
    "steps": 600,
    "batch_size": 32,
    "lr": 1e-3,
    "warmup": 30,
    "validate_every": 100,
}
