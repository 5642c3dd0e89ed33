"""TRILLsson1: a residual net of 5.0 M parameters that gives what CAP12 gives, learnt on pieces of two seconds.

    NOSS_DATA=DIR noss train recipes/trillsson_1.py --out runs/trillsson_1

`NOSS_DATA` holds `audioset`, whose clips must be brought from their addresses, and `libri_light`, 58,000 hours. CAP12 is not
given out: the teacher is your own, of `recipes/cap12.py`; any other does, `--set teacher=transformers/DIR@12`.

Cost: not published. Expected: accuracy % 81.3 on CREMA-D and 68.5 on IEMOCAP (arXiv 2203.00236, table 3, as quoted by a survey).

What differs from the original: its batches are cut to their shortest clip, and clips below 0.25 s are dropped; here short clips are
padded, and the front end mirrors them. The blocks of the net are not published: see `noss show resnetish`.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

RECIPE = {
    "student": "resnetish",  # "ResNetish", 5.0 M parameters: table 3
    "objective": "match_teacher",
    "objective_options": {"distance": "mse"},  # arXiv 2203.00236, section 3.1; trillsson/train_keras.py
    "teacher": "trained/runs/cap12@12",  # the twelfth block of CAP12, 1,024 numbers
    "targets": "local",  # data_prep flags: compute_embeddings_on_chunked_audio is True
    "data": [f"{DATA}/audioset", f"{DATA}/libri_light"],  # model card; their shares: not published, here alike
    "by": "second",  # recordings are cut into pieces, each used once: data_prep, chunked audio
    "crop_s": 2.0,  # 32,000 samples: trillsson/train_keras.py, max_sample_length
    "steps": 1_000_000,  # not published
    "batch_size": 256,  # not published
    "lr": 1e-3,  # default of trillsson/train_keras.py; that of the runs is not published
    "betas": (0.9, 0.999),  # Adam: trillsson/train_keras.py
    "eps": 1e-8,  # the same
    "weight_decay": 0.0,  # the same: Adam without
    "schedule": "constant",  # the same
    "clip_norm": None,  # the same
    "validate_every": 5000,
}
