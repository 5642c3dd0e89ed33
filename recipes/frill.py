"""FRILL: a phone's net that gives what layer 19 of TRILL gives.

    NOSS_DATA=DIR noss train recipes/frill.py --out runs/frill

`NOSS_DATA` holds `audioset_speech`, the speech of AudioSet: about 900,000 clips in May 2021 (FRILL's card). The teacher is the
published TRILL: `noss fetch trill` says how to get it; `--set teacher=trained/runs/trill` takes your own.

Cost: not published; 10.1 M parameters, 8.5 ms for a second of speech on a Pixel 1 (card). Expected, accuracy %, best on test over a
grid, of the released weights (card, tfhub.dev, frill/1): CREMA-D 71.3, SAVEE 63.3, VoxForge 78.8, Speech Commands 81.2, VoxCeleb1
45.5, masked speech 68.0, ESC-50 87.9.

What differs from the original: the first author's script lets the rate fall by 3 % every 5,000 steps, and a recipe knows `constant`
and `cosine`; it also has dropout of 0.05 and L2 of 1e-9 on the output, which are left out. Compression and training for int8, which
the paper searched, are docs/compression.md; the card's model has neither.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "mobilenet_v3/small-2.0",  # card: MobileNetV3-Small, width 2.0, global average pooling, 2,048 numbers
    "objective": "match_teacher",
    "objective_options": {
        "distance": "mse",  # arXiv 2011.04609; distillation/train_keras.py
        "output": "project",  # a dense layer to the 12,288 of the target, thrown away: distillation/models.py
    },
    "teacher": "trill/layer19",  # card
    "targets": "local",  # of the crop itself: distillation/get_data.py
    "data": [f"{DATA}/audioset_speech"],  # card
    "crop_s": 0.975,  # 96 frames of 25 ms every 10 ms, one crop a clip
    "steps": 380_000,  # the released weights: card
    "batch_size": 128,  # the first author's script, github.com/jpeplins/trill-distill
    "lr": 1e-4,  # the same; the default of distillation/train_keras.py is 1e-3
    "betas": (0.9, 0.999),  # Adam: distillation/train_keras.py
    "eps": 1e-8,  # the same
    "weight_decay": 0.0,  # the same: Adam without
    "schedule": "constant",  # the same; see above
    "clip_norm": None,  # the same
    "validate_every": 5000,
}
