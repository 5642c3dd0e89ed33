"""TRILLsson3: an EfficientNetV2 of 21.5 M parameters that gives what CAP12 gives.

    NOSS_DATA=DIR noss train recipes/trillsson_3.py --out runs/trillsson_3

All but the student is as in `recipes/trillsson_1.py`, which says what data and teacher are, where each setting is from, and what
differs from the original. Which EfficientNetV2 is not told: S has 21.5 M.

Cost: not published. Expected: accuracy % 83.2 on CREMA-D and 70.3 on IEMOCAP (arXiv 2203.00236, table 3, as quoted by a survey).
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1.py")))["RECIPE"],
    "student": "efficientnet_v2/s",  # the family and 21.5 M parameters: table 3
}
