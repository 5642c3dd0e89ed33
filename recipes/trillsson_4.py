"""TRILLsson4: a transformer on spectrograms of 63.4 M parameters that gives what CAP12 gives.

    NOSS_DATA=DIR noss train recipes/trillsson_4.py --out runs/trillsson_4

All but the student is as in `recipes/trillsson_1.py`, which says what data and teacher are, where each setting is from, and what
differs from the original. Its width and depth are not published: see `noss show ast/trillsson4`.

Cost: not published. Expected: accuracy % 86.2 on CREMA-D and 73.2 on IEMOCAP (arXiv 2203.00236, table 3, as quoted by a survey).
"""

from pathlib import Path
from runpy import run_path

RECIPE = {
    **run_path(str(Path(__file__).with_name("trillsson_1.py")))["RECIPE"],
    "student": "ast/trillsson4",  # AST, 63.4 M parameters: table 3
}
