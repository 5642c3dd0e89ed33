"""TRILLsson4 in small: a transformer on spectrograms learns from pieces of two seconds, on nine hours and two cores.

    NOSS_DATA=DIR noss train recipes/trillsson_4_small.py --out runs/small/trillsson_4_small
    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small

All else is as in `recipes/trillsson_1_small.py`, which says what `NOSS_DATA` holds and who the teacher is.
The student has six layers of 128, in place of the 26 of 448 of `recipes/trillsson_4.py`, and there are 80,000 pieces.

Cost: 39 minutes of one core. Expected: mean uar over nine tasks 58.1 %, where its start has 49.2 and its teacher 71.5; above its start on
eight, on three with intervals that do not meet: docs/papers_in_small.md.
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1_small.py")))["RECIPE"],
    "student": "ast/trillsson4",
    "student_options": {"width": 128, "depth": 6},
    "steps": 2500,
}
