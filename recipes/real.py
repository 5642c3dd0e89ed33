"""Real recordings, real weights: nine tasks on six corpora and every model that needs no network.

    NOSS_DATA=DIR noss run recipes/real.py --out runs/real

`NOSS_DATA` is a folder that holds `ravdess`, `fsdd`, `languages`, `arabic_commands`, `minsk_als`,
`speechocean_test` and `weights`.
"""

import os
from pathlib import Path

DATA = Path(os.environ.get("NOSS_DATA", "."))

SUITE = {
    "models": [
        "trivial",
        "logmel_stats",
        "mfcc_stats",
        "opensmile/egemaps",
        "opensmile/compare",
        "yamnet",
        "speech_embedding",
    ],
    "tasks": [
        "ravdess/emotion",
        "fsdd/speaker",
        "fsdd/digit",
        f"languages=csv/{DATA}/languages/clips.csv/label",
        f"arabic_commands=csv/{DATA}/arabic_commands/clips.csv/label",
        f"minsk_als=csv/{DATA}/minsk_als/clips.csv/label",
        "speechocean762/speaker",
        "speechocean762/gender",
        "speechocean762/age_group",
    ],
    "root": [f"speechocean762={DATA}/speechocean_test"],
}
