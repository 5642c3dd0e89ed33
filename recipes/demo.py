"""The embedded default: four models on four tasks of a corpus that is synthesised on first use.

    noss run recipes/demo.py --out runs/demo

Needs no download. Cost: under a minute on two cores, the synthesis included.
Expected: every model is far above `trivial` on language and word; openSMILE's ComParE set leads on most tasks.
"""

SUITE = {
    "models": ["trivial", "logmel_stats", "opensmile/egemaps", "opensmile/compare"],
    "tasks": ["demo/language", "demo/speaker", "demo/style", "demo/word"],
}
