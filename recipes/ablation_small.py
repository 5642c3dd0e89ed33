"""What matters in a short distillation: objective, crop, augmentation and width, one changed at a time.

    export NOSS_DATA=DIR
    noss train recipes/frill_small.py --set student=mobilenet_v3/small-0.5 --set steps=250 --set warmup=25 --out runs/ablation/base
    noss train recipes/frill_small.py --set student=mobilenet_v3/small-0.5 --set steps=250 --set warmup=25 --set ... --out runs/ablation/...
    noss run recipes/ablation_small.py --out runs/ablation_small

Takes every finished run in `runs/ablation` (or in the folder `NOSS_RUNS`) and scores it on five tasks of `recipes/open_here.py`, none
of whose corpora it was trained on, beside what the base was before training, its teacher, and the floor. The lines of `--set` and the table
that came out are in docs/papers_in_small.md.

Cost: two to three minutes of one core a run, two to score it. Expected: docs/papers_in_small.md.
"""

import os
from pathlib import Path
from runpy import run_path

RUNS = Path(os.environ.get("NOSS_RUNS", "runs/ablation"))
FINISHED = [path.parent for path in sorted(RUNS.glob("*/model.json")) if (path.parent / "report.html").is_file()]
OPEN = run_path(str(Path(__file__).with_name("open_here.py")))["SUITE"]

SUITE = {
    **OPEN,
    "models": [
        "trivial",
        "logmel_stats",
        "byol_s",
        *(f"trained/{folder}" for folder in FINISHED),
        *(f"trained/{folder}:start" for folder in FINISHED if folder.name == "base"),
    ],
    "tasks": [task for task in OPEN["tasks"] if not task.startswith(("languages", "speechocean762"))],
    "root": [],
}
