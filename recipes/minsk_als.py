"""ALS or healthy from a sustained vowel: a supervised CNN, non-semantic embeddings and a keyword spotter's, side by side.

    noss run recipes/minsk_als.py --out runs/minsk_als
    noss finetune recipes/minsk_als.py --out runs/minsk_als
    noss finetune recipes/minsk_als.py --out runs/minsk_als --set student=byol_s --set lr=1e-4
    noss compare runs/minsk_als --by sentence

`NOSS_DATA` is a folder that holds `minsk_als` and `weights`. The table is `minsk_als/clips.csv` with the columns `file`, `label`,
`speaker`, and `sentence` for the vowel: docs/disordered_speech.md says how to add it. 64 speakers, two vowels each, eight minutes.

Cost: one minute for the embeddings, two to six minutes for each net on one core. Expected, uar %: logmel_stats 65.3, speech_embedding
65.3, yamnet 60.9, byol_s 59.9, byol_s + finetune 58.7, audiontt/512 + finetune 57.2; with 64 speakers each may be ten points off.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

SUITE = {
    "models": ["trivial", "logmel_stats", "byol_s", "yamnet", "speech_embedding"],
    "tasks": [f"minsk_als=csv/{DATA}/minsk_als/clips.csv/label"],
}

RECIPE = {
    "student": "audiontt/512",
    "objective": "classify",
    "objective_options": {"dropout": 0.3},
    "data": [],  # `noss finetune` gives the clips of each training fold
    "steps": 40,
    "crop_s": 1.0,
    "batch_size": 16,
    "lr": 1e-3,
    "warmup": 4,
    "validation": 0.2,
    "validate_every": 5,
}
