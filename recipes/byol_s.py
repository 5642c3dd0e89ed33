"""BYOL-S: one view of a piece of speech predicts another, learnt without a label from the speech of AudioSet.

    NOSS_DATA=DIR noss train recipes/byol_s.py --out runs/byol_s

`NOSS_DATA` holds `audioset_speech`, the clips of AudioSet that are labelled speech. `--set student=audiontt/512` is the smaller of
the released nets; with its published weights it is the model `byol_s`.

Cost: not published; 5.3 M parameters. Expected: a mean of 75.1 over the nine corpora of SERAB (arXiv 2110.03414, table 3, as quoted
by a survey), and 65.7 on CREMA-D in HEAR's leaderboard; the released 512 numbers reach on `recipes/open_here.py`, uar %, 60.2 on
ravdess/emotion and 93.8 on arabic_commands/label (results/open_here/byol_s.jsonl).

What differs from the original: log-mel is standardised clip by clip behind the views, where the original keeps a running mean and
deviation before them and those of the batch behind them.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))
CLIPS = 900_000  # not published; FRILL's card counts so many of AudioSet's clips of speech

RECIPE = {
    "student": "audiontt/2048",  # AudioNTT: arXiv 2110.03414; 2048 in the name of the weights, as the settings below
    "objective": "byol",  # arXiv 2103.06695
    "objective_options": {
        "hidden": 4096,  # BYOL-A, config.yaml: proj_dim
        "project_dim": 256,  # the same: proj_size
        "decay": 0.99,  # the same: ema_decay
        "mix": 0.4,  # BYOL-A, train.py: mixup_ratio
        "resize": (0.6, 1.5),  # the same: freq_scale and time_scale
    },
    "data": [f"{DATA}/audioset_speech"],  # github.com/GasserElbanna/serab-byols, README
    "crop_s": 0.95,  # BYOL-A, config.yaml: unit_sec, of which 96 frames come
    "steps": 100 * CLIPS // 256,  # 100 epochs: e100 in the weights' name; see CLIPS
    "batch_size": 256,  # bs256 in the weights' name
    "lr": 3e-4,  # lr0003 in the weights' name, which is 0.0003: BYOL-A, train.py and config.yaml
    "seed": 42,  # rs42 in the weights' name
    "weight_decay": 0.0,  # Adam without: BYOL-A, train.py
    "schedule": "constant",  # the same
    "clip_norm": None,  # the same
    "validate_every": 5000,
}
