"""TRILLsson2: an EfficientNetV2 of 8.1 M parameters that gives what CAP12 gives.

    NOSS_DATA=DIR noss train recipes/trillsson_2.py --out runs/trillsson_2

All but the student is as in `recipes/trillsson_1.py`, which says what data and teacher are, where each setting is from, and what
differs from the original. Which EfficientNetV2 is not told: B1 has 8.1 M.

Cost: not published. Expected: accuracy % 82.6 on CREMA-D and 69.8 on IEMOCAP (arXiv 2203.00236, table 3, as quoted by a survey).
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1.py")))["RECIPE"],
    "student": "efficientnet_v2/b1",  # the family and 8.1 M parameters: table 3
}
