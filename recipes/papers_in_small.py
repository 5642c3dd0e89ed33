"""What the papers in small reached: every finished run of a `_small` recipe, beside its controls and its teacher.

    NOSS_DATA=DIR noss run recipes/papers_in_small.py --out runs/papers_in_small
    noss compare runs/papers_in_small

Takes what `noss train recipes/X_small.py --out runs/small/X_small` left in `runs/small` (or in the folder `NOSS_RUNS`), and scores
it on the tasks of `recipes/open_here.py`, none of whose corpora it was trained on; `NOSS_DATA` holds them. Beside each stands what
it was before training, `trained/X_small:start`; `logmel_stats` is the floor, and `byol_s` the teacher.

Cost: three to ten minutes on two cores for each model, most of it embedding 6.5 hours. Expected: docs/papers_in_small.md.
"""

import os
from pathlib import Path
from runpy import run_path

RUNS = Path(os.environ.get("NOSS_RUNS", "runs/small"))
FINISHED = [path.parent for path in sorted(RUNS.glob("*_small/model.json")) if (path.parent / "report.html").is_file()]

SUITE = {
    **run_path(str(Path(__file__).with_name("open_here.py")))["SUITE"],
    "models": [
        "trivial",
        "logmel_stats",
        "byol_s",
        *(f"trained/{folder}{which}" for folder in FINISHED for which in ("", ":start")),
    ],
}
