"""TRILLsson5 in small: a transformer on spectrograms learns from pieces of two seconds, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trillsson_5_small.py --out runs/small/trillsson_5_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

All else is as in `recipes/trillsson_1_small.py`, which says what `NOSS_DATA` holds and who the teacher is.
The student has six layers of 192, in place of the 22 of 576 of `recipes/trillsson_5.py`, and there are 51,200 pieces.

Cost: 31 minutes of one core. Expected: mean uar over nine tasks 58.6 %, where its start has 50.6 and its teacher 71.5; above its start on
eight, on two with intervals that do not meet: docs/papers_in_small.md.
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1_small.py")))["RECIPE"],
    "student": "ast/trillsson5",
    "student_options": {"width": 192, "depth": 6},
    "steps": 1600,
}
