"""BYOL-S in small: one view of a piece of speech predicts another, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/byol_s_small.py --out runs/small/byol_s_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

`NOSS_DATA` holds `train`, a folder of any recordings, and `weights`, of the published net. The second line scores it beside what it
was before training, the published weights of the same net, and the floor.

As `recipes/byol_s.py`, but: the smaller of the released nets; 38,400 pieces, four rounds of the recordings; batches of 64,
projectors of 1,024.

Cost: 17 minutes of one core. Expected: mean uar over nine tasks 67.9 %, where its start has 69.1, the published weights 71.5 and
logmel_stats 66.1; its interval and its start's meet on eight, and on speakers it is below: docs/papers_in_small.md.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "audiontt/512",
    "objective": "byol",
    "objective_options": {"hidden": 1024, "project_dim": 256, "decay": 0.99, "mix": 0.4, "resize": (0.6, 1.5)},
    "data": [f"{DATA}/train"],
    "crop_s": 0.95,
    "steps": 600,
    "batch_size": 64,
    "lr": 3e-4,
    "weight_decay": 0.0,
    "seed": 42,
    "precision": "bf16",
    "validate_every": 100,
}
