"""CAP12 in small: a Conformer of 5 M parameters learns by finding hidden pieces of speech, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/cap12_small.py --out runs/small/cap12_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

`NOSS_DATA` holds `train`, a folder of any recordings. The second line scores it beside what it was before training, and
the floor, with the layer that validation picks for each task; `trained/runs/small/cap12_small@4` is one layer.

As `recipes/cap12.py`, but: nine blocks of 144; pieces of two seconds, which the paper finds to be enough of a context; 22,400 of
them.

Cost: 19 minutes of one core. Expected: mean uar over nine tasks 67.0 %, where its start has 63.9 and logmel_stats 66.1; its
interval and its start's meet on eight, and on speakers it is below: docs/papers_in_small.md.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "conformer/5m@all",
    "objective": "contrastive",
    "objective_options": {"share": 0.065, "span": 10, "temperature": 0.1},
    "data": [f"{DATA}/train"],
    "crop_s": 2.0,
    "steps": 700,
    "batch_size": 32,
    "lr": 1e-3,
    "warmup": 70,
    "precision": "bf16",
    "validate_every": 100,
}
