"""TRILLsson3 in small: an EfficientNetV2 learns from pieces of two seconds, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trillsson_3_small.py --out runs/small/trillsson_3_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

All else is as in `recipes/trillsson_1_small.py`, which says what `NOSS_DATA` holds and who the teacher is.
The student is EfficientNetV2-B1, a size below that of `recipes/trillsson_3.py`, and there are 32,000 pieces.

Cost: 27 minutes of one core. Expected: mean uar over nine tasks 60.6 %, where its start has 50.8 and its teacher 71.5; above its start on
eight, on three with intervals that do not meet: docs/papers_in_small.md.
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1_small.py")))["RECIPE"],
    "student": "efficientnet_v2/b1",
    "steps": 1000,
}
