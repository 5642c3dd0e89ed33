"""Real recordings, real weights: nine tasks on six corpora and every model that needs no network.

    NOSS_DATA=DIR noss run recipes/open_here.py --out runs/open_here

`NOSS_DATA` is a folder that holds `ravdess`, `fsdd`, `languages`, `arabic_commands`, `minsk_als`, `speechocean_test` and
`weights`; the three in the middle are tables, `clips.csv`, with the columns `file`, `label`, `speaker` and `split`.

Nothing is downloaded. 110 MB, 6.5 hours: 2.7 speechocean762 (its test half), 1.5 RAVDESS, 1.0 languages, 0.8 Arabic commands,
0.4 FSDD, 0.1 Minsk ALS. Half an hour on two cores, most of it `opensmile/compare`; without it, a few minutes.

Expected of the floor, `logmel_stats`, uar %: ravdess/emotion 43.2, fsdd/speaker 100.0, fsdd/digit 56.6, languages/label 10.3,
arabic_commands/label 75.8, minsk_als/label 65.3, speechocean762/speaker 89.4, gender 76.5, age_group 78.1; of `noss/small`, in the same
order, 61.1, 100.0, 74.1, 21.0, 95.2, 65.4, 95.8, 82.1, 79.8.
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
        "byol_s",
        "speech_embedding",
        "noss/small",
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
