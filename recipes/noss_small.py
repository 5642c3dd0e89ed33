"""`noss/small`, the embedding in the package: BYOL-S's encoder, trained on with what is known of who speaks.

    NOSS_DATA=DIR noss train recipes/noss_small.py --out runs/noss_small

`DIR/train` is nine hours of open speech in 60 languages (Common Voice, LibriSpeech, speechocean762, three words of Speech Commands,
Kerstin) with a table `clips.csv` of speaker, language, gender and age, and `DIR/weights/byol_s` holds the published weights. Clips of
speakers whom the benchmark scores are not among it. The weights in the package are the run's last checkpoint, rounded to 16 bits;
`docs/noss_small.md` says how they are put there.

Cost: 55 minutes on two cores that other work shared. Expected: a held-out mean squared error from both teachers of 0.43 of their
variance, language right for 66 % of the crops of held-out speakers and gender for 78 %, and the scores of `docs/noss_small.md`.
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
