"""TRILL: pieces of one recording close together, pieces of others apart, learnt from the speech of AudioSet.

    NOSS_DATA=DIR noss train recipes/trill.py --out runs/trill

`NOSS_DATA` holds `audioset_speech`: a folder of the clips of AudioSet that are labelled speech, which are not given out and must be
brought from their addresses. Any folder of recordings of ten seconds and more does: `--set data="['DIR']"`.

Cost: not published; 24.5 M parameters. Expected: the paper's table is not at hand. FRILL's card (tfhub.dev, frill/1), which scored
TRILL again, tells accuracy %, best on test over a grid: CREMA-D 65.9, SAVEE 70.0, VoxForge 84.5, Speech Commands 81.7, VoxCeleb1
46.8, masked speech 65.8, ESC-50 86.4.

What differs from the original: the blocks of the net are read off published counts (`noss show resnet50`); neither code nor
settings of the training were released, so all that is marked "not published" is a choice made here.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "resnet50",  # modified ResNet-50, 512 numbers of unit length: arXiv 2002.12764; layer 19 is inside it
    "objective": "triplet",  # arXiv 2002.12764, eq. 1; neighbours within tau = 10 s
    "objective_options": {
        "mining": "semi_hard",  # as arXiv 1711.02209, whose loss it takes
        "margin": 0.1,  # not published; that of arXiv 1711.02209
    },
    "data": [f"{DATA}/audioset_speech"],  # arXiv 2002.12764, abstract
    "crop_s": 0.975,  # 96 frames of 25 ms every 10 ms: the front end, google-research, export_model/tf_frontend.py
    "steps": 1_000_000,  # not published
    "batch_size": 256,  # not published
    "lr": 1e-4,  # not published
    "weight_decay": 0.0,  # not published
    "schedule": "constant",  # not published
    "clip_norm": None,  # not published
    "validate_every": 5000,
}
