"""Everything open on the shelf: every target of every corpus that anybody may have, in all families.

    noss fetch NAME --root NAME=DIR        for each corpus; `noss show NAME` says how to get those it cannot bring
    noss run recipes/paralinguistic.py --models trivial,logmel_stats,MODEL --root NAME=DIR,... --out runs/paralinguistic

The list is the shelf's: a corpus that is added is in it. In November 2026: 27 tasks on 17 corpora and 8,540 hours, of which
6,628 are VoxLingua107 and 1,224 FLEURS; without these two, 691 hours. Downloads whose sizes are stated: FLEURS 248 GB, MELD
10.9 GB, CommonLanguage 3.8 GB, Speech Commands 2.5 GB, COUGHVID 2.3 GB, CREMA-D 0.6 GB, RAVDESS 0.2 GB, EmoDB 0.04 GB, and
VoxForge about 100 GB. `--tasks` takes what there is.

Expected of the floor, `logmel_stats`, with `clean`: ravdess/emotion 43.2 [37.9, 48.5], fsdd/speaker 100.0, fsdd/digit 56.6
[31.3, 70.3] (uar %); the rest is not measured here yet.
"""

from noss import shelf


def _open_tasks() -> list[str]:
    """Every target of every open corpus that is fetched; wrappers and the corpus that makes itself have none."""
    parts = {name: shelf.load("datasets", name) for name in shelf.names("datasets")}
    fetched = {
        name: part.DATASET
        for name, part in parts.items()
        if not hasattr(part, "default_root") and hasattr(part, "DATASET")
    }
    return [f"{name}/{target}" for name, card in fetched.items() if card.access == "open" for target in card.targets]


SUITE = {"models": ["trivial", "logmel_stats", "mfcc_stats"], "tasks": _open_tasks()}
