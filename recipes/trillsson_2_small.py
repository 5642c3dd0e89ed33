"""TRILLsson2 in small: an EfficientNetV2 learns from pieces of two seconds, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trillsson_2_small.py --out runs/small/trillsson_2_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

All else is as in `recipes/trillsson_1_small.py`, which says what `NOSS_DATA` holds and who the teacher is.
The student is EfficientNetV2-B0, a size below that of `recipes/trillsson_2.py`, and there are 48,000 pieces.

Cost: 31 minutes of one core. Expected: mean uar over nine tasks 63.9 %, where its start has 53.0 and its teacher 71.5; above its start on
eight, on five with intervals that do not meet: docs/papers_in_small.md.
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1_small.py")))["RECIPE"],
    "student": "efficientnet_v2/b0",
    "steps": 1500,
}
