"""How frames become one vector: mean, mean and deviation, or maximum, of two models on six tasks of real recordings.

    NOSS_DATA=DIR noss run recipes/pooling.py --out runs/pooling

`NOSS_DATA` is a folder as `recipes/open_here.py` describes it, without `speechocean_test`.

Nothing is downloaded. 3.8 hours of audio, each model run over it three times: at the speeds in `results/open_here`, a quarter
of an hour on two cores.

Expected, uar %, mean then mean and deviation: ravdess/emotion 43.9, 43.8 (yamnet) and 49.9, 53.6 (speech_embedding);
arabic_commands/label 56.7, 60.2 and 91.5, 93.3; languages/label 8.5, 7.9 and 27.3, 23.2. docs/pooling.md has the rest.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

SUITE = {
    "models": [
        "yamnet",
        "yamnet+mean+std",
        "yamnet+max",
        "speech_embedding",
        "speech_embedding+mean+std",
        "speech_embedding+max",
    ],
    "tasks": [
        "ravdess/emotion",
        "fsdd/speaker",
        "fsdd/digit",
        f"languages=csv/{DATA}/languages/clips.csv/label",
        f"arabic_commands=csv/{DATA}/arabic_commands/clips.csv/label",
        f"minsk_als=csv/{DATA}/minsk_als/clips.csv/label",
    ],
}
