"""CAP12: a Conformer of 600 M parameters that learns by finding hidden pieces of speech; its twelfth block is the embedding.

    NOSS_DATA=DIR accelerate launch -m noss train recipes/cap12.py --out runs/cap12
    NOSS_DATA=DIR noss train recipes/cap12.py --out runs/cap12

The second line is for one machine with one GPU. The embedding is then `trained/runs/cap12@12`. `NOSS_DATA` holds `yt_u`, any folder
of untranscribed speech or, for a cluster, shards (`--set data="['shards/s3://BUCKET/DIR']"`): the original's 900,000 hours of
YouTube are not given out.

Cost: not published; 610 M parameters, which want 10 GB before the first activation. Expected: accuracy 88.2 % on CREMA-D (arXiv
2109.13226 of the Conformer of this size, as quoted by a leaderboard); the rest of the table is not at hand.

What differs from the original: all hidden frames of a crop are each other's distractors, in place of a draw (see
`noss.objectives.contrastive`). Code and settings of the training were not released: "not published" marks a choice made here.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "conformer/600m@all",  # Conformer XL, 24 blocks of 1,024: arXiv 2110.04621; every layer, to pick the twelfth
    "objective": "contrastive",  # wav2vec 2.0's on linear targets: arXiv 2110.04621, 2010.10504
    "objective_options": {
        "share": 0.065,  # not published; that of wav2vec 2.0, arXiv 2006.11477
        "span": 10,  # not published; the same: 10 frames of the encoder
        "temperature": 0.1,  # not published; the same
    },
    "data": [f"{DATA}/yt_u"],  # YT-U: arXiv 2110.04621
    "by": "second",  # not published
    "crop_s": 20.0,  # not published
    "steps": 400_000,  # not published
    "batch_size": 2048,  # not published
    "accumulate": 32,  # as memory asks: the same step
    "lr": 2e-3,  # not published
    "warmup": 25_000,  # not published
    "weight_decay": 0.0,  # not published
    "schedule": "cosine",  # not published
    "precision": "bf16",  # not published
    "validate_every": 2000,
}
